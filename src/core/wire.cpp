// Layout, little-endian: u8 version (1), then the fields in the order below; a text is u32 length
// and bytes; an optional is u8 (0 or 1) and the value.
#include "trellis/core/wire.h"

#include <algorithm>
#include <concepts>
#include <cstring>

namespace trellis::core {
namespace {

constexpr std::uint8_t kVersion = 1;

class Writer {
 public:
  template <std::unsigned_integral T>
  void number(T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      out_.push_back(static_cast<std::byte>(static_cast<std::uint64_t>(value) >> (8 * i)));
    }
  }

  void text(ByteView bytes) {
    number(static_cast<std::uint32_t>(bytes.size()));
    out_.insert(out_.end(), bytes.begin(), bytes.end());
  }

  void text(std::string_view value) { text(as_bytes(value)); }

  Bytes take() && { return std::move(out_); }

 private:
  Bytes out_;
};

/// Every read past the end sets failed() and gives zeros.
class Reader {
 public:
  explicit Reader(ByteView in) noexcept : in_(in) {}

  template <std::unsigned_integral T>
  T number() {
    if (in_.size() < sizeof(T)) {
      failed_ = true;
      return 0;
    }
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      value |= std::to_integer<std::uint64_t>(in_[i]) << (8 * i);
    }
    in_ = in_.subspan(sizeof(T));
    return static_cast<T>(value);
  }

  ByteView bytes() {
    const auto length = number<std::uint32_t>();
    if (length > in_.size()) {
      failed_ = true;
      return {};
    }
    const ByteView view = in_.first(length);
    in_ = in_.subspan(length);
    return view;
  }

  std::string text() { return std::string(as_text(bytes())); }

  bool flag() {
    const auto value = number<std::uint8_t>();
    if (value > 1) failed_ = true;
    return value == 1;
  }

  bool failed() const noexcept { return failed_; }

  bool at_end() const noexcept { return in_.empty(); }

 private:
  ByteView in_;
  bool failed_ = false;
};

}  // namespace

Bytes encode_invocation(const Invocation& invocation, TimePoint now) {
  const CallContext& context = invocation.context;
  const Caller& caller = context.principal.caller;
  Writer out;
  out.number(kVersion);
  out.text(invocation.grant.contract());
  out.text(invocation.grant.binding());
  out.text(invocation.operation);
  out.text(invocation.payload);
  out.number(context.id.high);
  out.number(context.id.low);
  out.number(static_cast<std::uint8_t>(context.idempotency_key.has_value()));
  if (context.idempotency_key) out.text(*context.idempotency_key);
  const bool bounded = context.deadline != TimePoint::max();
  out.number(static_cast<std::uint8_t>(bounded));
  if (bounded) {
    const auto remaining = std::max(context.deadline - now, Duration(0));
    out.number(static_cast<std::uint64_t>(remaining.count()));
  }
  out.number(context.depth);
  out.number(context.trace.trace_high);
  out.number(context.trace.trace_low);
  out.number(context.trace.span);
  out.number(static_cast<std::uint8_t>(context.trace.sampled));
  out.text(context.principal.tenant);
  out.text(caller.key);
  out.text(caller.name);
  out.number(caller.revision);
  out.number(caller.instance);
  out.number(static_cast<std::uint8_t>(context.principal.origin));
  out.text(context.principal.link);
  return std::move(out).take();
}

Result<WireInvocation> decode_invocation(ByteView bytes) {
  Reader in(bytes);
  if (in.number<std::uint8_t>() != kVersion) {
    return fail(Reason::ContractMalformed, "the invocation has an unknown version");
  }
  WireInvocation out;
  out.contract = in.text();
  out.binding = in.text();
  out.operation = in.text();
  out.payload = to_bytes(in.bytes());
  out.id.high = in.number<std::uint64_t>();
  out.id.low = in.number<std::uint64_t>();
  if (in.flag()) out.idempotency_key = in.text();
  if (in.flag()) {
    const auto nanoseconds = in.number<std::uint64_t>();
    if (nanoseconds > static_cast<std::uint64_t>(Duration::max().count())) {
      return fail(Reason::ContractMalformed,
                  "the remaining time of the invocation is out of range");
    }
    out.remaining = Duration(static_cast<Duration::rep>(nanoseconds));
  }
  out.depth = in.number<std::uint32_t>();
  out.trace.trace_high = in.number<std::uint64_t>();
  out.trace.trace_low = in.number<std::uint64_t>();
  out.trace.span = in.number<std::uint64_t>();
  out.trace.sampled = in.flag();
  out.tenant = in.text();
  out.caller_key = in.text();
  out.caller_name = in.text();
  out.caller_revision = in.number<std::uint32_t>();
  out.caller_instance = in.number<std::uint64_t>();
  out.origin = in.flag() ? Origin::User : Origin::System;
  out.link = in.text();
  if (in.failed() || !in.at_end()) {
    return fail(Reason::ContractMalformed, "the invocation is cut off or has bytes behind its end");
  }
  return out;
}

}  // namespace trellis::core
