// How a call into a guest ended when it did not end well.
#pragma once

#include <cstdint>
#include <string>

#include "trellis/base/error.h"

namespace trellis::engine {

/// After a failure the instance is unusable: destroy it.
struct Failure {
  Reason reason = Reason::EngineFailed;  // engine.trap.*, engine.deadline, engine.cancelled, ...
  std::string message;                   // lower case, without the guest's backtrace
  /// The guest's functions that were running, innermost first, one a line: for people. The names
  /// are the guest's own, without control characters; at most 20 lines; may be empty.
  std::string backtrace;
  /// A host function returned HostStatus::Trap: whoever defined it knows the true reason.
  bool host_raised = false;

  Error error() const { return {reason, message}; }
};

}  // namespace trellis::engine
