// A gate counts the tasks that use something and tells when the last one has left: the way to stop
// a connection, an actor, a host without leaving anything behind. One core only.
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>

#include "trellis/async/core.h"
#include "trellis/async/task.h"
#include "trellis/base/assert.h"

namespace trellis::async {

class Gate {
 public:
  explicit Gate(Core& core) noexcept : core_(core) {}

  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  ~Gate() { TR_ASSERT(inside_ == 0); }

  /// A stay inside the gate. Movable; leaves when destroyed.
  class Pass {
   public:
    explicit Pass(Gate& gate) noexcept : gate_(&gate) { ++gate.inside_; }

    Pass(Pass&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}

    Pass& operator=(Pass&&) = delete;
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;

    ~Pass() {
      if (gate_ != nullptr) gate_->leave();
    }

   private:
    Gate* gate_;
  };

  Core& core() const noexcept { return core_; }

  bool closed() const noexcept { return closed_; }

  std::size_t inside() const noexcept { return inside_; }

  /// Starts `task` on the gate's core, inside the gate. An exception that leaves a task is a bug
  /// of ours and stops the process.
  void spawn(Task<void> task) {
    boost::asio::co_spawn(core_.executor(), std::move(task),
                          [pass = Pass(*this)](const std::exception_ptr& failure) {
                            if (failure) std::rethrow_exception(failure);
                          });
  }

  /// Marks the gate closed; `empty` runs (posted) when nobody is inside any more.
  void close(std::move_only_function<void()> empty) {
    closed_ = true;
    if (inside_ == 0) {
      core_.post(std::move(empty));
    } else {
      waiting_.push_back(std::move(empty));
    }
  }

 private:
  void leave() {
    if (--inside_ > 0 || !closed_) return;
    for (auto& waiter : waiting_) core_.post(std::move(waiter));
    waiting_.clear();
  }

  Core& core_;
  std::size_t inside_ = 0;
  bool closed_ = false;
  std::vector<std::move_only_function<void()>> waiting_;
};

}  // namespace trellis::async
