// The live instances of one actor on one core: who is idle, who waits, who is dropped when.
//
// A lease is the only thing that holds an instance across a suspension. Acquiring an idle instance
// is a pop from a vector; the slow path (start one, or wait for one) is a coroutine. One core only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "trellis/abi/common/guest.h"
#include "trellis/actor/version.h"
#include "trellis/async/cancel.h"
#include "trellis/async/core.h"
#include "trellis/async/one_shot.h"
#include "trellis/async/timer_wheel.h"
#include "trellis/base/error.h"

namespace trellis::actor {

struct Slot {
  std::unique_ptr<abi::Guest> guest;
  std::uint64_t id = 0;
  std::uint64_t start_bytes = 0;  // memory after the start functions
  TimePoint idle_since;
};

class Instances;

/// Exclusive use of one instance. Movable; gives it back when destroyed.
class Lease {
 public:
  Lease() noexcept = default;
  Lease(Instances& owner, std::unique_ptr<Slot> slot) noexcept;
  Lease(Lease&& other) noexcept;
  Lease& operator=(Lease&& other) noexcept;
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease();

  explicit operator bool() const noexcept { return slot_ != nullptr; }

  abi::Guest& guest() const noexcept { return *slot_->guest; }

  std::uint64_t instance() const noexcept { return slot_->id; }

 private:
  Instances* owner_ = nullptr;
  std::unique_ptr<Slot> slot_;
};

class Instances {
 public:
  /// Runs the start functions of a new guest under `scope`.
  using Start = std::function<async::Task<Result<void>>(abi::Guest&, async::CancelScope& scope)>;

  /// `version` outlives this object, as does what `start` refers to.
  Instances(async::Core& core, const ActorVersion& version, Start start);
  Instances(const Instances&) = delete;
  Instances& operator=(const Instances&) = delete;
  ~Instances();

  /// An idle instance, if there is one: an empty lease otherwise.
  Lease try_acquire() noexcept;

  /// Starts a new instance, or waits for one when the bound is reached. actor.busy when too many
  /// wait, actor.restarting while starts are held back after failures, the scope's error, or what
  /// the start functions failed with. `caller` bounds the start, together with limits.start.
  async::Task<Result<Lease>> acquire(async::CancelScope& caller);

  /// Drops the idle instances and keeps none from now on.
  void close() noexcept;

  std::size_t live() const noexcept { return live_; }

  std::size_t idle() const noexcept { return idle_.size(); }

 private:
  friend class Lease;

  async::Task<Result<Lease>> start_one(async::CancelScope& caller);
  async::Task<Result<Lease>> wait_for_one(async::CancelScope& caller);
  void give_back(std::unique_ptr<Slot> slot) noexcept;
  bool worth_keeping(const Slot& slot) const noexcept;
  void pass_room_on() noexcept;
  bool hand_over(std::unique_ptr<Slot>& slot) noexcept;
  void drop(std::unique_ptr<Slot> slot) noexcept;
  Duration allowed_idle(const Slot& slot) const noexcept;
  void sweep() noexcept;
  void arm_sweep() noexcept;
  void note_start(bool failed) noexcept;

  /// nullptr: nobody is there to hand over, start one yourself.
  using Waiting = async::OneShot<std::unique_ptr<Slot>>;

  async::Core& core_;
  const ActorVersion& version_;
  Start start_;
  std::vector<std::unique_ptr<Slot>> idle_;
  std::deque<Waiting*> waiting_;
  std::size_t live_ = 0;
  std::size_t promised_ = 0;  // starts that were handed to somebody who waits
  std::uint64_t next_id_ = 1;
  bool closed_ = false;
  std::uint32_t failed_starts_ = 0;
  TimePoint retry_at_;
  TimePoint sweep_at_;
  async::CallbackTimer sweep_timer_;
};

}  // namespace trellis::actor
