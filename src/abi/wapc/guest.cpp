// A call, from the host's side:
//
//   poll --> Done -----------------------------> result rule
//    ^  \--> Failed ---------------------------> trap, deadline, limit: the instance is dropped
//    |  \--> Waiting -> serve the host call, or sleep --+
//    |  \--> Yielded -> let other work of the core run --+
//    +----------------- unless the scope was cancelled <-+
//
// The open engine call is a local of the coroutine that also serves the host call, so destroying
// that coroutine ends things in the right order: the host call's task, the guest, then the frame.

#include "trellis/abi/wapc/guest.h"

#include <array>
#include <chrono>
#include <ctime>
#include <limits>
#include <utility>

#include "trellis/async/one_shot.h"
#include "trellis/base/assert.h"

namespace trellis::abi::wapc {
namespace {

constexpr std::array kStartFunctions{"_start", "_initialize", "wapc_init"};

// Closes the session however the call ends, destruction of the task included.
class SessionScope {
 public:
  SessionScope(Session& session, std::string_view operation, ByteView payload,
               CallFrame& frame) noexcept
      : session_(session) {
    session_.begin(operation, payload, frame);
  }

  SessionScope(const SessionScope&) = delete;
  SessionScope& operator=(const SessionScope&) = delete;

  ~SessionScope() { session_.end(); }

 private:
  Session& session_;
};

class WakeTimer final : public async::Timer {
 public:
  explicit WakeTimer(async::OneShot<bool>& done) noexcept : done_(done) {}

 private:
  void on_timer() noexcept override { done_.set(true); }

