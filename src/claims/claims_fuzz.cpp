// Any bytes, three ways: as a module; as the payload of a token that a trusted account signs; as a
// change to a module that is signed well. Whatever is accepted stops being accepted when one of its
// bytes changes.
#include <array>
#include <string>

#include "trellis/base/assert.h"
#include "trellis/claims/sign.h"
#include "trellis/claims/verify.h"
#include "trellis/codec/leb128.h"
#include "trellis/crypto/jws.h"

namespace {

using trellis::Bytes;
using trellis::ByteView;
namespace claims = trellis::claims;
namespace crypto = trellis::crypto;

constexpr trellis::UnixSeconds kNow = 1'800'000'000;

crypto::KeyPair fixed_key(crypto::KeyKind kind, std::byte fill) {
  std::array<std::byte, crypto::kSeedBytes> seed{};
  seed.fill(fill);
  return {kind, crypto::SecretKey::from_seed(seed)};
}

struct Keys {
  crypto::KeyPair account = fixed_key(crypto::KeyKind::Account, std::byte{1});
  crypto::KeyPair module = fixed_key(crypto::KeyKind::Module, std::byte{2});
  claims::TrustList trust;
  std::string plain = std::string("\0asm\1\0\0\0\0\3\1xy", 13);
  Bytes good;

  Keys() {
    TR_ASSERT(trust.add(account.public_key()).has_value());
    claims::SignOptions options;
    options.name = "fuzz";
    good = claims::sign(trellis::as_bytes(plain), account, module.public_key(), options).value();
    TR_ASSERT(claims::verify(good, trust, kNow).has_value());
  }
};

Bytes with_token(const std::string& plain, const std::string& token) {
  Bytes contents{std::byte{3}, std::byte{'j'}, std::byte{'w'}, std::byte{'t'}};
  const ByteView bytes = trellis::as_bytes(token);
  contents.insert(contents.end(), bytes.begin(), bytes.end());
  Bytes out = trellis::to_bytes(plain);
  out.push_back(std::byte{0});
  trellis::codec::append_leb(out, contents.size());
  out.insert(out.end(), contents.begin(), contents.end());
  return out;
}

/// One byte in eight or so is changed, each time at another place.
void check_changes(const Keys& keys, Bytes module, std::size_t start) {
  for (std::size_t i = start % 8; i < module.size(); i += 8) {
    const std::byte before = module[i];
    module[i] ^= static_cast<std::byte>(1U << (i / 8 % 8));
    TR_ASSERT(!claims::verify(module, keys.trust, kNow).has_value());
    module[i] = before;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Keys keys;
  const ByteView input(reinterpret_cast<const std::byte*>(data), size);

  const trellis::Result<claims::VerifiedModule> raw = claims::verify(input, keys.trust, kNow);
  if (raw) check_changes(keys, trellis::to_bytes(input), size);

  if (size <= 8192) {
    const std::string text(trellis::as_text(input));
    const Bytes module = with_token(keys.plain, crypto::make_jws(text, keys.account.secret()));
    const trellis::Result<claims::VerifiedModule> judged = claims::verify(module, keys.trust, kNow);
    if (judged) {
      TR_ASSERT(judged->issuer() == keys.account.public_text());
      TR_ASSERT(judged->subject().starts_with('M'));
      check_changes(keys, module, size);
    }
    TR_ASSERT(!claims::verify(with_token(keys.plain, text), keys.trust, kNow) ||
              text.find('.') != std::string::npos);
  }

  // Two bytes say where, the others are laid over the good module.
  if (size > 2) {
    Bytes changed = keys.good;
    const std::size_t at = (data[0] * 256U + data[1]) % changed.size();
    for (std::size_t i = 2; i < size && at + i - 2 < changed.size(); ++i)
      changed[at + i - 2] = input[i];
    if (changed != keys.good) TR_ASSERT(!claims::verify(changed, keys.trust, kNow).has_value());
  }
  return 0;
}
