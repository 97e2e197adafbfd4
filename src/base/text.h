// Text from outside, made fit for people, logs and JSON.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace trellis {

/// An error text for outside is at most this many bytes of UTF-8 (interfaces.md).
inline constexpr std::size_t kMaxErrorTextBytes = 4096;

/// True when `text` is well-formed UTF-8 (no surrogates, no overlong forms, at most U+10FFFF).
bool is_utf8(std::string_view text) noexcept;

/// `text` with each ill-formed sequence replaced by U+FFFD.
std::string to_utf8_lossy(std::string_view text);

/// `text` cut to at most `max_bytes` without splitting a character.
std::string_view cut_utf8(std::string_view text, std::size_t max_bytes) noexcept;

/// Lossy UTF-8 in which C0 except tab and newline, DEL, C1 and the bidirectional controls
/// U+202A-202E and U+2066-2069 are written as \xNN or \u{NNNN}: nothing in the result can steer a
/// terminal or reorder a line.
std::string escape_controls(std::string_view text);

/// The same, and a newline is \n and a tab \t: fit for one line of a log.
std::string escape_line(std::string_view text);

}  // namespace trellis
