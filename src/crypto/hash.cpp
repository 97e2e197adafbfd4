#include "trellis/crypto/hash.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>

#include "trellis/base/assert.h"

namespace trellis::crypto {

struct Sha256::Context {
  struct Free {
    void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
  };

  std::unique_ptr<EVP_MD_CTX, Free> evp{EVP_MD_CTX_new()};
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  TR_ASSERT(context_->evp != nullptr);
  TR_ASSERT(EVP_DigestInit_ex(context_->evp.get(), EVP_sha256(), nullptr) == 1);
}

Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::update(ByteView bytes) {
  TR_ASSERT(EVP_DigestUpdate(context_->evp.get(), bytes.data(), bytes.size()) == 1);
}

Sha256Digest Sha256::finish() {
  Sha256Digest digest{};
  unsigned length = 0;
  TR_ASSERT(EVP_DigestFinal_ex(context_->evp.get(), as_u8(MutableByteView(digest)), &length) == 1);
  TR_ASSERT(length == kSha256Bytes);
  return digest;
}

Sha256Digest sha256(ByteView bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.finish();
}

Sha256Digest hmac_sha256(ByteView key, ByteView message) {
  // RFC 2104: a key longer than a block is hashed, a shorter one padded with zeros.
  constexpr std::size_t kBlock = 64;
  std::array<std::byte, kBlock> block{};
  if (key.size() > kBlock) {
    Sha256Digest hashed = sha256(key);
    std::ranges::copy(hashed, block.begin());
    sodium_memzero(hashed.data(), hashed.size());
  } else {
    std::ranges::copy(key, block.begin());
  }
  for (std::byte& byte : block) byte ^= std::byte{0x36};
  Sha256 inner;
  inner.update(block);
  inner.update(message);
  const Sha256Digest inner_digest = inner.finish();
  for (std::byte& byte : block) byte ^= std::byte{0x36} ^ std::byte{0x5C};
  Sha256 outer;
  outer.update(block);
  outer.update(inner_digest);
  sodium_memzero(block.data(), block.size());
  return outer.finish();
}

void random_bytes(MutableByteView out) {
  while (!out.empty()) {
    const ssize_t got = ::getrandom(out.data(), out.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    TR_ASSERT(got > 0);
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

bool constant_time_equal(ByteView a, ByteView b) noexcept {
  return a.size() == b.size() && (a.empty() || sodium_memcmp(a.data(), b.data(), a.size()) == 0);
}

}  // namespace trellis::crypto