  async::OneShot<bool>& done_;
};

// A guest whose time goes into host calls that are answered at once never uses a slice of the
// ticker up, since each poll begins one: after so long it lets others have their turn all the same.
constexpr std::int64_t kTurnMilliseconds = 2;

// Of the coarse clock, which a host call can afford; it moves in steps of up to 4 ms.
std::int64_t coarse_milliseconds() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

// Ends early when the scope is cancelled; the caller asks the scope.
async::Task<void> sleep(async::CancelScope& scope, std::uint64_t nanoseconds) {
  constexpr auto kLongest = std::chrono::hours(24);  // any deadline is nearer; no sum can overflow
  const auto wanted = std::chrono::nanoseconds(static_cast<std::int64_t>(
      std::min<std::uint64_t>(nanoseconds, std::chrono::nanoseconds(kLongest).count())));
  async::OneShot<bool> done(scope.core());
  WakeTimer timer(done);
  scope.core().arm(timer, scope.core().clock().now() + wanted);
  const auto woken = co_await done.wait(scope);
  static_cast<void>(woken);
}

}  // namespace

Guest::Guest(std::shared_ptr<const engine::Prelinked> prelinked, engine::Ticker::Lane& lane)
    : instance_(std::move(prelinked), lane, &session_) {}

async::Task<engine::CallState> Guest::drive(engine::Call& call, engine::CallState state,
                                            CallFrame& frame) {
  async::CancelScope& scope = frame.context.cancel;
  std::int64_t turn_began = coarse_milliseconds();
  for (;;) {
    if (state == engine::CallState::Done || state == engine::CallState::Failed) co_return state;
    if (state == engine::CallState::Yielded ||
        coarse_milliseconds() - turn_began >= kTurnMilliseconds) {
      scope.about_to_wait();
      co_await scope.core().yield_slice();
      turn_began = coarse_milliseconds();
      if (scope.cancelled()) co_return state;  // and nobody hears of the host call
    }
    if (state == engine::CallState::Yielded) {
      // Its turn again.
    } else if (session_.waiting() == Session::Waiting::HostCall) {
      auto reply = co_await frame.host.host_call(session_.request(), frame);
      session_.answer(std::move(reply));
    } else {
      co_await sleep(scope, session_.sleep_nanoseconds());
    }
    if (scope.cancelled()) co_return state;
    state = call.poll();
  }
}

void Guest::account(const engine::Call& call, CallFrame& frame) const noexcept {
  frame.usage.cpu_nanoseconds += call.cpu_nanoseconds();
  frame.usage.peak_memory_bytes = std::max(frame.usage.peak_memory_bytes, instance_.memory_bytes());
}

// Why a call did not come to its end: a host function stopped it, the scope was cancelled while it
// waited, or it trapped.
Error Guest::ended_early(const engine::Call& call, CallFrame& frame) const {
  const engine::Failure& failure = call.failure();
  if (failure.host_raised && session_.stop()) {
    const Stop& stop = *session_.stop();
    const bool own_text = session_.guest_error_text() && stop.reason != Reason::EngineDeadline;
    return Error(stop.reason, own_text ? *session_.guest_error_text() : stop.message)
        .with_effect(Effect::Unknown);
  }
  if (frame.context.cancel.cancelled()) {
    return frame.context.cancel.error().with_effect(Effect::Unknown);
  }
  if (failure.reason == Reason::EngineDeadline || failure.reason == Reason::EngineFailed ||
      !session_.guest_error_text()) {
    return failure.error().with_effect(Effect::Unknown);
  }
  return Error(failure.reason, *session_.guest_error_text()).with_effect(Effect::Unknown);
}

async::Task<Result<void>> Guest::start_function(const char* name, CallFrame& frame) {
  const auto function = instance_.find(name, engine::Signature::ToNothing);
  if (!function) co_return Result<void>();
  session_.next_start_function();
  std::optional<Error> error;
  {
    engine::Call call(instance_, *function, {.deadline = frame.context.cancel.deadline()});
    engine::CallState state = call.poll();
    if (state != engine::CallState::Done) state = co_await drive(call, state, frame);
    account(call, frame);
    if (state == engine::CallState::Done) co_return Result<void>();
    if (!session_.exit_status() || *session_.exit_status() != 0) error = ended_early(call, frame);
  }
  if (!error) {
    instance_.accept_exit();
    co_return Result<void>();
  }
  co_return std::unexpected(
      std::move(*error).context("Error invoking " + std::string(name) + " function!"));
}

async::Task<Result<void>> Guest::start(CallFrame& frame) {
  const SessionScope scope(session_, {}, {}, frame);
  {
    engine::Call call = instance_.instantiate({.deadline = frame.context.cancel.deadline()});
    engine::CallState state = call.poll();
    if (state != engine::CallState::Done) state = co_await drive(call, state, frame);
    account(call, frame);
    if (state != engine::CallState::Done) {
      co_return std::unexpected(ended_early(call, frame).context("instantiating the module"));
    }
  }
  for (const char* name : kStartFunctions) {
    auto started = co_await start_function(name, frame);
    if (!started) co_return std::unexpected(std::move(started).error());
  }
  guest_call_ = instance_.find("__guest_call", engine::Signature::I32I32ToI32);
  if (!guest_call_) {
    co_return fail(Reason::ModuleExport, "Guest module did not export __guest_call function!");
  }
  co_return Result<void>();
}

async::Task<Result<core::Buffer>> Guest::call(std::string_view operation, ByteView payload,
                                              CallFrame& frame) {
  TR_ASSERT(usable());
  const SessionScope scope(session_, operation, payload, frame);
  if (operation.size() > frame.limits.max_operation_bytes) {
    co_return fail(Reason::EngineLimitMessage,
                   "the name of the operation has " + std::to_string(operation.size()) +
                       " bytes, above the limit of " +
                       std::to_string(frame.limits.max_operation_bytes));
  }
  if (payload.size() > frame.limits.max_message_bytes) {
    co_return fail(Reason::EngineLimitMessage, "the payload has " + std::to_string(payload.size()) +
                                                   " bytes, above the limit of " +
                                                   std::to_string(frame.limits.max_message_bytes));
  }
  frame.usage.bytes_in += payload.size();
  engine::Call call(instance_, *guest_call_, {.deadline = frame.context.cancel.deadline()},
                    static_cast<std::int32_t>(operation.size()),
                    static_cast<std::int32_t>(payload.size()));
  engine::CallState state = call.poll();
  if (state != engine::CallState::Done && state != engine::CallState::Failed) {
    state = co_await drive(call, state, frame);
  }
  account(call, frame);
  if (state != engine::CallState::Done) co_return std::unexpected(ended_early(call, frame));
  auto outcome = session_.outcome(call.result());
  if (outcome) frame.usage.bytes_out += outcome->size();
  co_return outcome;
}

}  // namespace trellis::abi::wapc
