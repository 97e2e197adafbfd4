// What every call carries besides its payload: identity, deadline, depth, quota, principal; and
// what it leaves behind: its outcome and its use of resources.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "trellis/async/cancel.h"
#include "trellis/base/bytes.h"
#include "trellis/base/clock.h"
#include "trellis/base/error.h"

namespace trellis::core {

/// 128 bits, made by the first host that sees the call.
struct CallId {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  /// Unique in the lattice (time and random bits, RFC 9562 version 7 layout). Any thread.
  static CallId make();
  /// 8-4-4-4-12 lower-case hex.
  std::string text() const;

  bool operator==(const CallId&) const = default;
};

/// The tenant of a plain host.
inline constexpr std::string_view kLocalTenant = "local";

/// A call chain may be this deep: actor calls actor calls actor.
inline constexpr std::uint32_t kMaxCallDepth = 16;

/// Who the immediate caller is. Views: owned by the caller's version or by the transport.
struct Caller {
  std::string_view key = {};   // "M..." of an actor; "system" for the host itself
  std::string_view name = {};  // for people
  std::uint32_t revision = 0;  // of the actor's token
  std::uint64_t instance = 0;  // 0: not an instance

  bool operator==(const Caller&) const = default;
};

enum class Origin : std::uint8_t { System, User };

/// On whose behalf a call runs. Filled by the router, never by a guest; providers authorise and
/// partition by it.
struct Principal {
  std::string_view tenant = kLocalTenant;
  Caller caller = {};
  Origin origin = Origin::System;
  std::string_view link = {};  // the link that granted the call, for logs

  bool operator==(const Principal&) const = default;
};

/// W3C trace context; all zero: not traced.
struct TraceContext {
  std::uint64_t trace_high = 0;
  std::uint64_t trace_low = 0;
  std::uint64_t span = 0;
  bool sampled = false;

  bool operator==(const TraceContext&) const = default;
};

/// How a call ended; every call ends exactly once.
enum class Outcome : std::uint8_t {
  Ok,
  GuestError,
  Denied,
  Deadline,
  Cancelled,
  Unavailable,
};

Outcome outcome_of(const Error& error) noexcept;

/// What a call used. Adding up nested calls is the caller's business.
struct Usage {
  std::uint64_t cpu_nanoseconds = 0;
  std::uint64_t gas = 0;
  std::uint64_t host_calls = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t peak_memory_bytes = 0;
};

/// Watches one call from where it is served, for whoever asks what it did; calls that it makes are
/// not watched in their turn. Runs on the core that serves, and must only record.
class CallObserver {
 public:
  CallObserver() noexcept = default;
  CallObserver(const CallObserver&) = delete;
  CallObserver& operator=(const CallObserver&) = delete;
  virtual ~CallObserver() = default;

  virtual void host_call(std::string_view binding, std::string_view contract,
                         std::string_view operation, ByteView payload) = 0;
  virtual void console(std::string_view text) = 0;
  virtual void output(std::string_view bytes) = 0;  // stdout and stderr
  virtual void output_dropped() = 0;
  /// The guest's own text, also when the call ended as a trap.
  virtual void guest_error(std::string_view text) = 0;
};

/// Lives as long as the call. Borrowed by everything below; one core.
struct CallContext {
  CallId id = {};
  std::optional<std::string_view> idempotency_key = std::nullopt;
  TimePoint deadline = TimePoint::max();  // absolute; on a wire: the remaining time
  std::uint32_t depth = 0;
  TraceContext trace = {};
  Principal principal = {};
  async::CancelScope& cancel;
  CallObserver* observer = nullptr;     // outlives the call; almost always absent
  const CallContext* parent = nullptr;  // the call that made this one, when it runs in this host
};

}  // namespace trellis::core
