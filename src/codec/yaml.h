// YAML 1.2 as configuration needs it: one document of scalars, lists and maps, in which every node
// knows its line. Refused with the line: keys that stand twice, keys that are not plain text,
// anchors and aliases (they can grow without bound), tags other than !!str, a second document.
// Nothing throws.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trellis/base/error.h"

namespace trellis::codec::yaml {

inline constexpr std::size_t kMaxBytes = std::size_t{1} << 20;
inline constexpr std::size_t kMaxDepth = 32;

enum class Kind : std::uint8_t { Null, Scalar, List, Map };

struct Member;

/// One node and all below it: a value type.
struct Node {
  Kind kind = Kind::Null;
  bool quoted = false;     // Scalar: written in quotes or as a block, so it is text, never a number
  std::uint32_t line = 1;  // 1-based
  std::uint32_t column = 1;     // 1-based
  std::string text;             // Scalar
  std::vector<Node> items;      // List
  std::vector<Member> members;  // Map, in the order of the file

  /// The value of a key of a Map; nullptr when absent or not a Map.
  const Node* find(std::string_view key) const noexcept;

  bool is_null() const noexcept { return kind == Kind::Null; }

  bool is_scalar() const noexcept { return kind == Kind::Scalar; }

  bool is_list() const noexcept { return kind == Kind::List; }

  bool is_map() const noexcept { return kind == Kind::Map; }
};

struct Member {
  std::string key;
  std::uint32_t line = 1;  // of the key
  std::uint32_t column = 1;
  Node value;
};

/// A decimal integer in an unquoted scalar.
std::optional<std::int64_t> integer(const Node& node) noexcept;
/// `true` or `false` in an unquoted scalar (True, TRUE, False, FALSE too).
std::optional<bool> boolean(const Node& node) noexcept;
/// "a scalar", "a list", "a map", "nothing": for messages.
std::string_view kind_text(Kind kind) noexcept;

struct ParseError {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
  std::string message;
};

/// An empty document is a Null node. A text above `max_bytes` is refused.
std::expected<Node, ParseError> parse(std::string_view text, std::size_t max_bytes = kMaxBytes);

}  // namespace trellis::codec::yaml
