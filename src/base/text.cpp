#include "trellis/base/text.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>

namespace trellis {
namespace {

struct Decoded {
  char32_t point = 0;
  std::size_t length = 0;  // bytes taken; 0: ill-formed
};

/// One character of well-formed UTF-8 at the start of a non-empty `text` (Unicode 15, table 3-7).
Decoded decode_one(std::string_view text) noexcept {
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = at(0);
  if (lead < 0x80) return {lead, 1};
  std::size_t length = 0;
  char32_t point = 0;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
    point = lead & 0x1FU;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    point = lead & 0x0FU;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    point = lead & 0x07U;
  } else {
    return {};
  }
  if (text.size() < length) return {};
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xC0U) != 0x80U) return {};
    point = (point << 6U) | (at(i) & 0x3FU);
  }
  const bool overlong = (length == 3 && point < 0x800) || (length == 4 && point < 0x10000);
  const bool surrogate = point >= 0xD800 && point <= 0xDFFF;
  if (overlong || surrogate || point > 0x10FFFF) return {};
  return {point, length};
}

bool is_control(char32_t point) noexcept {
  return point < 0x20 || (point >= 0x7F && point <= 0x9F) || (point >= 0x202A && point <= 0x202E) ||
         (point >= 0x2066 && point <= 0x2069);
}

void append_escape(std::string& out, char32_t point) {
  std::array<char, 16> buffer{};
  const char* format = point < 0x100 ? "\\x%02x" : "\\u{%04x}";
  const int written =
      std::snprintf(buffer.data(), buffer.size(), format, static_cast<unsigned>(point));
  out.append(buffer.data(), static_cast<std::size_t>(written));
}

enum class Lines { Keep, Escape };

std::string escape(std::string_view text, Lines lines) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Decoded one = decode_one(text);
    if (one.length == 0) {
      out += "\xEF\xBF\xBD";
      text.remove_prefix(1);
      continue;
    }
    if (one.point == '\n' || one.point == '\t') {
      if (lines == Lines::Keep) {
        out += text[0];
      } else {
        out += one.point == '\n' ? "\\n" : "\\t";
      }
    } else if (is_control(one.point)) {
      append_escape(out, one.point);
    } else {
      out.append(text.substr(0, one.length));
    }
    text.remove_prefix(one.length);
  }
  return out;
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    // Requests check texts, nearly all of them ASCII: eight characters at a time.
    if (text.size() >= 8) {
      std::uint64_t eight = 0;
      std::memcpy(&eight, text.data(), 8);
      if ((eight & 0x8080808080808080U) == 0) {
        text.remove_prefix(8);
        continue;
      }
    }
    const Decoded one = decode_one(text);
    if (one.length == 0) return false;
    text.remove_prefix(one.length);
  }
  return true;
}

std::string to_utf8_lossy(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Decoded one = decode_one(text);
    if (one.length == 0) {
      out += "\xEF\xBF\xBD";
      text.remove_prefix(1);
    } else {
      out.append(text.substr(0, one.length));
      text.remove_prefix(one.length);
    }
  }
  return out;
}

std::string_view cut_utf8(std::string_view text, std::size_t max_bytes) noexcept {
  if (text.size() <= max_bytes) return text;
  std::size_t end = max_bytes;
  while (end > 0 && (static_cast<std::uint8_t>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end);
}

std::string escape_controls(std::string_view text) {
  return escape(text, Lines::Keep);
}

std::string escape_line(std::string_view text) {
  return escape(text, Lines::Escape);
}

}  // namespace trellis
