#include "trellis/net/http/chunked.h"

#include <algorithm>

#include "trellis/net/http/syntax.h"

namespace trellis::http {
namespace {

constexpr std::uint32_t kMaxSizeDigits = 16;

}  // namespace

bool ChunkedDecoder::refuse(Reason reason, const char* message) noexcept {
  refusal_ = {reason, message};
  return false;
}

bool ChunkedDecoder::malformed() noexcept {
  return refuse(Reason::HttpMalformed, "the chunked body is malformed");
}

ParseStatus ChunkedDecoder::feed(std::string_view bytes, Bytes& body, std::size_t& consumed) {
  consumed = 0;
  while (consumed < bytes.size() && state_ != State::Done) {
    if (state_ == State::Data) {
      const auto part =
          static_cast<std::size_t>(std::min<std::uint64_t>(size_, bytes.size() - consumed));
      const auto data = as_bytes(bytes.substr(consumed, part));
      body.insert(body.end(), data.begin(), data.end());
      consumed += part;
      size_ -= part;
      if (size_ == 0) state_ = State::DataCr;
      continue;
    }
    if (!step(bytes[consumed])) return ParseStatus::Failed;
    ++consumed;
  }
  return state_ == State::Done ? ParseStatus::Complete : ParseStatus::NeedMore;
}

bool ChunkedDecoder::step(char c) {
  switch (state_) {
    case State::Size: return step_size(c);
    case State::ExtensionName:
    case State::ExtensionValue:
    case State::Quoted:
    case State::QuotedPair:
    case State::AfterQuoted: return step_extension(c);
    case State::SizeLf:
      if (c != '\n') return malformed();
      part_ = 0;
      state_ = size_ > 0 ? State::Data : State::TrailerStart;
      if (size_ == 0) overhead_ = 0;
      return true;
    case State::DataCr:
      if (c != '\r') return malformed();
      state_ = State::DataLf;
      return true;
    case State::DataLf:
      if (c != '\n') return malformed();
      state_ = State::Size;
      return true;
    default: return step_trailer(c);
  }
}

bool ChunkedDecoder::end_of_size(char c, bool allowed) {
  if (!allowed) return malformed();
  part_ = 0;
  if (c == ';') {
    state_ = State::ExtensionName;
    return true;
  }
  if (c != '\r') return malformed();
  state_ = State::SizeLf;
  return true;
}

bool ChunkedDecoder::step_size(char c) {
  const int digit = hex_value(c);
  if (digit < 0) {
    if (part_ == 0) return malformed();
    if (size_ > max_body_ - total_) {
      return refuse(Reason::HttpBodyTooLarge, "the body is larger than this server allows");
    }
    total_ += size_;
    return end_of_size(c, true);
  }
  if (++part_ > kMaxSizeDigits) return malformed();
  size_ = size_ * 16 + static_cast<std::uint64_t>(digit);
  return true;
}

bool ChunkedDecoder::step_extension(char c) {
  if (++overhead_ > max_overhead_) {
    return refuse(Reason::HttpMalformed, "the chunk extensions are too long");
  }
  switch (state_) {
    case State::ExtensionName:
      if (is_token_char(c)) {
        ++part_;
        return true;
      }
      if (c == '=' && part_ > 0) {
        part_ = 0;
        state_ = State::ExtensionValue;
        return true;
      }
      return end_of_size(c, part_ > 0);
    case State::ExtensionValue:
      if (is_token_char(c)) {
        ++part_;
        return true;
      }
      if (c == '"' && part_ == 0) {
        state_ = State::Quoted;
        return true;
      }
      return end_of_size(c, part_ > 0);
    case State::Quoted:
      if (c == '"') {
        state_ = State::AfterQuoted;
      } else if (c == '\\') {
        state_ = State::QuotedPair;
      } else if (!is_field_value({&c, 1})) {
        return malformed();
      }
      return true;
    case State::QuotedPair: state_ = State::Quoted; return is_field_value({&c, 1}) || malformed();
    default: return end_of_size(c, true);
  }
}

bool ChunkedDecoder::step_trailer(char c) {
  if (++overhead_ > max_overhead_) {
    return refuse(Reason::HttpHeaderTooLarge, "the trailers are larger than this server allows");
  }
  switch (state_) {
    case State::TrailerStart:
      if (c == '\r') {
        state_ = State::LastLf;
        return true;
      }
      if (!is_token_char(c)) return malformed();
      if (++trailers_ > RequestParser::kMaxHeaders) {
        return refuse(Reason::HttpHeaderTooLarge, "the request has too many trailers");
      }
      state_ = State::TrailerName;
      return true;
    case State::TrailerName:
      if (c == ':') {
        state_ = State::TrailerValue;
        return true;
      }
      return is_token_char(c) || malformed();
    case State::TrailerValue:
      if (c == '\r') {
        state_ = State::TrailerLf;
        return true;
      }
      return is_field_value({&c, 1}) || malformed();
    case State::TrailerLf: state_ = State::TrailerStart; return c == '\n' || malformed();
    default: state_ = State::Done; return c == '\n' || malformed();
  }
}

}  // namespace trellis::http
