// Deadlines of one core: a hashed wheel of intrusive entries.
//
// Arming and disarming are a few pointer writes. The wheel asks its core for one real timer, at the
// earliest expiry; an entry that is disarmed leaves that timer alone, so a request that arms and
// disarms a deadline costs no system call. Resolution: kTick. One core only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "trellis/base/clock.h"

namespace trellis::async {

class TimerWheel;

/// One deadline, embedded in what it guards. Not movable; disarms itself when destroyed.
class Timer {
 public:
  Timer() noexcept = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  virtual ~Timer();

  bool armed() const noexcept { return wheel_ != nullptr; }

  /// Takes the entry off its wheel; no effect when it is not armed.
  void disarm() noexcept;

 protected:
  /// Runs on the core once `expiry` has passed; the timer is then no longer armed and may be armed
  /// again or destroyed here.
  virtual void on_timer() noexcept = 0;

 private:
  friend class TimerWheel;

  TimerWheel* wheel_ = nullptr;
  Timer* previous_ = nullptr;
  Timer* next_ = nullptr;
  std::uint64_t tick_ = 0;
};

/// A timer that calls a function.
class CallbackTimer final : public Timer {
 public:
  explicit CallbackTimer(std::move_only_function<void()> callback)
      : callback_(std::move(callback)) {}

 private:
  void on_timer() noexcept override { callback_(); }

  std::move_only_function<void()> callback_;
};

class TimerWheel {
 public:
  static constexpr Duration kTick = std::chrono::milliseconds(2);

  /// `now`: the start of tick 0.
  explicit TimerWheel(TimePoint now) noexcept : start_(now) {}

  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;
  ~TimerWheel();

  /// Arms `timer` (again): it fires at the first advance() at or after `expiry`.
  void arm(Timer& timer, TimePoint expiry) noexcept;

  /// Fires all that has expired at `now`.
  void advance(TimePoint now) noexcept;

  bool empty() const noexcept { return count_ == 0; }

  /// When advance() should be called next; TimePoint::max() when nothing is armed. May be early (an
  /// entry of a later round), never late by more than a tick.
  TimePoint next_expiry() const noexcept;

 private:
  friend class Timer;

  static constexpr std::size_t kSlots = 1024;

  std::uint64_t tick_of(TimePoint at) const noexcept;
  void unlink(Timer& timer) noexcept;

  TimePoint start_;
  std::uint64_t current_ = 0;  // ticks up to here have been fired
  std::size_t count_ = 0;
  std::array<Timer*, kSlots> slots_{};
  std::array<std::uint64_t, kSlots / 64> occupied_{};
};

}  // namespace trellis::async
