// JSON (RFC 8259), strict: bounded size and depth, valid UTF-8 only, no comments, no trailing
// commas, nothing after the value, and no key twice in one object (readers that keep the first and
// readers that keep the last must not be played against each other). Nothing throws.
//
// Code that only passes values on includes this header; it needs the full Boost.JSON value type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "trellis/base/error.h"

namespace trellis::codec::json {

using Value = boost::json::value;
using Object = boost::json::object;
using Array = boost::json::array;

struct Limits {
  std::size_t max_bytes = std::size_t{1} << 20;
  std::size_t max_depth = 32;        // levels of arrays and objects
  bool allow_repeated_keys = false;  // only for showing: the last value stays
};

/// json.malformed says what is wrong and at which byte.
Result<Value> parse(std::string_view text, const Limits& limits = {});

/// The shortest text. Beyond what RFC 8259 asks, DEL, C1 and the bidirectional controls are written
/// as \uNNNN, and ill-formed UTF-8 as U+FFFD: no output of ours steers a terminal. A number that
/// JSON cannot hold (NaN, infinity) becomes null.
std::string to_text(const Value& value);
/// Indented by two spaces, for people.
std::string to_pretty_text(const Value& value);
/// One string literal with its quotes, escaped the same way.
std::string quote(std::string_view text);

// Look-ups that accept only the exact type: nullptr or nullopt when absent or of another type.

const Value* find(const Object& object, std::string_view key) noexcept;
std::optional<std::string_view> find_text(const Object& object, std::string_view key) noexcept;
std::optional<bool> find_bool(const Object& object, std::string_view key) noexcept;
/// An integer as JSON wrote it (1 but not 1.0 or 1e0) that fits.
std::optional<std::int64_t> integer(const Value& value) noexcept;

inline std::string_view text_of(const boost::json::string& text) noexcept {
  return {text.data(), text.size()};
}

}  // namespace trellis::codec::json
