#include "trellis/crypto/ed25519.h"

#include <algorithm>
#include <utility>

#include <sodium.h>

#include "trellis/base/assert.h"
#include "trellis/crypto/hash.h"

namespace trellis::crypto {
namespace {

using Expanded = std::array<std::byte, crypto_sign_SECRETKEYBYTES>;

static_assert(crypto_sign_SECRETKEYBYTES == kSeedBytes + kPublicKeyBytes);
static_assert(crypto_sign_PUBLICKEYBYTES == kPublicKeyBytes);
static_assert(crypto_sign_BYTES == kSignatureBytes);

}  // namespace

SecretKey SecretKey::from_seed(std::span<const std::byte, kSeedBytes> seed) {
  SecretKey key;
  std::ranges::copy(seed, key.seed_.begin());
  Expanded expanded{};
  const int code =
      crypto_sign_seed_keypair(as_u8(MutableByteView(key.public_)),
                               as_u8(MutableByteView(expanded)), as_u8(ByteView(key.seed_)));
  wipe(expanded);
  TR_ASSERT(code == 0);
  return key;
}

SecretKey SecretKey::generate() {
  std::array<std::byte, kSeedBytes> seed{};
  random_bytes(seed);
  SecretKey key = from_seed(seed);
  wipe(seed);
  return key;
}

SecretKey::SecretKey(SecretKey&& other) noexcept : seed_(other.seed_), public_(other.public_) {
  wipe(other.seed_);
}

SecretKey& SecretKey::operator=(SecretKey&& other) noexcept {
  if (this != &other) {
    seed_ = other.seed_;
    public_ = other.public_;
    wipe(other.seed_);
  }
  return *this;
}

SecretKey::~SecretKey() {
  wipe(seed_);
}

Signature SecretKey::sign(ByteView message) const {
  // libsodium's secret key is the seed followed by the public key.
  Expanded expanded{};
  std::ranges::copy(seed_, expanded.begin());
  std::ranges::copy(public_, expanded.begin() + kSeedBytes);
  Signature signature{};
  const int code = crypto_sign_detached(as_u8(MutableByteView(signature)), nullptr, as_u8(message),
                                        message.size(), as_u8(MutableByteView(expanded)));
  wipe(expanded);
  TR_ASSERT(code == 0);
  return signature;
}

bool verify(ByteView key, ByteView message, ByteView signature) noexcept {
  if (key.size() != kPublicKeyBytes || signature.size() != kSignatureBytes) return false;
  return crypto_sign_verify_detached(as_u8(signature), as_u8(message), message.size(),
                                     as_u8(key)) == 0;
}

void wipe(MutableByteView bytes) noexcept {
  sodium_memzero(bytes.data(), bytes.size());
}

}  // namespace trellis::crypto
