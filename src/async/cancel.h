// Cancelling one call: by its deadline, by its caller's going away, or by a shutdown.
//
// A CancelScope belongs to one call on one core. Whatever suspends on behalf of the call registers
// a Waiter; cancel() wakes all of them, and each ends with Reason::EngineDeadline or
// Reason::CallCancelled. A child scope (a call that this call makes) hears its parent's cancel.
// Scopes cost nothing until the call first suspends: only then about_to_wait() arms the deadline
// and starts whatever the transport wants to watch (its peer's going away).
#pragma once

#include <cstdint>
#include <functional>

#include "trellis/async/core.h"
#include "trellis/async/timer_wheel.h"
#include "trellis/base/error.h"

namespace trellis::async {

enum class CancelCause : std::uint8_t { None, Deadline, Cancelled };

class CancelScope {
 public:
  /// Something suspended. Intrusive; must be removed before it dies.
  class Waiter {
   public:
    Waiter() noexcept = default;
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;

    virtual ~Waiter() { leave(); }

    void leave() noexcept;

    /// Runs once, on the core, after the waiter was taken off the scope. Must not run guest code
    /// or resume a coroutine in place: post.
    virtual void on_cancel(CancelCause cause) noexcept = 0;

   private:
    friend class CancelScope;

    CancelScope* scope_ = nullptr;
    Waiter* previous_ = nullptr;
    Waiter* next_ = nullptr;
  };

  CancelScope(Core& core, TimePoint deadline) noexcept;
  /// A call made by the call of `parent`; its deadline is the earlier one. `parent` outlives it.
  CancelScope(CancelScope& parent, TimePoint deadline) noexcept;
  CancelScope(const CancelScope&) = delete;
  CancelScope& operator=(const CancelScope&) = delete;
  ~CancelScope();

  Core& core() const noexcept { return core_; }

  TimePoint deadline() const noexcept { return deadline_; }

  CancelCause cause() const noexcept { return cause_; }

  bool cancelled() const noexcept { return cause_ != CancelCause::None; }

  /// Reads the clock: marks the scope as past its deadline when it is, then as cancelled().
  bool expired() noexcept;

  /// Idempotent: the first cause stays.
  void cancel(CancelCause cause) noexcept;

  /// To be called before a suspension: arms the deadline timer, runs the watch function once.
  void about_to_wait();

  /// `watch` is run at the first suspension of the call (or of a child of it).
  void set_watch(std::move_only_function<void()> watch) { watch_ = std::move(watch); }

  /// Registers; when the scope is already cancelled, calls waiter.on_cancel() instead.
  void join(Waiter& waiter) noexcept;

  /// The error that a cancelled call ends with.
  Error error() const;

 private:
  class DeadlineTimer final : public Timer {
   public:
    explicit DeadlineTimer(CancelScope& scope) noexcept : scope_(scope) {}

   private:
    void on_timer() noexcept override { scope_.cancel(CancelCause::Deadline); }

    CancelScope& scope_;
  };

  class ParentLink final : public Waiter {
   public:
    explicit ParentLink(CancelScope& scope) noexcept : scope_(scope) {}

    void on_cancel(CancelCause cause) noexcept override { scope_.cancel(cause); }

   private:
    CancelScope& scope_;
  };

  Core& core_;
  TimePoint deadline_;
  CancelScope* parent_ = nullptr;
  CancelCause cause_ = CancelCause::None;
  Waiter* waiters_ = nullptr;
  DeadlineTimer timer_;
  ParentLink parent_link_;
  std::move_only_function<void()> watch_;
};

}  // namespace trellis::async
