#include "trellis/actor/instances.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "trellis/base/assert.h"
#include "trellis/base/log.h"

namespace trellis::actor {
namespace {

/// What an instance may have grown by and still be kept after the idle time.
constexpr std::uint64_t kKeptGrowthBytes = std::uint64_t{1} << 20;
constexpr std::chrono::milliseconds kFirstBackOff{100};
constexpr std::uint32_t kMaxBackOffDoublings = 7;  // 12.8 s

/// The core of an instance is in the upper bits of its id, so that ids are unique in the host.
constexpr unsigned kCoreShift = 48;

}  // namespace

Lease::Lease(Instances& owner, std::unique_ptr<Slot> slot) noexcept
    : owner_(&owner), slot_(std::move(slot)) {}

Lease::Lease(Lease&& other) noexcept
    : owner_(std::exchange(other.owner_, nullptr)), slot_(std::move(other.slot_)) {}

Lease& Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    if (slot_ != nullptr) owner_->give_back(std::move(slot_));
    owner_ = std::exchange(other.owner_, nullptr);
    slot_ = std::move(other.slot_);
  }
  return *this;
}

Lease::~Lease() {
  if (slot_ != nullptr) owner_->give_back(std::move(slot_));
}

Instances::Instances(async::Core& core, const ActorVersion& version, Start start)
    : core_(core), version_(version), start_(std::move(start)), sweep_timer_([this] { sweep(); }) {}

Instances::~Instances() {
  close();
  TR_DCHECK(live_ == 0);
}

Lease Instances::try_acquire() noexcept {
  if (idle_.empty() || !waiting_.empty()) return {};
  std::unique_ptr<Slot> slot = std::move(idle_.back());
  idle_.pop_back();
  return {*this, std::move(slot)};
}

async::Task<Result<Lease>> Instances::acquire(async::CancelScope& caller) {
  if (closed_) co_return fail(Reason::ActorStopped, "actor " + version_.name + " was stopped");
  if (Lease lease = try_acquire()) co_return lease;
  const std::size_t bound =
      version_.mode == InstanceMode::Pinned ? 1 : version_.limits.max_instances;
  if (live_ + promised_ < bound) {
    auto started = co_await start_one(caller);
    co_return started;
  }
  auto waited = co_await wait_for_one(caller);
  co_return waited;
}

async::Task<Result<Lease>> Instances::start_one(async::CancelScope& caller) {
  const TimePoint now = core_.clock().now();
  if (failed_starts_ > 0 && now < retry_at_) {
    co_return fail(Reason::ActorRestarting,
                   "actor " + version_.name + " failed in its start functions " +
                       std::to_string(failed_starts_) + " times and is tried again shortly");
  }
  auto made = version_.program->create(core_);
  if (!made) co_return std::unexpected(std::move(made).error());
  auto slot = std::make_unique<Slot>();
  slot->guest = *std::move(made);
  slot->id = (std::uint64_t{core_.index()} + 1) << kCoreShift | next_id_++;
  ++live_;
  Slot& fresh = *slot;
  Lease lease(*this, std::move(slot));
  async::CancelScope scope(caller, now + version_.limits.start);
  auto started = co_await start_(lease.guest(), scope);
  if (!started) {
    // Not the start functions' fault: the caller or the actor ends, or the host is full.
    const bool cut_off = scope.cause() == async::CancelCause::Cancelled;
    const bool full = started.error().reason() == Reason::EngineLimitInstances;
    if (!caller.cancelled() && !cut_off && !full) note_start(true);
    co_return std::unexpected(std::move(started).error());
  }
  note_start(false);
  fresh.start_bytes = fresh.guest->memory_bytes();
  co_return lease;
}

void Instances::note_start(bool failed) noexcept {
  if (!failed) {
    failed_starts_ = 0;
    return;
  }
  const std::uint32_t doublings = std::min(failed_starts_, kMaxBackOffDoublings);
  retry_at_ = core_.clock().now() + kFirstBackOff * (std::uint32_t{1} << doublings);
  ++failed_starts_;
}

