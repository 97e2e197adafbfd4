#include "trellis/net/http/response.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <utility>

#include "trellis/base/text.h"
#include "trellis/net/http/syntax.h"

namespace trellis::http {
namespace {

std::string_view status_text(int status) noexcept {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 203: return "Non-Authoritative Information";
    case 204: return "No Content";
    case 205: return "Reset Content";
    case 206: return "Partial Content";
    case 300: return "Multiple Choices";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 402: return "Payment Required";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "";
  }
}

void append_number(std::string& out, std::uint64_t number) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

void append_json_char(std::string& out, char c) {
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\t': out += "\\t"; return;
    default: out += c; return;
  }
}

/// The inside of a JSON string of at most `max_bytes`, not cut inside a character or an escape.
std::string json_text(std::string_view text, std::size_t max_bytes) {
  const std::string clean = escape_controls(cut_utf8(text, kMaxErrorTextBytes));
  std::string out;
  std::string unit;
  for (std::size_t at = 0; at < clean.size();) {
    std::size_t length = 1;
    const auto is_continuation = [&](std::size_t i) {
      return i < clean.size() && (static_cast<unsigned char>(clean[i]) & 0xC0U) == 0x80U;
    };
    while (is_continuation(at + length)) ++length;
    unit.clear();
    for (std::size_t i = 0; i < length; ++i) append_json_char(unit, clean[at + i]);
    if (out.size() + unit.size() > max_bytes) break;
    out += unit;
    at += length;
  }
  return out;
}

}  // namespace

bool Response::set_status(int status) noexcept {
  if (status < 200 || status > 599) return false;
  status_ = status;
  return true;
}

AddHeader Response::add_header(std::string_view name, std::string_view value) {
  const auto trimmed = trim(value);
  if (!is_token(name) || !is_field_value(trimmed)) return AddHeader::Refused;
  if (is_connection_field(name)) return AddHeader::Dropped;
  if (equal_ignoring_case(name, "date")) {
    if (has_date_) return AddHeader::Dropped;
    has_date_ = true;
  }
  fields_.append(name).append(": ").append(trimmed).append("\r\n");
  return AddHeader::Added;
}

void Response::set_body(Bytes body) noexcept {
  body_ = std::move(body);
  view_ = body_;
}

void Response::set_body_copy(ByteView body) {
  body_.assign(body.begin(), body.end());
  view_ = body_;
}

void Response::set_body_static(ByteView body) noexcept {
  body_.clear();
  view_ = body;
}

void Response::set_error(Reason reason, std::string_view message) {
  const bool ends = close_;
  clear();
  close_ = ends;
  status_ = reason_http_status(reason);
  fields_ = "Content-Type: application/json\r\n";
  std::string body = R"({"reason":")";
  body.append(reason_text(reason)).append(R"(","message":")");
  body += json_text(message, kMaxErrorBodyBytes - body.size() - 2);
  body += "\"}";
  set_body_copy(as_bytes(body));
}

Bytes Response::take_body() noexcept {
  if (view_.data() != body_.data()) return {};
  view_ = {};
  return std::exchange(body_, {});
}

void Response::clear() noexcept {
  status_ = 500;
  has_date_ = close_ = false;
  fields_.clear();
  body_.clear();
  view_ = {};
}

std::string_view DateLine::at(TimePoint now) {
  if (now < valid_until_) return line_;
  using std::chrono::floor;
  const std::chrono::sys_time<std::chrono::nanoseconds> wall{
      std::chrono::nanoseconds(clock_.wall_nanoseconds())};
  const auto second = floor<std::chrono::seconds>(wall);
  const auto day = floor<std::chrono::days>(wall);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(second - day);
  constexpr std::string_view kDays = "SunMonTueWedThuFriSat";
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  line_ = "Date: ";
  const auto two = [this](unsigned number) {
    line_ += static_cast<char>('0' + number / 10 % 10);
    line_ += static_cast<char>('0' + number % 10);
  };
  line_.append(kDays.substr(std::size_t{3} * std::chrono::weekday(day).c_encoding(), 3))
      .append(", ");
  two(static_cast<unsigned>(date.day()));
  const std::size_t month = static_cast<unsigned>(date.month()) - 1;
  line_.append(" ").append(kMonths.substr(3 * month, 3));
  line_.append(" ");
  append_number(line_, static_cast<std::uint64_t>(static_cast<int>(date.year())));
  line_.append(" ");
  two(static_cast<unsigned>(time.hours().count()));
  line_.append(":");
  two(static_cast<unsigned>(time.minutes().count()));
  line_.append(":");
  two(static_cast<unsigned>(time.seconds().count()));
  line_.append(" GMT\r\n");
  valid_until_ = now + (second + std::chrono::seconds(1) - wall);
  return line_;
}

void append_head(std::string& out, const Response& response, ConnectionField connection,
                 std::string_view date_line) {
  if (response.status() == 200) {
    out.append("HTTP/1.1 200 OK\r\n");
  } else {
    out.append("HTTP/1.1 ");
    append_number(out, static_cast<std::uint64_t>(response.status()));
    out.append(" ").append(status_text(response.status())).append("\r\n");
  }
  if (!response.has_date()) out.append(date_line);
  out.append(response.fields());
  if (!is_bodiless(response.status())) {
    out.append("Content-Length: ");
    append_number(out, response.body().size());
    out.append("\r\n");
  }
  switch (connection) {
    case ConnectionField::None: break;
    case ConnectionField::Close: out.append("Connection: close\r\n"); break;
    case ConnectionField::KeepAlive: out.append("Connection: keep-alive\r\n"); break;
  }
  out.append("\r\n");
}

}  // namespace trellis::http
