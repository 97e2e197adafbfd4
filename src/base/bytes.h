// Views and owners of raw bytes, and the conversions between bytes, text and hex.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace trellis {

using Bytes = std::vector<std::byte>;
using ByteView = std::span<const std::byte>;
using MutableByteView = std::span<std::byte>;

inline ByteView as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

inline std::string_view as_text(ByteView bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline const std::uint8_t* as_u8(ByteView bytes) noexcept {
  return reinterpret_cast<const std::uint8_t*>(bytes.data());
}

inline std::uint8_t* as_u8(MutableByteView bytes) noexcept {
  return reinterpret_cast<std::uint8_t*>(bytes.data());
}

inline Bytes to_bytes(ByteView view) {
  return {view.begin(), view.end()};
}

inline Bytes to_bytes(std::string_view text) {
  return to_bytes(as_bytes(text));
}

inline bool equal(ByteView a, ByteView b) noexcept {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

/// Lower-case hex, two digits a byte.
std::string to_hex(ByteView bytes);
/// Upper-case hex, as wascap hashes are written.
std::string to_hex_upper(ByteView bytes);
/// Takes either case; nullopt for an odd length or any other character.
std::optional<Bytes> from_hex(std::string_view hex);

/// True when [offset, offset + length) lies inside `size`; no sum can wrap.
constexpr bool range_fits(std::uint64_t offset, std::uint64_t length, std::uint64_t size) noexcept {
  return length <= size && offset <= size - length;
}

}  // namespace trellis
