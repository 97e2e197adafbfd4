// SipHash-1-3 (Aumasson and Bernstein, 2012): a keyed hash, so that keys which a guest chooses
// cannot be made to collide.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace trellis::providers::keyvalue {

struct HashKey {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
};

class SipHash13 {
 public:
  explicit SipHash13(const HashKey& key) noexcept
      : v0_(key.low ^ 0x736f6d6570736575ULL),
        v1_(key.high ^ 0x646f72616e646f6dULL),
        v2_(key.low ^ 0x6c7967656e657261ULL),
        v3_(key.high ^ 0x7465646279746573ULL) {}

  /// Adds one whole text and its length; unlike plain SipHash, "ab" + "c" differs from "a" + "bc".
  void add(std::string_view text) noexcept {
    const char* at = text.data();
    std::size_t left = text.size();
    for (; left >= 8; left -= 8, at += 8) word(load(at, 8));
    word(load(at, left) | (static_cast<std::uint64_t>(text.size()) << 56U));
  }

  std::uint64_t finish() noexcept {
    v2_ ^= 0xFF;
    for (int i = 0; i < 3; ++i) round();
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }

 private:
  static std::uint64_t load(const char* from, std::size_t bytes) noexcept {
    std::uint64_t value = 0;
    if (bytes > 0) std::memcpy(&value, from, bytes);
    return value;
  }

  void word(std::uint64_t value) noexcept {
    v3_ ^= value;
    round();
    v0_ ^= value;
  }

  void round() noexcept {
    v0_ += v1_;
    v1_ = std::rotl(v1_, 13) ^ v0_;
    v0_ = std::rotl(v0_, 32);
    v2_ += v3_;
    v3_ = std::rotl(v3_, 16) ^ v2_;
    v0_ += v3_;
    v3_ = std::rotl(v3_, 21) ^ v0_;
    v2_ += v1_;
    v1_ = std::rotl(v1_, 17) ^ v2_;
    v2_ = std::rotl(v2_, 32);
  }

  std::uint64_t v0_;
  std::uint64_t v1_;
  std::uint64_t v2_;
  std::uint64_t v3_;
};

}  // namespace trellis::providers::keyvalue
