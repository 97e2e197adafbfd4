#include "trellis/codec/json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <exception>
#include <vector>

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/value_stack.hpp>

#include "trellis/base/text.h"

namespace trellis::codec::json {
namespace {

using boost::json::error_code;
using boost::json::string_view;

/// Builds the value and counts the members that the text has. A repeated key makes the object
/// smaller than its count, so comparing the sums finds it without a second set of keys.
class Handler {
 public:
  // NOLINTBEGIN(readability-identifier-naming): the names that basic_parser asks for
  static constexpr std::size_t max_object_size = boost::json::object::max_size();
  static constexpr std::size_t max_array_size = boost::json::array::max_size();
  static constexpr std::size_t max_key_size = boost::json::string::max_size();
  static constexpr std::size_t max_string_size = boost::json::string::max_size();

  // NOLINTEND(readability-identifier-naming)

  bool on_document_begin(error_code&) {
    stack_.reset();
    return true;
  }

  bool on_document_end(error_code&) { return true; }

  bool on_object_begin(error_code&) { return true; }

  bool on_object_end(std::size_t count, error_code&) {
    members_ += count;
    stack_.push_object(count);
    return true;
  }

  bool on_array_begin(error_code&) { return true; }

  bool on_array_end(std::size_t count, error_code&) {
    stack_.push_array(count);
    return true;
  }

  bool on_key_part(string_view part, std::size_t, error_code&) { return on_part(part); }

  bool on_key(string_view part, std::size_t, error_code&) {
    stack_.push_key(part);
    return true;
  }

  bool on_string_part(string_view part, std::size_t, error_code&) { return on_part(part); }

  bool on_string(string_view part, std::size_t, error_code&) {
    stack_.push_string(part);
    return true;
  }

  bool on_number_part(string_view, error_code&) { return true; }

  bool on_int64(std::int64_t number, string_view, error_code&) {
    stack_.push_int64(number);
    return true;
  }

  bool on_uint64(std::uint64_t number, string_view, error_code&) {
    stack_.push_uint64(number);
    return true;
  }

  bool on_double(double number, string_view text, error_code&) {
    // Boost.JSON may miss the nearest double by one unit; the text is whole here, as the input is.
    double nearest = 0;
    const char* end = text.data() + text.size();
    const auto [at, code] = std::from_chars(text.data(), end, nearest);
    stack_.push_double(code == std::errc{} && at == end ? nearest : number);
    return true;
  }

  bool on_bool(bool value, error_code&) {
    stack_.push_bool(value);
    return true;
  }

  bool on_null(error_code&) {
    stack_.push_null();
    return true;
  }

  bool on_comment_part(string_view, error_code&) { return true; }

  bool on_comment(string_view, error_code&) { return true; }

  Value release() { return stack_.release(); }

  std::size_t members() const noexcept { return members_; }

 private:
  bool on_part(string_view part) {
    stack_.push_chars(part);
    return true;
  }

  boost::json::value_stack stack_;
  std::size_t members_ = 0;
};

std::size_t count_members(const Value& value) {
  std::size_t count = 0;
  if (const Object* object = value.if_object()) {
    count = object->size();
    for (const auto& member : *object) count += count_members(member.value());
  } else if (const Array* array = value.if_array()) {
    for (const Value& item : *array) count += count_members(item);
  }
  return count;
}

Result<Value> parse_bounded(std::string_view text, const Limits& limits) {
  boost::json::parse_options options;
  options.max_depth = limits.max_depth;
  boost::json::basic_parser<Handler> parser(options);
  error_code code;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), code);
  if (code)
    return fail(Reason::JsonMalformed,
                "json: " + code.message() + " at byte " + std::to_string(used));
  if (used != text.size())
    return fail(Reason::JsonMalformed,
                "json: something follows the value at byte " + std::to_string(used));
  const std::size_t members = parser.handler().members();
  Value value = parser.handler().release();
  if (!limits.allow_repeated_keys && count_members(value) != members)
    return fail(Reason::JsonMalformed, "json: a key stands twice in one object");
  return value;
}

/// The length of the character at the start of valid UTF-8.
std::size_t character_length(char lead) noexcept {
  const auto byte = static_cast<std::uint8_t>(lead);
  if (byte < 0x80) return 1;
  if (byte < 0xE0) return 2;
  return byte < 0xF0 ? 3 : 4;
}

std::uint32_t character_point(std::string_view character) noexcept {
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(character[i]); };
  switch (character.size()) {
    case 1: return at(0);
    case 2: return (at(0) & 0x1FU) << 6U | (at(1) & 0x3FU);
    case 3: return (at(0) & 0x0FU) << 12U | (at(1) & 0x3FU) << 6U | (at(2) & 0x3FU);
    default: return 0x10000;  // beyond U+FFFF nothing needs an escape
  }
}

