#include "trellis/codec/base32.h"

namespace trellis::codec {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

}  // namespace

std::string base32_encode(ByteView bytes) {
  std::string out;
  out.reserve(bytes.size() * 8 / 5 + 7);
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (const std::byte byte : bytes) {
    bits = (bits << 8U) | static_cast<std::uint32_t>(byte);
    held += 8;
    while (held >= 5) {
      held -= 5;
      out.push_back(kAlphabet[(bits >> held) & 0x1FU]);
    }
  }
  if (held > 0) out.push_back(kAlphabet[(bits << (5 - held)) & 0x1FU]);
  return out;
}

std::optional<Bytes> base32_decode(std::string_view text) {
  const std::size_t tail = text.size() % 8;
  if (tail == 1 || tail == 3 || tail == 6) return std::nullopt;
  Bytes out;
  out.reserve(text.size() * 5 / 8);
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (const char c : text) {
    std::uint32_t value = 0;
    if (c >= 'A' && c <= 'Z')
      value = static_cast<std::uint32_t>(c - 'A');
    else if (c >= '2' && c <= '7')
      value = static_cast<std::uint32_t>(c - '2' + 26);
    else
      return std::nullopt;
    bits = (bits << 5U) | value;
    held += 5;
    if (held >= 8) {
      held -= 8;
      out.push_back(static_cast<std::byte>((bits >> held) & 0xFFU));
    }
  }
  if ((bits & ((1U << held) - 1U)) != 0) return std::nullopt;
  return out;
}

}  // namespace trellis::codec
