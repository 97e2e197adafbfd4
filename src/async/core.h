// One core: a thread's event loop, its timers and its queue of guests that gave up their slice.
//
// A turn: poll I/O and run what is ready, then let ONE guest that had yielded run one slice, then
// I/O again. So a guest that loops for ever costs its neighbours at most one slice.
//
// All members but post() and stop() belong to the thread that calls run().
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "trellis/async/task.h"
#include "trellis/async/timer_wheel.h"
#include "trellis/base/clock.h"

namespace trellis::async {

class Core {
 public:
  explicit Core(unsigned index, const Clock& clock = system_clock());
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;
  ~Core();

  /// 0, 1, ...: the position of the core in its host.
  unsigned index() const noexcept { return index_; }

  boost::asio::io_context& io() noexcept { return io_; }

  Executor executor() noexcept { return io_.get_executor(); }

  const Clock& clock() const noexcept { return clock_; }

  /// Reads the clock.
  TimePoint now() noexcept { return recent_ = clock_.now(); }

  /// What now() last returned: for what may be late by the length of a call, such as since when an
  /// instance is idle.
  TimePoint recent_now() const noexcept { return recent_; }

  /// Runs turns until stop(). What is still queued then stays queued until the core is destroyed.
  void run();

  /// Runs ready work until nothing is ready, without waiting: for tests and for draining.
  void run_ready();

  /// From any thread; run() returns after its present turn.
  void stop() noexcept;

  /// From any thread: runs `work` on the core, in order of posting.
  void post(std::move_only_function<void()> work);

  /// Suspends the calling task until its turn as a yielded guest comes.
  Task<void> yield_slice();

  /// Arms a timer of this core.
  void arm(Timer& timer, TimePoint expiry);

  /// True when other work waits for this core, so that a guest should give up its slice.
  bool guests_waiting() const noexcept { return !yielded_.empty(); }

 private:
  void turn_timers();
  void schedule_wheel();
  bool run_one_yielded();

  unsigned index_;
  const Clock& clock_;
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<Executor> work_;
  TimerWheel wheel_;
  boost::asio::basic_waitable_timer<SteadyClock, boost::asio::wait_traits<SteadyClock>, Executor>
      wake_;
  TimePoint wake_at_ = TimePoint::max();
  TimePoint recent_;
  std::deque<std::move_only_function<void()>> yielded_;
  std::atomic<bool> stopping_{false};
};

}  // namespace trellis::async
