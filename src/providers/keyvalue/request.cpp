#include "trellis/providers/keyvalue/request.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <string>

#include "trellis/codec/msgpack.h"

namespace trellis::providers::keyvalue {
namespace {

using codec::msgpack::FieldName;
using codec::msgpack::Reader;
using codec::msgpack::StructReader;
using codec::msgpack::Writer;

struct Name {
  std::string_view text;
  Op op;
};

constexpr std::array kNames = {
    Name{"Get", Op::Get},
    Name{"Set", Op::Set},
    Name{"Add", Op::Add},
    Name{"KeyExists", Op::KeyExists},
    Name{"Del", Op::Del},
    Name{"Clear", Op::Clear},
    Name{"Range", Op::Range},
    Name{"Push", Op::Push},
    Name{"ListItemDelete", Op::ListItemDelete},
    Name{"SetAdd", Op::SetAdd},
    Name{"SetRemove", Op::SetRemove},
    Name{"SetQuery", Op::SetQuery},
    Name{"SetUnion", Op::SetUnion},
    Name{"SetIntersection", Op::SetIntersection},
};

constexpr std::array kKeyFields = {FieldName{"key", 0}};
constexpr std::array kValueFields = {FieldName{"key", 0}, FieldName{"value", 1}};
constexpr std::array kSetFields = {FieldName{"key", 0}, FieldName{"value", 1},
                                   FieldName{"expires", 2}};
constexpr std::array kRangeFields = {FieldName{"key", 0}, FieldName{"start", 1},
                                     FieldName{"stop", 2}};
constexpr std::array kKeysFields = {FieldName{"keys", 0}};

/// The fields of an operation's request, and which of them it cannot do without.
struct Shape {
  std::span<const FieldName> names;
  std::uint32_t required;  // a bit for each field
};

Shape shape_of(Op op) noexcept {
  switch (op) {
    case Op::Get:
    case Op::KeyExists:
    case Op::Del:
    case Op::Clear:
    case Op::SetQuery: return {kKeyFields, 0b1};
    case Op::Set: return {kSetFields, 0b011};
    case Op::Range: return {kRangeFields, 0b111};
    case Op::SetUnion:
    case Op::SetIntersection: return {kKeysFields, 0b1};
    case Op::Add:
    case Op::Push:
    case Op::ListItemDelete:
    case Op::SetAdd:
    case Op::SetRemove: return {kValueFields, 0b11};
  }
  return {kKeyFields, 0b1};
}

void read_keys(Reader& reader, Request& request, const Limits& limits) {
  const auto count = reader.array();
  if (!count) return;
  // The reader has checked the count against the payload's size; the limit is judged afterwards.
  request.keys.reserve(std::min<std::size_t>(*count, limits.max_request_keys + 1));
  for (std::uint32_t i = 0; i < *count && !reader.failed(); ++i) {
    request.keys.push_back(reader.text().value_or(""));
    if (request.keys.size() > limits.max_request_keys) return;
  }
}

void read_field(Reader& reader, std::uint32_t field, Request& request, const Limits& limits) {
  const bool keys = request.op == Op::SetUnion || request.op == Op::SetIntersection;
  if (keys) return read_keys(reader, request, limits);
  if (field == 0) {
    request.key = reader.text().value_or("");
  } else if (request.op == Op::Add) {
    request.number = reader.integer<std::int32_t>().value_or(0);
  } else if (request.op == Op::Range) {
    (field == 1 ? request.start : request.stop) = reader.integer<std::int32_t>().value_or(0);
  } else if (field == 1) {
    request.value = reader.text().value_or("");
  } else {
    request.expires_seconds = reader.integer<std::int32_t>().value_or(0);
  }
}

Result<void> check_sizes(const Request& request, const Limits& limits) {
  const auto too_long = [&limits](std::string_view key) {
    return key.size() > limits.max_key_bytes;
  };
  if (too_long(request.key) || std::ranges::any_of(request.keys, too_long)) {
    return limit_reached("bytes of a key", limits.max_key_bytes);
  }
  if (request.value.size() > limits.max_value_bytes) {
    return limit_reached("bytes of a value", limits.max_value_bytes);
  }
  if (request.keys.size() > limits.max_request_keys) {
    return limit_reached("keys of one request", limits.max_request_keys);
  }
  return {};
}

std::string_view kind_text(ValueKind kind) noexcept {
  switch (kind) {
    case ValueKind::Text: return "a text";
    case ValueKind::List: return "a list";
    case ValueKind::Set: return "a set";
  }
  return "something else";
}

}  // namespace

std::optional<Op> find_op(std::string_view operation) noexcept {
  for (const Name& name : kNames) {
    if (name.text == operation) return name.op;
  }
  return std::nullopt;
}

bool reads_only(Op op) noexcept {
  switch (op) {
    case Op::Get:
    case Op::KeyExists:
    case Op::Range:
    case Op::SetQuery:
    case Op::SetUnion:
    case Op::SetIntersection: return true;
    default: return false;
  }
}

Result<Request> decode_request(Op op, ByteView payload, const Limits& limits) {
  Request request;
  request.op = op;
  const Shape shape = shape_of(op);
  Reader reader(payload);
  StructReader fields(reader, shape.names);
  std::uint32_t seen = 0;
  while (const auto field = fields.next()) {
    seen |= 1U << *field;
    read_field(reader, *field, request, limits);
    if (request.keys.size() > limits.max_request_keys) break;
  }
  if (reader.failed()) return std::unexpected(reader.error("the keyvalue request"));
  if (const std::uint32_t missing = shape.required & ~seen; missing != 0) {
    std::string message = "the keyvalue request lacks the field ";
    message += shape.names[static_cast<std::size_t>(std::countr_zero(missing))].name;
    return fail(Reason::ContractMalformed, std::move(message));
  }
  TR_CHECK(check_sizes(request, limits));
  return request;
}

void encode_number(Bytes& out, std::int32_t value) {
  out.reserve(16);
  Writer writer(out);
  writer.map(1);
  writer.text("value");
  writer.integer(value);
}

void encode_value(Bytes& out, std::string_view value, bool exists) {
  out.reserve(value.size() + 24);
  Writer writer(out);
  writer.map(2);
  writer.text("value");
  writer.text(value);
  writer.text("exists");
  writer.boolean(exists);
}

void encode_set(Bytes& out, std::string_view value) {
  out.reserve(value.size() + 16);
  Writer writer(out);
  writer.map(1);
  writer.text("value");
  writer.text(value);
}

void encode_key(Bytes& out, std::string_view key) {
  out.reserve(key.size() + 16);
  Writer writer(out);
  writer.map(1);
  writer.text("key");
  writer.text(key);
}

void encode_count(Bytes& out, std::int64_t count) {
  out.reserve(40);
  Writer writer(out);
  writer.map(2);
  // One spelling a generation.
  writer.text("newCount");
  writer.integer(count);
  writer.text("new_count");
  writer.integer(count);
}

Result<void> encode_values(Bytes& out, const std::vector<std::string_view>& values,
                           const Limits& limits) {
  std::size_t total = 32;
  for (const std::string_view value : values) {
    total += value.size() + 5;
    if (total > limits.max_reply_bytes) {
      return limit_reached("bytes of a reply", limits.max_reply_bytes);
    }
  }
  out.reserve(total);
  Writer writer(out);
  writer.map(1);
  writer.text("values");
  writer.array(static_cast<std::uint32_t>(values.size()));
  for (const std::string_view value : values) writer.text(value);
  return {};
}

std::unexpected<Error> wrong_kind(ValueKind found, ValueKind wanted) {
  std::string message = "the key holds ";
  message += kind_text(found);
  message += ", the operation needs ";
  message += kind_text(wanted);
  return fail(Reason::ContractValue, std::move(message));
}

std::unexpected<Error> limit_reached(std::string_view what, std::uint64_t limit) {
  std::string message = "the key-value store allows ";
  message += std::to_string(limit);
  message += ' ';
  message += what;
  return fail(Reason::ProviderLimit, std::move(message));
}

Result<std::int32_t> add_to_text(std::string_view text, std::int32_t by) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != end) {
    return fail(Reason::ContractValue, "the key holds a text that is not a 64-bit integer");
  }
  std::int64_t sum = 0;
  const bool overflows = __builtin_add_overflow(number, std::int64_t{by}, &sum) ||
                         sum < std::numeric_limits<std::int32_t>::min() ||
                         sum > std::numeric_limits<std::int32_t>::max();
  if (overflows) return fail(Reason::ContractValue, "the sum does not fit in 32 bits");
  return static_cast<std::int32_t>(sum);
}

Slice slice_of(std::int32_t start, std::int32_t stop, std::size_t size) noexcept {
  const auto length = static_cast<std::int64_t>(size);
  std::int64_t first = start < 0 ? start + length : start;
  std::int64_t last = stop < 0 ? stop + length : stop;
  first = std::max<std::int64_t>(first, 0);
  last = std::min(last, length - 1);
  if (first > last) return {};
  return {static_cast<std::size_t>(first), static_cast<std::size_t>(last + 1)};
}

}  // namespace trellis::providers::keyvalue
