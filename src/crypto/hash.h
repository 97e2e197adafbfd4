// SHA-256 and HMAC-SHA-256 (OpenSSL's libcrypto, which uses the CPU's SHA instructions), and bytes
// from the system's random source. Free functions may be called from any thread.
#pragma once

#include <array>
#include <memory>

#include "trellis/base/bytes.h"

namespace trellis::crypto {

inline constexpr std::size_t kSha256Bytes = 32;

using Sha256Digest = std::array<std::byte, kSha256Bytes>;

/// A hash fed in parts; one thread at a time.
class Sha256 {
 public:
  Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  ~Sha256();

  void update(ByteView bytes);
  /// The digest of all parts; the object must not be used afterwards.
  Sha256Digest finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

Sha256Digest sha256(ByteView bytes);
Sha256Digest hmac_sha256(ByteView key, ByteView message);

/// Fills `out` from the kernel's generator; never fails (the process stops if it does).
void random_bytes(MutableByteView out);

/// Compares without revealing by its duration where the inputs differ (their lengths are public).
bool constant_time_equal(ByteView a, ByteView b) noexcept;

}  // namespace trellis::crypto
