#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>

#include "trellis/async/cancel.h"
#include "trellis/async/core.h"
#include "trellis/async/cores.h"
#include "trellis/async/gate.h"
#include "trellis/async/offload.h"
#include "trellis/async/one_shot.h"
#include "trellis/async/timer_wheel.h"

namespace trellis::async {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class FakeClock final : public Clock {
 public:
  TimePoint now() const noexcept override { return now_; }

  std::int64_t wall_nanoseconds() const noexcept override { return 0; }

  void move(Duration by) { now_ += by; }

 private:
  TimePoint now_{seconds(1000)};
};

TEST(TimerWheel, FiresInOrderAndNeverEarly) {
  const TimePoint start{seconds(5)};
  TimerWheel wheel(start);
  std::vector<int> fired;
  CallbackTimer near([&] { fired.push_back(1); });
  CallbackTimer far([&] { fired.push_back(2); });
  CallbackTimer never([&] { fired.push_back(3); });
  wheel.arm(near, start + milliseconds(10));
  wheel.arm(far, start + seconds(60));  // many rounds of the wheel
  wheel.arm(never, start + milliseconds(20));
  never.disarm();
  wheel.advance(start + milliseconds(9));
  EXPECT_TRUE(fired.empty());
  wheel.advance(start + milliseconds(10));
  EXPECT_EQ(fired, std::vector<int>({1}));
  for (int ms = 20; ms < 60'000; ms += 7) wheel.advance(start + milliseconds(ms));
  EXPECT_EQ(fired, std::vector<int>({1}));
  wheel.advance(start + seconds(60) + TimerWheel::kTick);
  EXPECT_EQ(fired, std::vector<int>({1, 2}));
  EXPECT_TRUE(wheel.empty());
}

TEST(TimerWheel, NextExpiryIsNeverLate) {
  const TimePoint start{seconds(5)};
  TimerWheel wheel(start);
  EXPECT_EQ(wheel.next_expiry(), TimePoint::max());
  CallbackTimer timer([] {});
  for (int ms = 1; ms < 10'000; ms += 13) {
    wheel.arm(timer, start + milliseconds(ms));
    EXPECT_LE(wheel.next_expiry(), start + milliseconds(ms) + TimerWheel::kTick);
  }
}

TEST(TimerWheel, CallbackMayArmAndDisarmOthers) {
  const TimePoint start{seconds(5)};
  TimerWheel wheel(start);
  int count = 0;
  CallbackTimer other([&] { count += 100; });
  std::unique_ptr<CallbackTimer> self;
  self = std::make_unique<CallbackTimer>([&] {
    other.disarm();
    if (++count < 3) wheel.arm(*self, start);
  });
  wheel.arm(other, start + milliseconds(2));
  wheel.arm(*self, start + milliseconds(2));  // the last one armed for a tick fires first
  for (int ms = 2; ms < 20; ms += 2) wheel.advance(start + milliseconds(ms));
  EXPECT_EQ(count, 3);
}

Task<void> count_slices(Core& core, int slices, std::string& trace, char mark) {
  for (int i = 0; i < slices; ++i) {
    trace += mark;
    co_await core.yield_slice();
  }
}

TEST(Core, YieldedGuestsTakeTurnsAndReadyWorkGoesFirst) {
  Core core(0);
  std::string trace;
  Gate gate(core);
  gate.spawn(count_slices(core, 3, trace, 'a'));
  gate.spawn(count_slices(core, 3, trace, 'b'));
  core.post([&] { core.post([&] { trace += '!'; }); });
  core.run_ready();
  EXPECT_EQ(trace, "ab!abab");
  EXPECT_EQ(gate.inside(), 0U);
}

Task<void> wait_for(OneShot<int>& shot, CancelScope& scope, std::string& outcome) {
  auto value = co_await shot.wait(scope);
  outcome = value ? std::to_string(*value) : std::string(value.error().reason_text());
}

TEST(OneShot, ValueOrCancelWhicheverIsFirst) {
  Core core(0);
  Gate gate(core);
  std::string outcome;
  {
    OneShot<int> shot(core);
    CancelScope scope(core, TimePoint::max());
    gate.spawn(wait_for(shot, scope, outcome));
    core.run_ready();
    EXPECT_EQ(outcome, "");
    shot.set(7);
    shot.set(8);
    core.run_ready();
    EXPECT_EQ(outcome, "7");
  }
  {
    OneShot<int> shot(core);
    CancelScope parent(core, TimePoint::max());
    CancelScope scope(parent, TimePoint::max());
    gate.spawn(wait_for(shot, scope, outcome));
    core.run_ready();
    parent.cancel(CancelCause::Cancelled);
    core.run_ready();
    EXPECT_EQ(outcome, "call.cancelled");
  }
}

TEST(CancelScope, DeadlineArmsOnlyWhenTheCallWaits) {
  FakeClock clock;
  Core core(0, clock);
  CancelScope scope(core, clock.now() + milliseconds(5));
  int watched = 0;
  scope.set_watch([&] { ++watched; });
  CancelScope child(scope, TimePoint::max());
  EXPECT_EQ(child.deadline(), scope.deadline());
  clock.move(milliseconds(6));
  EXPECT_FALSE(scope.cancelled());
  child.about_to_wait();
  child.about_to_wait();
  EXPECT_EQ(watched, 1);
  EXPECT_TRUE(child.expired());
  EXPECT_EQ(child.error().reason(), Reason::EngineDeadline);
}

TEST(OffloadPool, ResultComesBackAndCancelDoesNotWait) {
  // Before the pool, whose last job may still look at it while the pool is taken down.
  std::atomic<int> done{0};
  std::atomic<bool> release{false};
  Cores cores(1);
  OffloadPool pool(1, 2);
  cores.start();

  struct Body {
    static Task<void> run(OffloadPool& pool, Core& core, std::atomic<int>& done,
                          std::atomic<bool>& release) {
      CancelScope first(core, TimePoint::max());
      auto value = co_await pool.run<int>(first, [] { return Result<int>(41); });
      EXPECT_EQ(value.value(), 41);
      CancelScope second(core, core.clock().now() + milliseconds(10));
      std::move_only_function<Result<int>()> job = [&release] {
        while (!release.load()) std::this_thread::yield();
        return Result<int>(1);
      };
      auto late = co_await pool.run<int>(second, std::move(job));
      EXPECT_EQ(late.error().reason(), Reason::EngineDeadline);
      EXPECT_EQ(late.error().effect(), Effect::Unknown);
      release = true;
      done = 1;
    }
  };

  cores[0].post([&] {
    boost::asio::co_spawn(cores[0].executor(), Body::run(pool, cores[0], done, release),
                          boost::asio::detached);
  });
  while (done.load() == 0) std::this_thread::yield();
  cores.stop();
}

Task<int> index_of(Core& core) {
  co_await core.yield_slice();
  co_return static_cast<int>(core.index());
}

TEST(Cores, RunOnCrossesAndComesBack) {
  Cores cores;
  cores.start();
  std::atomic<int> answer{-1};
  Core& home = cores[0];
  Core& target = cores[cores.size() - 1];

  struct Body {
    static Task<void> run(Core& home, Core& target, std::atomic<int>& answer) {
      std::move_only_function<Task<int>()> work = [&target] { return index_of(target); };
      const int value = co_await run_on<int>(home, target, std::move(work));
      answer = value;
    }
  };

  home.post([&] {
    boost::asio::co_spawn(home.executor(), Body::run(home, target, answer), boost::asio::detached);
  });
  while (answer.load() < 0) std::this_thread::yield();
  EXPECT_EQ(answer.load(), static_cast<int>(target.index()));
  cores.stop();
}

}  // namespace
}  // namespace trellis::async
