// What a refusal costs before anything compiles: the issue asks for 20 ms up to 4 MiB.
#include <string>

#include <benchmark/benchmark.h>

#include "trellis/claims/sign.h"
#include "trellis/claims/verify.h"

namespace trellis::claims {
namespace {

constexpr UnixSeconds kNow = 1'800'000'000;

std::string module_of(std::size_t custom_bytes) {
  // One custom section of three-byte size, named "x".
  const std::size_t size = custom_bytes + 2;
  std::string out("\0asm\1\0\0\0", 8);
  out.push_back('\0');
  for (int i = 0; i < 3; ++i) out.push_back(static_cast<char>((size >> (7 * i) & 0x7FU) | 0x80U));
  out.push_back(static_cast<char>(size >> 21U & 0x7FU));
  out += std::string("\1x") + std::string(custom_bytes, 'a');
  return out;
}

void verify_signed_module(benchmark::State& state) {
  const crypto::KeyPair account = crypto::KeyPair::generate(crypto::KeyKind::Account);
  const crypto::KeyPair module = crypto::KeyPair::generate(crypto::KeyKind::Module);
  TrustList trust;
  if (!trust.add(account.public_key())) return state.SkipWithError("trust");
  const std::string plain = module_of(static_cast<std::size_t>(state.range(0)));
  const Result<Bytes> good = sign(as_bytes(plain), account, module.public_key(), {});
  if (!good) return state.SkipWithError(good.error().message().c_str());
  for (auto _ : state) {
    const Result<VerifiedModule> verified = verify(*good, trust, kNow);
    if (!verified) state.SkipWithError("refused");
    benchmark::DoNotOptimize(verified);
  }
}

BENCHMARK(verify_signed_module)->Arg(1 << 10)->Arg(1 << 20)->Arg(4 << 20)->Arg(8 << 20);

/// Four MiB of the smallest sections: the most that the walk itself can cost.
void refuse_many_sections(benchmark::State& state) {
  std::string module("\0asm\1\0\0\0", 8);
  while (module.size() < std::size_t{4} << 20U) module += std::string("\0\1\0", 3);
  for (auto _ : state) {
    const Result<VerifiedModule> verified = verify(as_bytes(module), {}, kNow);
    benchmark::DoNotOptimize(verified);
  }
}

BENCHMARK(refuse_many_sections);

}  // namespace
}  // namespace trellis::claims
