// What every guest ABI looks like from above: a Program (a module, verified, compiled and linked)
// makes Guests (one instance on one core), and a Guest takes calls. What the guest asks of its host
// goes through a HostInterface; what it sees of the machine through core::Environment.
//
// A Program is immutable and shared by all cores. A Guest belongs to one core and serves one call
// at a time: whoever calls it holds it exclusively until the task ends or is destroyed. Destroying
// that task in the middle of a call is allowed and leaves the guest unusable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "trellis/async/core.h"
#include "trellis/async/task.h"
#include "trellis/base/bytes.h"
#include "trellis/base/error.h"
#include "trellis/core/buffer.h"
#include "trellis/core/call.h"
#include "trellis/core/environment.h"

namespace trellis::abi {

/// Bounds of one call (the start functions count as one call).
struct GuestLimits {
  std::uint64_t max_host_calls = 1'000'000;               // then engine.limit.host_calls
  std::size_t max_operation_bytes = 1024;                 // of the operation that the host calls
  std::size_t max_name_bytes = 1024;                      // of a name in a host call
  std::size_t max_message_bytes = std::size_t{8} << 20;   // payload or reply, either direction
  std::uint64_t max_log_bytes = std::uint64_t{64} << 10;  // kept; what is beyond is dropped
};

/// One host call as the guest made it. The views point into guest memory, which stays in place and
/// unchanged while the guest is suspended.
struct HostRequest {
  std::string_view binding;   // as the guest passed it: may be empty
  std::string_view contract;  // the namespace as the guest passed it
  std::string_view operation;
  ByteView payload;
};

/// The binding that a blank name stands for.
inline constexpr std::string_view kDefaultBinding = "default";

/// The name under which a binding is looked up: an empty one, or one of only white space, is
/// `default`.
std::string_view resolve_binding(std::string_view binding) noexcept;

enum class OutputKind : std::uint8_t { Console, Stdout, Stderr };

struct CallFrame;

/// What stands behind a guest's imports: an actor's grants, or a script.
class HostInterface {
 public:
  HostInterface() noexcept = default;
  HostInterface(const HostInterface&) = delete;
  HostInterface& operator=(const HostInterface&) = delete;
  virtual ~HostInterface() = default;

  /// Serves one host call, on the core of the call. The guest sees the reply's bytes, or the
  /// message() of the error. Engine and call reasons (engine.deadline, call.cancelled) are not
  /// shown to the guest: they end the call. A reply that only borrows its bytes must keep them
  /// valid until the call is over.
  virtual async::Task<Result<core::Buffer>> host_call(const HostRequest& request,
                                                      CallFrame& frame) = 0;

  /// Text that the guest wrote, within the log budget. Runs on the guest's stack: only records.
  virtual void guest_output(OutputKind kind, std::string_view bytes) noexcept = 0;

  /// Runs once at the end of a call that wrote more than max_log_bytes.
  virtual void guest_output_dropped(std::uint64_t records, std::uint64_t bytes) noexcept = 0;
};

/// What a call runs with. Outlives the call; one core.
struct CallFrame {
  const core::CallContext& context;  // cancel scope (with the deadline), depth, principal
  HostInterface& host;
  core::Environment& environment;
  const GuestLimits& limits;
  core::Usage usage{};  // filled by the guest as the call goes
};

/// One instance on one core.
class Guest {
 public:
  Guest() noexcept = default;
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;
  virtual ~Guest() = default;

  /// Instantiates and runs the start functions, all under the frame's deadline. Once, before the
  /// first call. After a failure the guest is not usable.
  virtual async::Task<Result<void>> start(CallFrame& frame) = 0;

  /// One call. Errors: guest.error (message(): the guest's own text), engine.trap.*,
  /// engine.deadline, call.cancelled, engine.limit.*. On a trap message() is the guest's own text
  /// if it had set one, else what happened; guest_error() tells which.
  virtual async::Task<Result<core::Buffer>> call(std::string_view operation, ByteView payload,
                                                 CallFrame& frame) = 0;

  /// False before start(), and after a trap, a deadline, a limit or a cancel: drop it then.
  virtual bool usable() const noexcept = 0;

  /// Size of the linear memory.
  virtual std::uint64_t memory_bytes() const noexcept = 0;

  /// The error text that the guest set during the last call: UTF-8, at most kMaxErrorTextBytes.
  virtual const std::optional<std::string>& guest_error() const noexcept = 0;
};

class Program {
 public:
  Program() noexcept = default;
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  virtual ~Program() = default;

  /// A guest that is not started yet; `core` and the program outlive it. engine.limit.instances
  /// when the host has no room for one more.
  virtual Result<std::unique_ptr<Guest>> create(async::Core& core) const = 0;
};

}  // namespace trellis::abi
