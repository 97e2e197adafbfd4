// Slices: a thread that moves the epoch on every 500 us while a guest runs, so that a guest that
// computes gives its core back, and that sleeps while none runs.
//
// Every core has a lane, a cache line of its own, in which it says that it is inside a guest.
// Entering costs one store and one load as long as the ticker is awake; waking it is a futex call.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "trellis/base/clock.h"
#include "trellis/engine/engine.h"

namespace trellis::engine {

class Ticker {
 public:
  /// One core's place. Used by that core's thread only.
  class alignas(64) Lane {
   public:
    void enter() noexcept {
      entries_.store(entries_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      std::atomic_signal_fence(std::memory_order_seq_cst);
      if (ticker_->parked_.load(std::memory_order_relaxed) != 0) [[unlikely]]
        ticker_->wake();
    }

    void leave() noexcept {
      exits_.store(exits_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }

    Ticker& ticker() const noexcept { return *ticker_; }

   private:
    friend class Ticker;

    std::atomic<std::uint64_t> entries_{0};
    std::atomic<std::uint64_t> exits_{0};
    Ticker* ticker_ = nullptr;
  };

  struct Options {
    /// While guests use their slices up; three times as long while none does.
    Duration period = std::chrono::microseconds(500);
    Duration idle_before_parking = std::chrono::milliseconds(50);
  };

  /// `lanes`: one for each thread that runs guests.
  explicit Ticker(unsigned lanes);
  Ticker(unsigned lanes, Options options);
  Ticker(const Ticker&) = delete;
  Ticker& operator=(const Ticker&) = delete;
  /// Stops the thread. To be destroyed before main returns, and after all instances.
  ~Ticker();

  Lane& lane(unsigned index) noexcept { return lanes_[index]; }

  /// From any thread. The engine must outlive the ticker or be unwatched first.
  void watch(const Engine& engine);
  void unwatch(const Engine& engine);

  /// Since the start, for tests and metrics.
  std::uint64_t ticks() const noexcept { return ticks_.load(std::memory_order_relaxed); }

  bool parked() const noexcept { return parked_.load(std::memory_order_relaxed) != 0; }

  /// A guest was still inside when its slice was over. Any core.
  void note_slice_used() noexcept { slices_used_.store(true, std::memory_order_relaxed); }

  /// What that many ticks of the CPU's time stamp counter last.
  std::uint64_t nanoseconds(std::uint64_t cpu_ticks) const noexcept;

 private:
  void run();
  void park();
  void wake() noexcept;
  void calibrate() noexcept;
  bool any_inside(std::uint64_t& sum_of_entries) const noexcept;

  Options options_;
  std::unique_ptr<Lane[]> lanes_;
  unsigned lane_count_;
  bool barrier_;  // membarrier is there: entering needs no fence of its own
  std::atomic<std::uint32_t> parked_{0};
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint64_t> ticks_{0};
  std::atomic<bool> slices_used_{false};
  std::atomic<double> nanoseconds_per_stamp_{0};
  std::uint64_t first_stamp_;
  TimePoint first_time_;
  std::mutex mutex_;
  std::vector<const Engine*> engines_;
  std::thread thread_;
};

}  // namespace trellis::engine
