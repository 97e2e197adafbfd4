#include "trellis/async/core.h"

#include <memory>
#include <utility>

#include <boost/asio/async_result.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

namespace trellis::async {
namespace {

/// Handlers that run in a row before a yielded guest gets its slice even if more I/O is ready.
constexpr int kMaxHandlersPerTurn = 256;

}  // namespace

Core::Core(unsigned index, const Clock& clock)
    : index_(index),
      clock_(clock),
      io_(1),
      work_(io_.get_executor()),
      wheel_(clock.now()),
      wake_(io_.get_executor()),
      recent_(clock.now()) {}

Core::~Core() = default;

void Core::run() {
  while (!stopping_.load(std::memory_order_relaxed)) {
    int handled = 0;
    while (handled < kMaxHandlersPerTurn && io_.poll_one() > 0) ++handled;
    if (run_one_yielded() || handled > 0) continue;
    io_.run_one();
  }
}

void Core::run_ready() {
  if (clock_.now() >= wake_at_) turn_timers();
  while (io_.poll_one() > 0 || run_one_yielded()) {
  }
}

void Core::stop() noexcept {
  stopping_.store(true, std::memory_order_relaxed);
  boost::asio::post(io_, [] {});  // wakes run_one()
}

void Core::post(std::move_only_function<void()> work) {
  boost::asio::post(io_, std::move(work));
}

bool Core::run_one_yielded() {
  if (yielded_.empty()) return false;
  auto resume = std::move(yielded_.front());
  yielded_.pop_front();
  resume();
  return true;
}

Task<void> Core::yield_slice() {
  auto initiate = [this](auto handler) { yielded_.emplace_back(std::move(handler)); };
  co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<Executor>, void()>(
      initiate, kAwait);
}

void Core::arm(Timer& timer, TimePoint expiry) {
  wheel_.arm(timer, expiry);
  if (expiry < wake_at_) schedule_wheel();
}

void Core::schedule_wheel() {
  const TimePoint next = wheel_.next_expiry();
  if (next == TimePoint::max()) {
    wake_at_ = next;
    return;
  }
  wake_at_ = next;
  wake_.expires_after(next - clock_.now());  // the clock may be a test's
  wake_.async_wait([this](const boost::system::error_code& error) {
    if (error != boost::asio::error::operation_aborted) turn_timers();
  });
}

void Core::turn_timers() {
  wheel_.advance(clock_.now());
  schedule_wheel();
}

}  // namespace trellis::async
