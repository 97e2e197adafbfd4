// Entering a guest must not need a fence, yet a ticker that is about to sleep must see every guest
// that entered before it said so. The ticker pays: after it set `parked_` it makes every core pass
// a memory barrier (membarrier), then looks at the lanes once more. Where the kernel has no
// membarrier it never sleeps longer than kFallbackNap.

#include "trellis/engine/ticker.h"

#include <linux/futex.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <x86intrin.h>

#include <algorithm>

#include <climits>

namespace trellis::engine {
namespace {

constexpr std::chrono::microseconds kFirstCalibration{200};
constexpr std::chrono::milliseconds kFallbackNap{5};

long membarrier(int command) {
  return ::syscall(SYS_membarrier, command, 0, 0);
}

// Sleeps while *word == value, at most `nap`.
void futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t value, const timespec* nap) {
  ::syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, value, nap, nullptr, 0);
}

void futex_wake(std::atomic<std::uint32_t>& word) {
  ::syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

timespec to_timespec(Duration duration) {
  const auto count = std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count();
  return {.tv_sec = count / 1'000'000'000, .tv_nsec = count % 1'000'000'000};
}

}  // namespace

Ticker::Ticker(unsigned lanes) : Ticker(lanes, Options{}) {}

Ticker::Ticker(unsigned lanes, Options options)
    : options_(options),
      lanes_(std::make_unique<Lane[]>(lanes)),
      lane_count_(lanes),
      barrier_(membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0),
      first_stamp_(__rdtsc()),
      first_time_(SteadyClock::now()) {
  for (unsigned i = 0; i < lanes; ++i) lanes_[i].ticker_ = this;
  // Long enough that a preemption between the two clocks does not matter much.
  while (SteadyClock::now() - first_time_ < kFirstCalibration) {
  }
  calibrate();
  thread_ = std::thread([this] { run(); });
}

Ticker::~Ticker() {
  stopping_.store(true);
  wake();
  thread_.join();
}

void Ticker::watch(const Engine& engine) {
  const std::lock_guard lock(mutex_);
  engines_.push_back(&engine);
}

void Ticker::unwatch(const Engine& engine) {
  const std::lock_guard lock(mutex_);
  std::erase(engines_, &engine);
}

std::uint64_t Ticker::nanoseconds(std::uint64_t cpu_ticks) const noexcept {
  return static_cast<std::uint64_t>(static_cast<double>(cpu_ticks) *
                                    nanoseconds_per_stamp_.load(std::memory_order_relaxed));
}

/// The longer the process runs, the better the ratio: done anew whenever the ticker parks.
void Ticker::calibrate() noexcept {
  const auto passed = std::chrono::duration<double, std::nano>(SteadyClock::now() - first_time_);
  const std::uint64_t stamps = __rdtsc() - first_stamp_;
  if (stamps == 0) return;
  nanoseconds_per_stamp_.store(passed.count() / static_cast<double>(stamps),
                               std::memory_order_relaxed);
}

bool Ticker::any_inside(std::uint64_t& sum_of_entries) const noexcept {
  bool inside = false;
  sum_of_entries = 0;
  for (unsigned i = 0; i < lane_count_; ++i) {
    const std::uint64_t exits = lanes_[i].exits_.load(std::memory_order_relaxed);
    const std::uint64_t entries = lanes_[i].entries_.load(std::memory_order_relaxed);
    inside = inside || entries != exits;
    sum_of_entries += entries;
  }
  return inside;
}

void Ticker::run() {
  ::pthread_setname_np(::pthread_self(), "trellis-ticker");
  // Slices matter once a guest has used one up; until then fewer wake-ups do.
  const timespec period = to_timespec(options_.period);
  const timespec lazy_period = to_timespec(options_.period * 3);
  std::uint64_t last_entries = 0;
  TimePoint last_seen = SteadyClock::now();
  while (!stopping_.load(std::memory_order_relaxed)) {
    std::uint64_t entries = 0;
    const bool inside = any_inside(entries);
    if (inside || entries != last_entries) {
      last_entries = entries;
      last_seen = SteadyClock::now();
    } else if (SteadyClock::now() - last_seen >= options_.idle_before_parking) {
      calibrate();
      park();
      last_seen = SteadyClock::now();
      continue;
    }
    const bool slicing = slices_used_.exchange(false, std::memory_order_relaxed);
    ::clock_nanosleep(CLOCK_MONOTONIC, 0, slicing ? &period : &lazy_period, nullptr);
    if (!inside) continue;
    // Counted first: a guest that sees the new epoch sees the new count, too.
    ticks_.fetch_add(1, std::memory_order_relaxed);
    const std::lock_guard lock(mutex_);
    for (const Engine* engine : engines_) engine->tick();
  }
}

void Ticker::park() {
  parked_.store(1, std::memory_order_seq_cst);
  if (barrier_) membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
  std::uint64_t entries = 0;
  const timespec nap = to_timespec(kFallbackNap);
  while (parked_.load() != 0 && !any_inside(entries) && !stopping_.load()) {
    futex_wait(parked_, 1, barrier_ ? nullptr : &nap);
  }
  parked_.store(0);
}

void Ticker::wake() noexcept {
  parked_.store(0);
  futex_wake(parked_);
}

}  // namespace trellis::engine
