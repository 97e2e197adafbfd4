// The answer that a handler fills in. One object per connection, reused: its memory stays.
//
// The connection decides the framing: exactly one Content-Length (none for 204 and 304), Connection
// and Date. A handler cannot set the fields of the framing, and no byte that could end a line ever
// enters a header.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "trellis/base/bytes.h"
#include "trellis/base/clock.h"
#include "trellis/base/error.h"

namespace trellis::http {

/// The body of an error answer is at most this long (interfaces.md).
inline constexpr std::size_t kMaxErrorBodyBytes = 4096;

enum class AddHeader : std::uint8_t {
  Added,
  Dropped,  // a field of the connection or the framing: not the handler's business
  Refused,  // the name is no token, or the value holds a control character
};

class Response {
 public:
  Response() = default;
  Response(const Response&) = delete;
  Response& operator=(const Response&) = delete;

  /// 200..599; false (and nothing changes) for any other number. A handler that never sets a status
  /// answers 500.
  bool set_status(int status) noexcept;
  /// Appends one line; a name may come again.
  AddHeader add_header(std::string_view name, std::string_view value);

  void set_body(Bytes body) noexcept;
  /// `body` is copied.
  void set_body_copy(ByteView body);
  /// `body` has static storage.
  void set_body_static(ByteView body) noexcept;

  /// Drops what was set and answers with the reason's status and {"reason","message"} as JSON, at
  /// most kMaxErrorBodyBytes, the message escaped.
  void set_error(Reason reason, std::string_view message);

  void set_error(const Error& error) { set_error(error.reason(), error.message()); }

  /// The connection ends after this answer.
  void set_close() noexcept { close_ = true; }

  int status() const noexcept { return status_; }

  /// The header lines that were added, each with its CRLF.
  std::string_view fields() const noexcept { return fields_; }

  ByteView body() const noexcept { return view_; }

  bool has_date() const noexcept { return has_date_; }

  bool close() const noexcept { return close_; }

  /// Gives an owned body away; empty when the body is static.
  Bytes take_body() noexcept;

  void clear() noexcept;

 private:
  int status_ = 500;
  bool has_date_ = false;
  bool close_ = false;
  std::string fields_;
  Bytes body_;
  ByteView view_;
};

/// "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n", made once a second. One core.
class DateLine {
 public:
  explicit DateLine(const Clock& clock) noexcept : clock_(clock) {}

  /// `now`: the clock's steady time, at most a few milliseconds old.
  std::string_view at(TimePoint now);

 private:
  const Clock& clock_;
  TimePoint valid_until_ = TimePoint::min();
  std::string line_;
};

enum class ConnectionField : std::uint8_t { None, Close, KeepAlive };

/// Appends status line and headers of `response` to `out`.
void append_head(std::string& out, const Response& response, ConnectionField connection,
                 std::string_view date_line);

/// True when an answer of that status has neither a body nor a Content-Length.
constexpr bool is_bodiless(int status) noexcept {
  return status < 200 || status == 204 || status == 304;
}

}  // namespace trellis::http
