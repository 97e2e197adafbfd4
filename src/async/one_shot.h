// A value that one task waits for and that somebody else sets, once, on the same core.
#pragma once

#include <functional>
#include <optional>
#include <utility>

#include <boost/asio/async_result.hpp>

#include "trellis/async/cancel.h"
#include "trellis/async/core.h"
#include "trellis/async/task.h"
#include "trellis/base/error.h"

namespace trellis::async {

/// set() and wait() run on the same core. The waiter is resumed by a post, never inside set().
/// Destroying a OneShot that is waited for is not allowed; destroying the waiting task is.
template <class T>
class OneShot {
 public:
  explicit OneShot(Core& core) noexcept : core_(core) {}

  OneShot(const OneShot&) = delete;
  OneShot& operator=(const OneShot&) = delete;

  bool is_set() const noexcept { return value_.has_value(); }

  /// The first value stays; later ones are dropped.
  void set(T value) {
    if (value_.has_value()) return;
    value_.emplace(std::move(value));
    wake();
  }

  /// Suspends until set().
  Task<T> wait() {
    if (!value_.has_value()) co_await suspend();
    co_return std::move(*value_);
  }

  /// The same, or the scope's error when it is cancelled first (a value set later is dropped).
  Task<Result<T>> wait(CancelScope& scope) {
    if (!value_.has_value()) {
      scope.about_to_wait();
      CancelWaiter waiter(*this);
      scope.join(waiter);
      if (!scope.cancelled()) co_await suspend();
    }
    if (value_.has_value()) co_return std::move(*value_);
    co_return std::unexpected(scope.error());
  }

 private:
  class CancelWaiter final : public CancelScope::Waiter {
   public:
    explicit CancelWaiter(OneShot& owner) noexcept : owner_(owner) {}

    void on_cancel(CancelCause) noexcept override { owner_.wake(); }

   private:
    OneShot& owner_;
  };

  Task<void> suspend() {
    auto initiate = [this](auto handler) { resume_ = std::move(handler); };
    co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<Executor>, void()>(
        initiate, kAwait);
  }

  void wake() {
    if (resume_) core_.post(std::exchange(resume_, nullptr));
  }

  Core& core_;
  std::optional<T> value_;
  std::move_only_function<void()> resume_;
};

}  // namespace trellis::async