bool needs_escape(std::uint32_t point) noexcept {
  return point < 0x20 || (point >= 0x7F && point <= 0x9F) || (point >= 0x202A && point <= 0x202E) ||
         (point >= 0x2066 && point <= 0x2069);
}

void append_escaped(std::string& out, std::string_view character) {
  const std::uint32_t point = character_point(character);
  switch (point) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
  }
  if (!needs_escape(point)) {
    out += character;
    return;
  }
  std::array<char, 8> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "\\u%04x", point);
  out += buffer.data();
}

void append_quoted_utf8(std::string& out, std::string_view text) {
  out.push_back('"');
  while (!text.empty()) {
    const std::size_t length = std::min(character_length(text.front()), text.size());
    append_escaped(out, text.substr(0, length));
    text.remove_prefix(length);
  }
  out.push_back('"');
}

void append_quoted(std::string& out, std::string_view text) {
  if (is_utf8(text))
    append_quoted_utf8(out, text);
  else
    append_quoted_utf8(out, to_utf8_lossy(text));
}

template <class T>
void append_number(std::string& out, T number) {
  std::array<char, 40> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number).ptr;
  out.append(buffer.data(), end);
}

void append_double(std::string& out, double number) {
  if (!std::isfinite(number)) {
    out += "null";
    return;
  }
  const std::size_t before = out.size();
  append_number(out, number);
  // A reader that keeps integers and reals apart must see what was written.
  if (out.find_first_of(".e", before) == std::string::npos) out += ".0";
}

/// Writes one value; `indent` below zero means compact.
class TextWriter {
 public:
  explicit TextWriter(bool pretty) : pretty_(pretty) {}

  void write(const Value& value) {
    switch (value.kind()) {
      case boost::json::kind::null: out_ += "null"; return;
      case boost::json::kind::bool_: out_ += value.get_bool() ? "true" : "false"; return;
      case boost::json::kind::int64: return append_number(out_, value.get_int64());
      case boost::json::kind::uint64: return append_number(out_, value.get_uint64());
      case boost::json::kind::double_: return append_double(out_, value.get_double());
      case boost::json::kind::string: return append_quoted(out_, text_of(value.get_string()));
      case boost::json::kind::array: return write_array(value.get_array());
      case boost::json::kind::object: return write_object(value.get_object());
    }
  }

  std::string take() { return std::move(out_); }

 private:
  void write_array(const Array& array) {
    out_.push_back('[');
    ++depth_;
    bool first = true;
    for (const Value& item : array) {
      start_item(first);
      write(item);
    }
    end_items(']', first);
  }

  void write_object(const Object& object) {
    out_.push_back('{');
    ++depth_;
    bool first = true;
    for (const auto& member : object) {
      start_item(first);
      append_quoted(out_, std::string_view(member.key().data(), member.key().size()));
      out_ += pretty_ ? ": " : ":";
      write(member.value());
    }
    end_items('}', first);
  }

  void start_item(bool& first) {
    if (!first) out_.push_back(',');
    first = false;
    new_line();
  }

  void end_items(char closer, bool empty) {
    --depth_;
    if (!empty) new_line();
    out_.push_back(closer);
  }

  void new_line() {
    if (!pretty_) return;
    out_.push_back('\n');
    out_.append(2 * depth_, ' ');
  }

  std::string out_;
  std::size_t depth_ = 0;
  bool pretty_;
};

}  // namespace

Result<Value> parse(std::string_view text, const Limits& limits) {
  if (text.size() > limits.max_bytes)
    return fail(Reason::JsonMalformed, "json: " + std::to_string(text.size()) + " bytes, at most " +
                                           std::to_string(limits.max_bytes) + " are read");
  try {
    return parse_bounded(text, limits);
  } catch (const std::exception& e) {
    return fail(Reason::JsonMalformed, std::string("json: ") + e.what());
  }
}

std::string to_text(const Value& value) {
  TextWriter writer(false);
  writer.write(value);
  return writer.take();
}

std::string to_pretty_text(const Value& value) {
  TextWriter writer(true);
  writer.write(value);
  return writer.take();
}

std::string quote(std::string_view text) {
  std::string out;
  append_quoted(out, text);
  return out;
}

const Value* find(const Object& object, std::string_view key) noexcept {
  return object.if_contains(string_view(key.data(), key.size()));
}

std::optional<std::string_view> find_text(const Object& object, std::string_view key) noexcept {
  const Value* value = find(object, key);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return text_of(value->get_string());
}

std::optional<bool> find_bool(const Object& object, std::string_view key) noexcept {
  const Value* value = find(object, key);
  if (value == nullptr || !value->is_bool()) return std::nullopt;
  return value->get_bool();
}

std::optional<std::int64_t> integer(const Value& value) noexcept {
  if (value.is_int64()) return value.get_int64();
  return std::nullopt;  // uint64 holds only what int64 cannot
}

}  // namespace trellis::codec::json
