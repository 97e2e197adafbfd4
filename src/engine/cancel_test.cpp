// Calls that are cut off at random: while they compute, inside a host call, and while an offloaded
// job still reads a copy of the payload. And the ticker that makes slices end.
//
// TRELLIS_CANCELS sets the number of rounds.

#include <atomic>
#include <cstdlib>
#include <numeric>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "trellis/async/offload.h"
#include "trellis/engine/instance.h"
#include "trellis/engine/test_support.h"

namespace trellis::engine {
namespace {

using test::from_text;
using test::run;

constexpr std::uint32_t kPayloadBytes = 4096;

// What outlives a cancelled call: the job's own copy and its result.
struct Job {
  Bytes payload;
  std::atomic<bool> done{false};
  std::atomic<std::uint32_t> sum{0};
};

struct Guest {
  async::OffloadPool* pool = nullptr;
  std::atomic<std::uint64_t>* finished = nullptr;
  std::uint64_t submitted = 0;
  std::shared_ptr<Job> job;
};

HostStatus begin(HostContext& context, std::span<const std::int32_t> arguments,
                 std::int32_t&) noexcept {
  auto& guest = context.data<Guest>();
  const auto offset = static_cast<std::uint32_t>(arguments[0]);
  const auto length = static_cast<std::uint32_t>(arguments[1]);
  const MutableByteView memory = context.memory();
  if (!range_fits(offset, length, memory.size())) return HostStatus::Trap;
  guest.job = std::make_shared<Job>();
  guest.job->payload = to_bytes(memory.subspan(offset, length));
  const bool taken = guest.pool->submit([job = guest.job, finished = guest.finished] {
    const auto add = [](std::uint32_t sum, std::byte byte) {
      return sum + std::to_integer<std::uint32_t>(byte);
    };
    job->sum = std::accumulate(job->payload.begin(), job->payload.end(), 0u, add);
    job->done = true;
    finished->fetch_add(1);
  });
  if (!taken) return HostStatus::Trap;
  ++guest.submitted;
  return HostStatus::Pending;
}

HostStatus resume(HostContext& context, std::int32_t& result) noexcept {
  auto& guest = context.data<Guest>();
  if (!guest.job->done) return HostStatus::Pending;
  result = static_cast<std::int32_t>(guest.job->sum);
  return HostStatus::Ready;
}

// compute: never ends. wait: one host call. mix: both, and writes all over its memory.
constexpr std::string_view kGuest = R"((module
  (import "host" "job" (func $job (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2 8)
  (func (export "compute") (loop $l br $l))
  (func (export "wait") (result i32)
    (memory.fill (i32.const 100) (i32.const 3) (i32.const 4096))
    (call $job (i32.const 100) (i32.const 4096) (i32.const 0) (i32.const 0)))
  (func (export "mix") (local $i i32)
    (drop (memory.grow (i32.const 2)))
    (loop $l
      (i32.store8 (i32.and (i32.mul (local.get $i) (i32.const 4099)) (i32.const 0x1ffff))
                  (local.get $i))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $l (i32.and (local.get $i) (i32.const 0x3fff)))
      (drop (call $job (i32.const 0) (i32.const 4096) (i32.const 0) (i32.const 0)))
      (br $l))))
)";

std::uint64_t rounds() {
  const char* text = std::getenv("TRELLIS_CANCELS");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : 1'000;
}

struct Tally {
  std::atomic<std::uint64_t> submitted{0};
  std::atomic<std::uint64_t> cut_computing{0};
  std::atomic<std::uint64_t> cut_waiting{0};
  std::atomic<std::uint64_t> completed{0};
};

// One round on one thread; false when something went wrong.
bool cancel_one(const std::shared_ptr<const Prelinked>& prelinked, Ticker::Lane& lane, Guest& guest,
                std::mt19937& random, Tally& tally) {
  Instance instance(prelinked, lane, &guest);
  {
    Call call = instance.instantiate({});
    if (run(call) != CallState::Done) return false;
  }
  if (instance.memory()[100] != std::byte{}) return false;
  const unsigned kind = random() % 3;
  const auto function = kind == 0   ? instance.find("compute", Signature::ToNothing)
                        : kind == 1 ? instance.find("wait", Signature::ToI32)
                                    : instance.find("mix", Signature::ToNothing);
  Call call(instance, *function, {});
  CallState state = CallState::Yielded;
  for (unsigned polls = random() % 4; polls > 0; --polls) {
    state = call.poll();
    if (state == CallState::Failed) return false;
    if (state == CallState::Done) {
      ++tally.completed;
      return call.result() == 3 * static_cast<std::int32_t>(kPayloadBytes);
    }
  }
  ++(state == CallState::Waiting ? tally.cut_waiting : tally.cut_computing);
  return true;
}

TEST(Cancel, AtRandomLeavesNothingBehind) {
  const auto engine = std::move(Engine::create({.instances = 4})).value();
  Ticker ticker(2, {.period = std::chrono::microseconds(20)});
  ticker.watch(*engine);
  Linker linker(*engine);
  ASSERT_TRUE(linker.define_async("host", "job", 4, {.begin = begin, .resume = resume}));
  const auto module = std::move(Module::compile(*engine, from_text(kGuest))).value();
  const auto prelinked = std::move(Prelinked::create(linker, module)).value();
  std::atomic<std::uint64_t> finished{0};
  Tally tally;
  std::atomic<bool> good{true};
  {
    async::OffloadPool pool(1, 1u << 20);
    const auto work = [&](unsigned lane) {
      prepare_thread();
      std::mt19937 random(lane);
      Guest guest{.pool = &pool, .finished = &finished, .submitted = 0, .job = nullptr};
      for (std::uint64_t i = rounds() / 2; i > 0 && good; --i) {
        if (!cancel_one(prelinked, ticker.lane(lane), guest, random, tally)) good = false;
      }
      tally.submitted += guest.submitted;
    };
    std::jthread first(work, 0);
    std::jthread second(work, 1);
  }
  EXPECT_TRUE(good);
  EXPECT_EQ(finished, tally.submitted) << "every job ended, also those of cancelled calls";
  EXPECT_GT(tally.cut_computing, rounds() / 10);
  EXPECT_GT(tally.cut_waiting, rounds() / 10);
  RecordProperty("completed", std::to_string(tally.completed.load()));
}

template <class Condition>
bool eventually(Condition condition) {
  const TimePoint end = SteadyClock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (SteadyClock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

TEST(Ticker, ParksWhenIdleAndWakesForAGuest) {
  const auto engine = std::move(Engine::create({})).value();
  Ticker ticker(1, {.period = std::chrono::microseconds(200),
                    .idle_before_parking = std::chrono::milliseconds(1)});
  ticker.watch(*engine);
  Linker linker(*engine);
  const auto module =
      Module::compile(*engine, from_text(R"((module (func (export "f") (loop $l br $l))))"));
  ASSERT_TRUE(module);
  const auto prelinked = std::move(Prelinked::create(linker, *module)).value();
  Instance instance(prelinked, ticker.lane(0), nullptr);
  {
    Call call = instance.instantiate({});
    ASSERT_EQ(run(call), CallState::Done);
  }
  Call call(instance, *instance.find("f", Signature::ToNothing), {});
  for (int round = 0; round < 20; ++round) {
    ASSERT_TRUE(eventually([&] { return ticker.parked(); }));
    const std::uint64_t before = ticker.ticks();
    ASSERT_EQ(call.poll(), CallState::Yielded) << "nobody woke the ticker";
    EXPECT_GT(ticker.ticks(), before);
  }
}

TEST(Ticker, CountsNothingWhileNoGuestRuns) {
  const auto engine = std::move(Engine::create({})).value();
  Ticker ticker(1, {.period = std::chrono::microseconds(50),
                    .idle_before_parking = std::chrono::milliseconds(1)});
  ticker.watch(*engine);
  ASSERT_TRUE(eventually([&] { return ticker.parked(); }));
  EXPECT_EQ(ticker.ticks(), 0u);
}

// Many short stays race with parking: an entry that the ticker missed would loop for ever.
TEST(Ticker, NeverMissesAnEntry) {
  Ticker ticker(1,
                {.period = std::chrono::microseconds(1), .idle_before_parking = Duration::zero()});
  for (int round = 0; round < 300; ++round) {
    Ticker::Lane& lane = ticker.lane(0);
    const std::uint64_t before = ticker.ticks();
    lane.enter();
    ASSERT_TRUE(eventually([&] { return ticker.ticks() != before; })) << round;
    lane.leave();
  }
}

TEST(Ticker, KnowsTheTimeOfCpuTicks) {
  Ticker ticker(1);
  const TimePoint start = SteadyClock::now();
  while (SteadyClock::now() - start < std::chrono::milliseconds(2)) {
  }
  EXPECT_EQ(ticker.nanoseconds(0), 0u);
  const std::uint64_t large = ticker.nanoseconds(1'000'000'000);
  EXPECT_GT(large, 100'000'000u) << "a counter of 10 GHz";
  EXPECT_LT(large, 100'000'000'000u) << "a counter of 10 MHz";
}

}  // namespace
}  // namespace trellis::engine
