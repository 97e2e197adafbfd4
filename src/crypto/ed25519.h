// Ed25519 signatures (RFC 8032) by libsodium, with the strict rules: S below the group order, no
// public key or R of small order, no encoding that is not canonical. Each key and message then has
// verdicts on which all strict verifiers agree (security note 0.1: OpenSSL accepts some of what is
// refused here). A secret never prints, never copies by accident and is wiped when it goes.
#pragma once

#include <array>
#include <optional>

#include "trellis/base/bytes.h"

namespace trellis::crypto {

inline constexpr std::size_t kPublicKeyBytes = 32;
inline constexpr std::size_t kSignatureBytes = 64;
inline constexpr std::size_t kSeedBytes = 32;

using PublicKey = std::array<std::byte, kPublicKeyBytes>;
using Signature = std::array<std::byte, kSignatureBytes>;

/// An Ed25519 private key: 32 secret bytes and the public key that follows from them.
class SecretKey {
 public:
  /// From RFC 8032's 32-byte private key. The caller wipes its own copy.
  static SecretKey from_seed(std::span<const std::byte, kSeedBytes> seed);
  /// From the system's random source.
  static SecretKey generate();

  SecretKey(SecretKey&& other) noexcept;
  SecretKey& operator=(SecretKey&& other) noexcept;
  SecretKey(const SecretKey&) = delete;
  SecretKey& operator=(const SecretKey&) = delete;
  ~SecretKey();

  const PublicKey& public_key() const noexcept { return public_; }

  Signature sign(ByteView message) const;

  /// The secret itself, for writing a key file or deriving from it. The view lives as the key does.
  std::span<const std::byte, kSeedBytes> seed() const noexcept { return seed_; }

 private:
  SecretKey() = default;

  std::array<std::byte, kSeedBytes> seed_{};
  PublicKey public_{};
};

/// False for anything but a strictly valid signature of `message` by `key`; `key` and `signature`
/// may have any length and content. About 60 us.
bool verify(ByteView key, ByteView message, ByteView signature) noexcept;

/// Overwrites secrets so that the compiler cannot leave it out.
void wipe(MutableByteView bytes) noexcept;

}  // namespace trellis::crypto
