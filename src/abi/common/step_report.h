// The report of one call as `trellis test`, `trellis call` and POST /v1/call give it out
// (interfaces.md, section test): plain data, and its one JSON form.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "trellis/base/bytes.h"
#include "trellis/base/error.h"
#include "trellis/codec/json.h"
#include "trellis/core/buffer.h"

namespace trellis::abi {

struct RecordedHostCall {
  std::string binding;   // as the guest passed it
  std::string contract;  // JSON key `namespace`
  std::string operation;
  Bytes payload;
};

struct StepReport {
  bool ok = false;
  std::optional<Bytes> response;
  std::optional<std::string> error;    // the guest's own text
  std::optional<std::string> reason;   // null when the call succeeded
  std::optional<std::string> trap;     // kind of the trap, without the prefix engine.trap.
  std::optional<std::string> message;  // what our side says about a failure
  std::vector<RecordedHostCall> host_calls;
  std::vector<std::string> console_log;
  Bytes stdout_bytes;
  std::uint64_t duration_us = 0;
  std::vector<std::string> mismatch;
  bool truncated = false;
};

/// Fills ok, response, error, reason, trap and message from how a call ended. `guest_error` is the
/// text that the guest set, if any (Guest::guest_error()).
void set_outcome(StepReport& report, const Result<core::Buffer>& outcome,
                 const std::optional<std::string>& guest_error);

/// The part of a reason after `engine.trap.`; nullopt for other reasons.
std::optional<std::string> trap_kind(Reason reason);

codec::json::Object to_json(const StepReport& report);

}  // namespace trellis::abi
