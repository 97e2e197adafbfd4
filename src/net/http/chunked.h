// The body of a request with `Transfer-Encoding: chunked` (RFC 9112 section 7.1), read strictly.
//
//   chunk     = 1*HEXDIG *( ";" name [ "=" ( token / quoted-string ) ] ) CRLF data CRLF
//   last      = 1*"0" [extensions] CRLF, trailer lines, CRLF
//
// No white space is allowed in a chunk line outside quotes; extensions and trailers are checked,
// bounded and dropped. What it answers does not depend on how the bytes were split. One core.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "trellis/base/bytes.h"
#include "trellis/net/http/request_parser.h"

namespace trellis::http {

class ChunkedDecoder {
 public:
  /// `max_body_bytes`: of data; `max_overhead_bytes`: of all extensions together, and of all
  /// trailers together.
  ChunkedDecoder(std::uint64_t max_body_bytes, std::uint64_t max_overhead_bytes) noexcept
      : max_body_(max_body_bytes), max_overhead_(max_overhead_bytes) {}

  /// Reads from `bytes` (only what was not consumed before), appends data to `body` and sets
  /// `consumed` <= bytes.size(). Everything is consumed unless the answer is Complete (the rest is
  /// the next request) or Failed.
  ParseStatus feed(std::string_view bytes, Bytes& body, std::size_t& consumed);

  const Refusal& refusal() const noexcept { return refusal_; }

  /// Makes ready for another body.
  void reset() noexcept { *this = ChunkedDecoder(max_body_, max_overhead_); }

 private:
  enum class State : std::uint8_t {
    Size,
    ExtensionName,
    ExtensionValue,
    Quoted,
    QuotedPair,
    AfterQuoted,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    TrailerStart,
    TrailerName,
    TrailerValue,
    TrailerLf,
    LastLf,
    Done,
  };

  bool step(char c);
  bool step_size(char c);
  bool step_extension(char c);
  bool step_trailer(char c);
  bool end_of_size(char c, bool allowed);
  bool refuse(Reason reason, const char* message) noexcept;
  bool malformed() noexcept;

  std::uint64_t max_body_;
  std::uint64_t max_overhead_;
  std::uint64_t total_ = 0;     // bytes of data announced so far
  std::uint64_t size_ = 0;      // of the present chunk, then what is left of it
  std::uint64_t overhead_ = 0;  // bytes of extensions, then of trailers
  std::uint32_t part_ = 0;      // characters of the present number, name or value
  std::uint32_t trailers_ = 0;
  State state_ = State::Size;
  Refusal refusal_;
};

}  // namespace trellis::http
