#include "trellis/async/cancel.h"

#include <algorithm>
#include <utility>

#include "trellis/base/assert.h"

namespace trellis::async {

void CancelScope::Waiter::leave() noexcept {
  if (scope_ == nullptr) return;
  if (previous_ != nullptr) {
    previous_->next_ = next_;
  } else {
    scope_->waiters_ = next_;
  }
  if (next_ != nullptr) next_->previous_ = previous_;
  scope_ = nullptr;
  previous_ = next_ = nullptr;
}

CancelScope::CancelScope(Core& core, TimePoint deadline) noexcept
    : core_(core), deadline_(deadline), timer_(*this), parent_link_(*this) {}

CancelScope::CancelScope(CancelScope& parent, TimePoint deadline) noexcept
    : core_(parent.core_),
      deadline_(std::min(deadline, parent.deadline_)),
      parent_(&parent),
      timer_(*this),
      parent_link_(*this) {
  parent.join(parent_link_);
}

CancelScope::~CancelScope() {
  TR_DCHECK(waiters_ == nullptr);
}

bool CancelScope::expired() noexcept {
  if (cause_ == CancelCause::None && core_.clock().now() >= deadline_) {
    cancel(CancelCause::Deadline);
  }
  return cancelled();
}

void CancelScope::cancel(CancelCause cause) noexcept {
  if (cause_ != CancelCause::None) return;
  cause_ = cause;
  timer_.disarm();
  while (waiters_ != nullptr) {
    Waiter& waiter = *waiters_;
    waiter.leave();
    waiter.on_cancel(cause);
  }
}

void CancelScope::about_to_wait() {
  if (parent_ != nullptr) parent_->about_to_wait();
  if (watch_) {
    auto watch = std::exchange(watch_, nullptr);
    watch();
  }
  if (!timer_.armed() && !cancelled() && deadline_ != TimePoint::max()) {
    core_.arm(timer_, deadline_);
  }
}

void CancelScope::join(Waiter& waiter) noexcept {
  if (cancelled()) {
    waiter.on_cancel(cause_);
    return;
  }
  waiter.scope_ = this;
  waiter.previous_ = nullptr;
  waiter.next_ = waiters_;
  if (waiters_ != nullptr) waiters_->previous_ = &waiter;
  waiters_ = &waiter;
}

Error CancelScope::error() const {
  if (cause_ == CancelCause::Cancelled) {
    return {Reason::CallCancelled, "the call was cancelled because its caller went away"};
  }
  return {Reason::EngineDeadline, "the call ran past its deadline"};
}

}  // namespace trellis::async
