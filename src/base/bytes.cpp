#include "trellis/base/bytes.h"

namespace trellis {
namespace {

std::string hex_with(ByteView bytes, const char* digits) {
  std::string out(bytes.size() * 2, '\0');
  std::size_t at = 0;
  for (const std::byte byte : bytes) {
    const auto value = std::to_integer<unsigned>(byte);
    out[at++] = digits[value >> 4U];
    out[at++] = digits[value & 15U];
  }
  return out;
}

int digit_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string to_hex(ByteView bytes) {
  return hex_with(bytes, "0123456789abcdef");
}

std::string to_hex_upper(ByteView bytes) {
  return hex_with(bytes, "0123456789ABCDEF");
}

std::optional<Bytes> from_hex(std::string_view hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  Bytes out;
  out.reserve(hex.size() / 2);
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const int high = digit_value(hex[i]);
    const int low = digit_value(hex[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<std::byte>((high << 4) | low));
  }
  return out;
}

}  // namespace trellis
