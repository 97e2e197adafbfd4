#include "trellis/providers/http_server/payload.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "trellis/base/text.h"
#include "trellis/codec/msgpack.h"
#include "trellis/net/http/syntax.h"

namespace trellis::providers::http_server {
namespace {

using codec::msgpack::FieldName;
using codec::msgpack::Kind;
using codec::msgpack::Reader;
using codec::msgpack::StructReader;
using codec::msgpack::Writer;

/// Up to this many fields are compared each with each; above, they are sorted.
constexpr std::size_t kFewFields = 32;

bool is_ascii(std::string_view text) noexcept {
  std::size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, 8);
    if ((word & 0x8080808080808080ULL) != 0) return false;
  }
  for (; at < text.size(); ++at) {
    if (static_cast<unsigned char>(text[at]) >= 0x80) return false;
  }
  return true;
}

std::string utf8_of_latin1(std::string_view text) {
  std::string out;
  out.reserve(text.size() * 2);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out += c;
    } else {
      out += static_cast<char>(0xC0 | (byte >> 6U));
      out += static_cast<char>(0x80 | (byte & 0x3FU));
    }
  }
  return out;
}

void write_value(Writer& writer, std::string_view value) {
  if (is_ascii(value) || is_utf8(value)) return writer.text(value);
  writer.text(utf8_of_latin1(value));
}

void write_lower(Writer& writer, Bytes& out, std::string_view name) {
  writer.text(name);
  auto* at = reinterpret_cast<char*>(out.data() + (out.size() - name.size()));
  std::transform(at, at + name.size(), at, http::to_lower);
}

bool less_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return std::ranges::lexicographical_compare(a, b, {}, http::to_lower, http::to_lower);
}

constexpr std::array kResponseFields = {FieldName{"statusCode", 0},  FieldName{"status", 1},
                                        FieldName{"header", 2},      FieldName{"body", 3},
                                        FieldName{"status_code", 0}, FieldName{"headers", 2}};

std::unexpected<Error> malformed(std::string what) {
  return fail(Reason::GuestReply, "the actor's answer is malformed: " + std::move(what));
}

/// A name in a message: it is the guest's text.
std::string shown(std::string_view name) {
  constexpr std::size_t kMaxShownBytes = 64;
  return '"' + escape_line(cut_utf8(name, kMaxShownBytes)) + '"';
}

Result<void> add_line(http::Response& response, std::string_view name, std::string_view value) {
  if (response.add_header(name, value) != http::AddHeader::Refused) return {};
  return malformed("the header " + shown(name) +
                   " has a name that is no token or a control character in its value");
}

Result<void> read_header(Reader& reader, http::Response& response) {
  if (reader.take_nil()) return {};
  const auto count = reader.map();
  for (std::uint32_t i = 0; i < count.value_or(0); ++i) {
    const auto name = reader.text();
    if (!name) return {};
    const auto first = reader.next();
    if (!first) return {};
    if (first->kind == Kind::Text || first->kind == Kind::Binary) {
      TR_CHECK(add_line(response, *name, first->text()));
    } else if (first->kind == Kind::Array) {
      for (std::uint32_t n = 0; n < first->count; ++n) {
        const auto value = reader.text();
        if (!value) return {};
        TR_CHECK(add_line(response, *name, *value));
      }
    } else if (first->kind != Kind::Nil) {
      return malformed("the header " + shown(*name) + " is neither a text nor a list of texts");
    }
  }
  return {};
}

void read_body(Reader& reader, http::Response& response) {
  if (reader.take_nil()) return response.set_body({});
  Bytes gathered;
  const auto body = reader.bytes(gathered);
  if (!body) return;
  if (body->data() == gathered.data()) {
    response.set_body(std::move(gathered));
  } else {
    response.set_body_copy(*body);
  }
}

}  // namespace

ByteView RequestEncoder::encode(const http::Request& request) {
  fields_.clear();
  groups_.clear();
  std::size_t bytes = request.target().size() + request.body().size() + 96;
  for (const auto field : request.headers()) {
    fields_.push_back({field.name, field.value, kNone});
    bytes += field.name.size() + field.value.size() + 6;
  }
  if (fields_.size() <= kFewFields) {
    group_few();
  } else {
    group_many();
  }
  out_.clear();
  out_.reserve(bytes);
  Writer writer(out_);
  writer.map(5);
  writer.text("method");
  writer.text(request.method());
  writer.text("path");
  writer.text(request.path());
  writer.text("queryString");
  writer.text(request.query());
  writer.text("header");
  writer.map(static_cast<std::uint32_t>(groups_.size()));
  for (const Group group : groups_) {
    const Field& first = fields_[group.first];
    write_lower(writer, out_, first.name);
    if (first.next == kNone) {
      write_value(writer, first.value);
    } else {
      join(group);
      write_value(writer, joined_);
    }
  }
  writer.text("body");
  writer.binary(request.body());
  return out_;
}

void RequestEncoder::group_few() {
  for (std::uint32_t i = 0; i < fields_.size(); ++i) {
    const std::string_view name = fields_[i].name;
    const auto same = std::ranges::find_if(groups_, [this, name](const Group& group) {
      return http::equal_ignoring_case(fields_[group.first].name, name);
    });
    if (same == groups_.end()) {
      groups_.push_back({i, i});
    } else {
      fields_[same->last].next = i;
      same->last = i;
    }
  }
}

void RequestEncoder::group_many() {
  order_.resize(fields_.size());
  for (std::uint32_t i = 0; i < order_.size(); ++i) order_[i] = i;
  std::ranges::sort(order_, [this](std::uint32_t a, std::uint32_t b) {
    if (http::equal_ignoring_case(fields_[a].name, fields_[b].name)) return a < b;
    return less_ignoring_case(fields_[a].name, fields_[b].name);
  });
  for (const std::uint32_t i : order_) {
    const bool same = !groups_.empty() && http::equal_ignoring_case(
                                              fields_[groups_.back().first].name, fields_[i].name);
    if (same) {
      fields_[groups_.back().last].next = i;
      groups_.back().last = i;
    } else {
      groups_.push_back({i, i});
    }
  }
}

void RequestEncoder::join(Group group) {
  const bool cookie = http::equal_ignoring_case(fields_[group.first].name, "cookie");
  const std::string_view separator = cookie ? "; " : ", ";
  joined_.clear();
  for (std::uint32_t i = group.first; i != kNone; i = fields_[i].next) {
    if (i != group.first) joined_ += separator;
    joined_ += fields_[i].value;
  }
}

void RequestEncoder::shrink(std::size_t bytes) {
  if (out_.capacity() <= bytes) return;
  out_.clear();
  out_.shrink_to_fit();
}

Result<void> decode_response(ByteView payload, http::Response& response) {
  Reader reader(payload);
  StructReader fields(reader, kResponseFields);
  std::optional<std::uint32_t> status;
  while (const auto field = fields.next()) {
    switch (*field) {
      case 0: status = reader.integer<std::uint32_t>(); break;
      case 2: TR_CHECK(read_header(reader, response)); break;
      case 3: read_body(reader, response); break;
      default: reader.skip(); break;  // the status text is not sent
    }
  }
  if (reader.failed()) {
    const Error error = reader.error("the HTTP response");
    return malformed(error.message());
  }
  if (!status) return malformed("it has no statusCode");
  if (*status > 599 || !response.set_status(static_cast<int>(*status))) {
    return malformed("the statusCode " + std::to_string(*status) + " is outside 200 to 599");
  }
  return {};
}

}  // namespace trellis::providers::http_server
