// LEB128 integers as WebAssembly bounds them: at most ceil(N/7) bytes, and the bits of the last
// byte that lie beyond N must be zero (unsigned) or copies of the sign (signed).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "trellis/base/bytes.h"

namespace trellis::codec {

template <class T>
struct Leb {
  T value = 0;
  std::size_t length = 0;  // bytes read, padding included
};

namespace detail {

template <class T, unsigned Bits>
constexpr std::optional<Leb<T>> read_unsigned_leb(ByteView input) noexcept {
  constexpr std::size_t kMaxLength = (Bits + 6) / 7;
  constexpr unsigned kLastBits = Bits - 7 * (kMaxLength - 1);
  T value = 0;
  for (std::size_t i = 0; i < kMaxLength && i < input.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(input[i]);
    if (i + 1 == kMaxLength && (byte >> kLastBits) != 0) return std::nullopt;
    value |= static_cast<T>(byte & 0x7FU) << (7 * i);
    if ((byte & 0x80U) == 0) return Leb<T>{value, i + 1};
  }
  return std::nullopt;
}

}  // namespace detail

constexpr std::optional<Leb<std::uint32_t>> read_leb_u32(ByteView input) noexcept {
  return detail::read_unsigned_leb<std::uint32_t, 32>(input);
}

constexpr std::optional<Leb<std::uint64_t>> read_leb_u64(ByteView input) noexcept {
  return detail::read_unsigned_leb<std::uint64_t, 64>(input);
}

/// A signed integer of `Bits` bits (32, 33 for heap and block types, 64).
template <unsigned Bits>
constexpr std::optional<Leb<std::int64_t>> read_leb_signed(ByteView input) noexcept {
  constexpr std::size_t kMaxLength = (Bits + 6) / 7;
  constexpr unsigned kLastBits = Bits - 7 * (kMaxLength - 1);
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < kMaxLength && i < input.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(input[i]);
    if (i + 1 == kMaxLength) {
      if ((byte & 0x80U) != 0) return std::nullopt;
      const unsigned beyond = (byte & 0x7FU) >> (kLastBits - 1);  // the sign and what follows it
      if (beyond != 0 && beyond != (0x7FU >> (kLastBits - 1))) return std::nullopt;
    }
    value |= static_cast<std::uint64_t>(byte & 0x7FU) << (7 * i);
    if ((byte & 0x80U) == 0) {
      const auto shift = static_cast<unsigned>(7 * (i + 1));
      if (shift < 64 && (byte & 0x40U) != 0) value |= ~std::uint64_t{0} << shift;
      return Leb<std::int64_t>{static_cast<std::int64_t>(value), i + 1};
    }
  }
  return std::nullopt;
}

/// The shortest spelling.
inline void append_leb(Bytes& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<std::byte>((value & 0x7FU) | 0x80U));
    value >>= 7U;
  }
  out.push_back(static_cast<std::byte>(value));
}

/// The length of that spelling in bytes.
constexpr std::size_t leb_length(std::uint64_t value) noexcept {
  std::size_t length = 1;
  while (value >= 0x80) {
    value >>= 7U;
    ++length;
  }
  return length;
}

}  // namespace trellis::codec
