// The characters of HTTP/1.1 (RFC 9110 section 5.6, RFC 9112 sections 2 to 5), as strict as this
// server reads and writes them. Pure functions, any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace trellis::http {

namespace detail {

constexpr std::array<bool, 256> make_token_table() {
  std::array<bool, 256> table{};
  for (unsigned c = '0'; c <= '9'; ++c) table[c] = true;
  for (unsigned c = 'a'; c <= 'z'; ++c) table[c] = true;
  for (unsigned c = 'A'; c <= 'Z'; ++c) table[c] = true;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) {
    table[static_cast<unsigned char>(c)] = true;
  }
  return table;
}

inline constexpr std::array<bool, 256> kTokenTable = make_token_table();

}  // namespace detail

constexpr bool is_token_char(char c) noexcept {
  return detail::kTokenTable[static_cast<unsigned char>(c)];
}

constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

constexpr char to_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

/// 0..15, or -1.
constexpr int hex_value(char c) noexcept {
  if (is_digit(c)) return c - '0';
  const char lower = to_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// One or more token characters.
bool is_token(std::string_view text) noexcept;

/// True when no byte is a control character other than a tab; bytes from 0x80 are allowed.
bool is_field_value(std::string_view text) noexcept;

/// True when every byte is in 0x21..0x7E.
bool is_visible(std::string_view text) noexcept;

/// `uri-host [":" port]` that is not empty: a name, an IPv4 address or an IPv6 literal in brackets.
bool is_host(std::string_view text) noexcept;

/// ASCII letters compare without case.
bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;

/// Without spaces and tabs on both sides.
std::string_view trim(std::string_view text) noexcept;

/// Digits only, no sign, no space; nullopt also when it does not fit 64 bits.
std::optional<std::uint64_t> parse_decimal(std::string_view text) noexcept;

/// True for the fields that belong to one connection or to the framing, which a handler never sets:
/// connection, content-length, transfer-encoding, keep-alive, proxy-connection, te, trailer,
/// upgrade.
bool is_connection_field(std::string_view name) noexcept;

}  // namespace trellis::http
