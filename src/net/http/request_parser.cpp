// RFC 9112: request-line = method SP request-target SP HTTP-version CRLF, then field lines
// `name ":" OWS value OWS CRLF`, then CRLF. Whatever two implementations might read differently is
// refused: that is what request smuggling is made of.
#include "trellis/net/http/request_parser.h"

#include <algorithm>
#include <cstring>

#include "trellis/net/http/syntax.h"

namespace trellis::http {
namespace {

Slice slice(std::size_t at, std::size_t size) noexcept {
  return {static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(size)};
}

/// At most two empty lines may stand in front of a request.
constexpr std::size_t kMaxEmptyBytes = 4;

/// A byte that no head may hold, in a line whose end has not come: a lone CR, a NUL, a control
/// character. A CR that is the last byte may still be followed by LF.
bool has_foreign_control(std::string_view part) noexcept {
  if (!part.empty() && part.back() == '\r') part.remove_suffix(1);
  return !is_field_value(part);
}

constexpr const char* kBadLine = "a line of the head holds a control character or a lone CR or LF";

}  // namespace

void RequestParser::reset() noexcept {
  line_at_ = scanned_ = 0;
  state_ = State::RequestLine;
  absolute_ = has_host_ = has_length_ = has_encoding_ = says_close_ = says_keep_alive_ = false;
  head_.headers.clear();
  head_.path = head_.query = head_.host = {};
  head_.content_length = 0;
  head_.chunked = head_.expect_continue = false;
}

ParseStatus RequestParser::refuse(Reason reason, const char* message) noexcept {
  refusal_ = {reason, message};
  return ParseStatus::Failed;
}

ParseStatus RequestParser::too_long(std::string_view bytes) noexcept {
  if (has_foreign_control(bytes.substr(line_at_, max_ - line_at_))) {
    return refuse(Reason::HttpMalformed, kBadLine);
  }
  if (state_ == State::RequestLine) {
    return refuse(Reason::HttpTargetTooLong, "the request line is longer than this server allows");
  }
  return refuse(Reason::HttpHeaderTooLarge, "the headers are larger than this server allows");
}

ParseStatus RequestParser::parse(std::string_view bytes) {
  while (state_ != State::Done) {
    const void* found = bytes.size() > scanned_
                            ? std::memchr(bytes.data() + scanned_, '\n', bytes.size() - scanned_)
                            : nullptr;
    if (found == nullptr) {
      scanned_ = bytes.size();
      if (bytes.size() > max_) return too_long(bytes);
      if (has_foreign_control(bytes.substr(line_at_))) {
        return refuse(Reason::HttpMalformed, kBadLine);
      }
      return ParseStatus::NeedMore;
    }
    const auto next = static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data()) + 1;
    scanned_ = next;
    if (next > max_) return too_long(bytes);
    if (next - line_at_ < 2 || bytes[next - 2] != '\r') {
      return refuse(Reason::HttpMalformed, kBadLine);
    }
    if (!take_line(bytes, next - 2)) return ParseStatus::Failed;
    line_at_ = next;
  }
  return ParseStatus::Complete;
}

bool RequestParser::take_line(std::string_view bytes, std::size_t end) {
  const bool empty = end == line_at_;
  if (state_ == State::RequestLine) {
    // RFC 9112 2.2: old clients end a body with an empty line; it is overlooked.
    if (empty && line_at_ < kMaxEmptyBytes) return true;
    if (!request_line(bytes, end)) return false;
    state_ = State::Headers;
    return true;
  }
  if (!empty) return header_line(bytes, end);
  if (!finish()) return false;
  state_ = State::Done;
  return true;
}

bool RequestParser::request_line(std::string_view bytes, std::size_t end) {
  const auto malformed = [this](const char* message) {
    refuse(Reason::HttpMalformed, message);
    return false;
  };
  std::size_t at = line_at_;
  while (at < end && is_token_char(bytes[at])) ++at;
  if (at == line_at_ || at - line_at_ > kMaxMethodBytes || at == end || bytes[at] != ' ') {
    return malformed("the request line must start with a method and one space");
  }
  head_.method = slice(line_at_, at - line_at_);
  const std::size_t target_at = ++at;
  const auto* space =
      static_cast<const char*>(std::memchr(bytes.data() + target_at, ' ', end - target_at));
  if (space == nullptr) return malformed("the request line has no version");
  at = static_cast<std::size_t>(space - bytes.data());
  head_.target = slice(target_at, at - target_at);
  const auto version = bytes.substr(at + 1, end - at - 1);
  if (head_.target.size == 0 || !is_visible(bytes.substr(target_at, at - target_at))) {
    return malformed("the target must be of visible ASCII characters");
  }
  if (version.size() != 8 || !version.starts_with("HTTP/") || !is_digit(version[5]) ||
      version[6] != '.' || !is_digit(version[7])) {
    return malformed("the request line must end with one space and the version");
  }
  if (version[5] != '1' || version[7] > '1') {
    refuse(Reason::HttpVersion, "this server speaks the versions 1.1 and 1.0 of HTTP");
    return false;
  }
  head_.minor_version = static_cast<std::uint8_t>(version[7] - '0');
  return split_target(bytes);
}

