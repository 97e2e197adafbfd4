#include "trellis/async/timer_wheel.h"

#include <algorithm>
#include <bit>

#include "trellis/base/assert.h"

namespace trellis::async {

Timer::~Timer() {
  disarm();
}

void Timer::disarm() noexcept {
  if (wheel_ != nullptr) wheel_->unlink(*this);
}

TimerWheel::~TimerWheel() {
  for (Timer*& head : slots_) {
    while (head != nullptr) unlink(*head);
  }
}

std::uint64_t TimerWheel::tick_of(TimePoint at) const noexcept {
  if (at <= start_) return 0;
  const auto ticks = (at - start_ + kTick - Duration(1)) / kTick;  // rounded up: never early
  return static_cast<std::uint64_t>(ticks);
}

void TimerWheel::arm(Timer& timer, TimePoint expiry) noexcept {
  timer.disarm();
  // A deadline in the past fires at the next advance.
  timer.tick_ = std::max(tick_of(std::min(expiry, start_ + std::chrono::years(100))), current_ + 1);
  const std::size_t slot = timer.tick_ % kSlots;
  timer.wheel_ = this;
  timer.previous_ = nullptr;
  timer.next_ = slots_[slot];
  if (timer.next_ != nullptr) timer.next_->previous_ = &timer;
  slots_[slot] = &timer;
  occupied_[slot / 64] |= std::uint64_t{1} << (slot % 64);
  ++count_;
}

void TimerWheel::unlink(Timer& timer) noexcept {
  TR_DCHECK(timer.wheel_ == this);
  const std::size_t slot = timer.tick_ % kSlots;
  if (timer.previous_ != nullptr) {
    timer.previous_->next_ = timer.next_;
  } else {
    slots_[slot] = timer.next_;
    if (slots_[slot] == nullptr) occupied_[slot / 64] &= ~(std::uint64_t{1} << (slot % 64));
  }
  if (timer.next_ != nullptr) timer.next_->previous_ = timer.previous_;
  timer.wheel_ = nullptr;
  timer.previous_ = timer.next_ = nullptr;
  --count_;
}

void TimerWheel::advance(TimePoint now) noexcept {
  if (now < start_) return;
  const auto target = static_cast<std::uint64_t>((now - start_) / kTick);
  if (target <= current_) return;
  const std::uint64_t steps = std::min<std::uint64_t>(target - current_, kSlots);
  const std::uint64_t first = current_ + 1;
  current_ = target;  // what a callback arms from here on lies in the future
  for (std::uint64_t step = 0; step < steps; ++step) {
    const std::size_t slot = (first + step) % kSlots;
    // A callback may arm or disarm any timer: look at the list anew after each one.
    Timer* timer = slots_[slot];
    while (timer != nullptr) {
      if (timer->tick_ > target) {
        timer = timer->next_;
        continue;
      }
      unlink(*timer);
      timer->on_timer();
      timer = slots_[slot];
    }
  }
}

TimePoint TimerWheel::next_expiry() const noexcept {
  if (count_ == 0) return TimePoint::max();
  for (std::size_t step = 1; step <= kSlots; ++step) {
    const std::uint64_t tick = current_ + step;
    const std::size_t slot = tick % kSlots;
    const std::uint64_t word = occupied_[slot / 64] >> (slot % 64);
    if (word == 0) {
      step += 63 - slot % 64;  // the rest of this word is empty
      continue;
    }
    const auto skip = static_cast<std::size_t>(std::countr_zero(word));
    return start_ + kTick * static_cast<std::int64_t>(tick + skip);
  }
  return start_ + kTick * static_cast<std::int64_t>(current_ + kSlots);
}

}  // namespace trellis::async
