// The one way from a guest's pointer to bytes: 64-bit arithmetic against the memory's present size.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>

#include "trellis/base/bytes.h"

namespace trellis::abi {

/// [pointer, pointer + length) of `memory`; nullopt when any of it lies outside. An empty range is
/// inside up to and including the end of the memory.
inline std::optional<MutableByteView> guest_slice(MutableByteView memory, std::uint64_t pointer,
                                                  std::uint64_t length) noexcept {
  if (!range_fits(pointer, length, memory.size())) return std::nullopt;
  return memory.subspan(static_cast<std::size_t>(pointer), static_cast<std::size_t>(length));
}

/// Little-endian numbers; `from` and `into` hold at least sizeof(T) bytes.
template <class T>
T load_le(ByteView from) noexcept {
  T value;
  std::memcpy(&value, from.data(), sizeof value);
  return value;
}

template <class T>
void store_le(MutableByteView into, T value) noexcept {
  std::memcpy(into.data(), &value, sizeof value);
}

}  // namespace trellis::abi