bool RequestParser::split_target(std::string_view bytes) {
  const auto target = bytes.substr(head_.target.at, head_.target.size);
  const auto method = bytes.substr(head_.method.at, head_.method.size);
  if (method == "CONNECT") {
    refuse(Reason::HttpMethod, "this server is not a proxy: CONNECT is not supported");
    return false;
  }
  if (target == "*") {
    if (method == "OPTIONS") {
      head_.path = head_.target;
      return true;
    }
    refuse(Reason::HttpMalformed, "the target * belongs to OPTIONS alone");
    return false;
  }
  std::size_t path_at = 0;
  if (target.front() != '/') {
    if (!split_absolute(target)) return false;
    path_at = head_.host.at + head_.host.size - head_.target.at;
  }
  const auto rest = target.substr(path_at);
  const std::size_t mark = std::min(rest.find('?'), rest.size());
  head_.path = slice(head_.target.at + path_at, mark);
  if (mark < rest.size()) {
    head_.query = slice(head_.target.at + path_at + mark + 1, rest.size() - mark - 1);
  }
  return true;
}

bool RequestParser::split_absolute(std::string_view target) {
  const std::size_t scheme = target.find("://");
  const bool known =
      scheme != std::string_view::npos && (equal_ignoring_case(target.substr(0, scheme), "http") ||
                                           equal_ignoring_case(target.substr(0, scheme), "https"));
  if (known) {
    const std::size_t at = scheme + 3;
    const std::size_t end = std::min(target.find_first_of("/?#", at), target.size());
    const bool path_follows = end == target.size() || target[end] != '#';
    if (path_follows && is_host(target.substr(at, end - at))) {
      head_.host = slice(head_.target.at + at, end - at);
      absolute_ = true;
      return true;
    }
  }
  refuse(Reason::HttpMalformed, "the target must be a path, or http:// with a host and a path");
  return false;
}

bool RequestParser::header_line(std::string_view bytes, std::size_t end) {
  std::size_t at = line_at_;
  while (at < end && is_token_char(bytes[at])) ++at;
  if (at == line_at_ || at == end || bytes[at] != ':') {
    refuse(Reason::HttpMalformed, "a header line must be a name, directly a colon, and a value");
    return false;
  }
  const auto name = bytes.substr(line_at_, at - line_at_);
  const auto value = trim(bytes.substr(at + 1, end - at - 1));
  if (!is_field_value(value)) {
    refuse(Reason::HttpMalformed, "a header's value holds a control character");
    return false;
  }
  if (head_.headers.size() == kMaxHeaders) {
    refuse(Reason::HttpHeaderTooLarge, "the request has more headers than this server allows");
    return false;
  }
  const Slice where = slice(static_cast<std::size_t>(value.data() - bytes.data()), value.size());
  head_.headers.push_back({slice(line_at_, name.size()), where});
  return known_header(name, value, where);
}

bool RequestParser::known_header(std::string_view name, std::string_view value, Slice where) {
  const auto malformed = [this](const char* message) {
    refuse(Reason::HttpMalformed, message);
    return false;
  };
  switch (name.size()) {
    case 4:
      if (!equal_ignoring_case(name, "host")) return true;
      if (has_host_) return malformed("the request has more than one Host");
      if (!is_host(value)) return malformed("Host is not a host name with an optional port");
      has_host_ = true;
      if (!absolute_) head_.host = where;
      return true;
    case 6:
      if (!equal_ignoring_case(name, "expect") || head_.minor_version == 0) return true;
      head_.expect_continue = equal_ignoring_case(value, "100-continue");
      if (head_.expect_continue) return true;
      refuse(Reason::HttpExpectation, "the only expectation that is known is 100-continue");
      return false;
    case 10:
      if (equal_ignoring_case(name, "connection")) connection_options(value);
      return true;
    case 14: return !equal_ignoring_case(name, "content-length") || content_length(value);
    case 17:
      if (!equal_ignoring_case(name, "transfer-encoding")) return true;
      if (has_encoding_ || !equal_ignoring_case(value, "chunked")) {
        return malformed("Transfer-Encoding must be one `chunked`");
      }
      has_encoding_ = head_.chunked = true;
      return true;
    default: return true;
  }
}

bool RequestParser::content_length(std::string_view value) {
  const auto length = parse_decimal(value);
  if (has_length_ || !length) {
    refuse(Reason::HttpMalformed, has_length_ ? "the request has more than one Content-Length"
                                              : "Content-Length is not a decimal number");
    return false;
  }
  has_length_ = true;
  head_.content_length = *length;
  return true;
}

void RequestParser::connection_options(std::string_view value) noexcept {
  while (!value.empty()) {
    const std::size_t comma = std::min(value.find(','), value.size());
    const auto option = trim(value.substr(0, comma));
    if (equal_ignoring_case(option, "close")) says_close_ = true;
    if (equal_ignoring_case(option, "keep-alive")) says_keep_alive_ = true;
    value.remove_prefix(std::min(comma + 1, value.size()));
  }
}

bool RequestParser::finish() {
  const char* problem = nullptr;
  if (has_length_ && has_encoding_) {
    problem = "the request has both Content-Length and Transfer-Encoding";
  } else if (!has_host_ && head_.minor_version == 1) {
    problem = "the request has no Host";
  } else if (has_encoding_ && head_.minor_version == 0) {
    problem = "version 1.0 of HTTP has no Transfer-Encoding";
  }
  if (problem != nullptr) {
    refuse(Reason::HttpMalformed, problem);
    return false;
  }
  head_.keep_alive = !says_close_ && (head_.minor_version == 1 || says_keep_alive_);
  return true;
}

}  // namespace trellis::http
