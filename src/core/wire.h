// Distance: an invocation minus its grant, as bytes, without loss. The receiver derives the grant
// from its own tables. Lengths are checked in 64-bit arithmetic and bounded by the input.
#pragma once

#include <string>

#include "trellis/base/bytes.h"
#include "trellis/base/clock.h"
#include "trellis/base/error.h"
#include "trellis/core/invocation.h"

namespace trellis::core {

/// What a receiver reads; owns its bytes.
struct WireInvocation {
  std::string contract;
  std::string binding;
  std::string operation;
  Bytes payload;
  CallId id;
  std::optional<std::string> idempotency_key;
  std::optional<Duration> remaining;  // until the deadline; absent: none
  std::uint32_t depth = 0;
  TraceContext trace;
  std::string tenant;
  std::string caller_key;
  std::string caller_name;
  std::uint32_t caller_revision = 0;
  std::uint64_t caller_instance = 0;
  Origin origin = Origin::System;
  std::string link;
};

/// `now` turns the absolute deadline into the remaining time. A streamed rest is not part of it:
/// the transport carries it beside.
Bytes encode_invocation(const Invocation& invocation, TimePoint now);

Result<WireInvocation> decode_invocation(ByteView bytes);

}  // namespace trellis::core