async::Task<Result<Lease>> Instances::wait_for_one(async::CancelScope& caller) {
  if (waiting_.size() >= version_.limits.max_waiting) {
    co_return fail(Reason::ActorBusy, "all instances of actor " + version_.name + " are busy and " +
                                          std::to_string(waiting_.size()) +
                                          " calls wait already, try again");
  }
  async::CancelScope scope(caller, core_.clock().now() + version_.limits.call);
  Waiting waiting(core_);
  waiting_.push_back(&waiting);
  auto handed = co_await waiting.wait(scope);
  std::erase(waiting_, &waiting);
  if (!handed) co_return std::unexpected(std::move(handed).error());
  if (*handed != nullptr) co_return Lease(*this, *std::move(handed));
  --promised_;
  if (closed_) co_return fail(Reason::ActorStopped, "actor " + version_.name + " was stopped");
  auto started = co_await start_one(caller);
  if (!started) pass_room_on();
  co_return started;
}

/// A start that failed before it took a slot leaves its room to the next who waits.
void Instances::pass_room_on() noexcept {
  const std::size_t bound =
      version_.mode == InstanceMode::Pinned ? 1 : version_.limits.max_instances;
  std::unique_ptr<Slot> room;
  if (live_ + promised_ < bound) hand_over(room);
}

bool Instances::worth_keeping(const Slot& slot) const noexcept {
  return !closed_ && version_.mode != InstanceMode::Fresh && slot.guest->usable() &&
         (version_.mode == InstanceMode::Pinned ||
          slot.guest->memory_bytes() <= version_.limits.warm_max_bytes);
}

/// Gives `slot` (or, if it is null, the room for a new one) to the first who still waits.
bool Instances::hand_over(std::unique_ptr<Slot>& slot) noexcept {
  while (!waiting_.empty()) {
    Waiting* const first = waiting_.front();
    waiting_.pop_front();
    if (slot == nullptr) ++promised_;
    first->set(std::move(slot));
    return true;
  }
  return false;
}

void Instances::give_back(std::unique_ptr<Slot> slot) noexcept {
  if (!worth_keeping(*slot)) {
    drop(std::move(slot));
    std::unique_ptr<Slot> room;
    hand_over(room);
    return;
  }
  if (hand_over(slot)) return;
  slot->idle_since = core_.recent_now();
  idle_.push_back(std::move(slot));
  arm_sweep();
}

void Instances::drop(std::unique_ptr<Slot> slot) noexcept {
  slot.reset();
  --live_;
}

/// The last instance of a core stays longer when it has not grown: the next call finds it warm.
Duration Instances::allowed_idle(const Slot& slot) const noexcept {
  if (version_.mode == InstanceMode::Pinned) return Duration::max();
  const bool grown = slot.guest->memory_bytes() > slot.start_bytes + kKeptGrowthBytes;
  return idle_.size() == 1 && !grown ? version_.limits.keep : version_.limits.idle;
}

/// The oldest is in front: slots are taken from and given back to the end.
void Instances::arm_sweep() noexcept {
  if (idle_.empty()) return;
  const Duration allowed = allowed_idle(*idle_.front());
  if (allowed == Duration::max()) return;
  const TimePoint due = idle_.front()->idle_since + allowed;
  if (sweep_timer_.armed() && sweep_at_ <= due) return;
  sweep_at_ = due;
  core_.arm(sweep_timer_, due);
}

void Instances::sweep() noexcept {
  const TimePoint now = core_.clock().now();
  for (std::size_t i = 0; i < idle_.size();) {
    if (now - idle_[i]->idle_since < allowed_idle(*idle_[i])) {
      ++i;
      continue;
    }
    std::unique_ptr<Slot> old = std::move(idle_[i]);
    idle_.erase(idle_.begin() + static_cast<std::ptrdiff_t>(i));
    drop(std::move(old));
  }
  arm_sweep();
}

void Instances::close() noexcept {
  closed_ = true;
  sweep_timer_.disarm();
  while (!idle_.empty()) {
    std::unique_ptr<Slot> slot = std::move(idle_.back());
    idle_.pop_back();
    drop(std::move(slot));
  }
  std::unique_ptr<Slot> nothing;
  while (hand_over(nothing)) {
  }
}

}  // namespace trellis::actor
