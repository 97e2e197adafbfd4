// Numbers of WASI preview 1 (witx `typenames`, both snapshots).
#pragma once

#include <cstdint>

namespace trellis::abi::wapc::wasi {

inline constexpr std::int32_t kSuccess = 0;
inline constexpr std::int32_t kBadDescriptor = 8;
inline constexpr std::int32_t kInvalid = 28;
inline constexpr std::int32_t kNoSystemCall = 52;
inline constexpr std::int32_t kNotSeekable = 70;

inline constexpr std::uint32_t kRealtimeClock = 0;
inline constexpr std::uint32_t kMonotonicClock = 1;

inline constexpr std::uint8_t kCharacterDevice = 2;
inline constexpr std::uint64_t kRightRead = 1u << 1;
inline constexpr std::uint64_t kRightWrite = 1u << 6;

inline constexpr std::uint64_t kFdstatBytes = 24;
inline constexpr std::uint64_t kFilestatBytesPreview1 = 64;
inline constexpr std::uint64_t kFilestatBytesUnstable = 56;

}  // namespace trellis::abi::wapc::wasi
