// The head of an HTTP/1.1 request, read strictly and in place.
//
// The parser is given the bytes from the start of a request, again and again as more arrive; it
// keeps offsets, copies nothing and looks at each byte once for the line's end and once for its
// meaning. What it answers does not depend on how the bytes were split. One connection, one core.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "trellis/base/error.h"

namespace trellis::http {

/// A part of the request's bytes.
struct Slice {
  std::uint32_t at = 0;
  std::uint32_t size = 0;

  std::string_view of(const char* base) const noexcept { return {base + at, size}; }
};

struct HeaderSlices {
  Slice name;
  Slice value;  // without white space around it
};

/// What a head says; offsets count from the first byte given to the parser.
struct Head {
  Slice method;
  Slice target;
  Slice path;   // empty: the target is an absolute form without a path, which means "/"
  Slice query;  // without the question mark
  Slice host;   // of the target when that is absolute, else of the field
  std::vector<HeaderSlices> headers;
  std::uint64_t content_length = 0;
  std::uint8_t minor_version = 1;
  bool chunked = false;
  bool keep_alive = true;
  bool expect_continue = false;
};

enum class ParseStatus : std::uint8_t { NeedMore, Complete, Failed };

/// How a request is refused. `message` has static storage.
struct Refusal {
  Reason reason = Reason::HttpMalformed;
  const char* message = "";
};

class RequestParser {
 public:
  static constexpr std::size_t kMaxHeaders = 2000;
  static constexpr std::size_t kMaxMethodBytes = 64;

  /// `max_head_bytes`: request line and header lines with their ends.
  explicit RequestParser(std::uint32_t max_head_bytes) noexcept : max_(max_head_bytes) {}

  /// `bytes`: all that has arrived since the first byte of the request.
  ParseStatus parse(std::string_view bytes);

  /// After Complete: the size of the head; the body follows.
  std::size_t size() const noexcept { return line_at_; }

  const Head& head() const noexcept { return head_; }

  /// After Failed.
  const Refusal& refusal() const noexcept { return refusal_; }

  /// Makes ready for the next request; keeps the memory.
  void reset() noexcept;

 private:
  enum class State : std::uint8_t { RequestLine, Headers, Done };

  ParseStatus refuse(Reason reason, const char* message) noexcept;
  ParseStatus too_long(std::string_view bytes) noexcept;
  bool take_line(std::string_view bytes, std::size_t end);
  bool request_line(std::string_view bytes, std::size_t end);
  bool split_target(std::string_view bytes);
  bool split_absolute(std::string_view target);
  bool header_line(std::string_view bytes, std::size_t end);
  bool known_header(std::string_view name, std::string_view value, Slice where);
  bool content_length(std::string_view value);
  void connection_options(std::string_view value) noexcept;
  bool finish();

  std::uint32_t max_;
  std::size_t line_at_ = 0;  // where the present line starts
  std::size_t scanned_ = 0;  // no line end before here but for lines already read
  State state_ = State::RequestLine;
  bool absolute_ = false;
  bool has_host_ = false;
  bool has_length_ = false;
  bool has_encoding_ = false;
  bool says_close_ = false;
  bool says_keep_alive_ = false;
  Head head_;
  Refusal refusal_;
};

}  // namespace trellis::http
