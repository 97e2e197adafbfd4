// Threads for what blocks: SQLite, file I/O, compiling. A job owns all that it touches (copy
// before you cross a thread), so a call may be cancelled while its job still runs.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "trellis/async/cancel.h"
#include "trellis/async/core.h"
#include "trellis/async/one_shot.h"
#include "trellis/base/error.h"

namespace trellis::async {

class OffloadPool {
 public:
  /// `threads` workers; at most `max_queued` jobs wait, more are refused.
  OffloadPool(unsigned threads, std::size_t max_queued);
  OffloadPool(const OffloadPool&) = delete;
  OffloadPool& operator=(const OffloadPool&) = delete;
  /// Runs what is queued to its end, then joins.
  ~OffloadPool();

  /// From any thread. False when the queue is full: the job was not taken.
  bool submit(std::move_only_function<void()> job);

  /// Runs `job` on a worker and resumes on the scope's core with its result;
  /// Reason::ProviderBusy when the queue is full; the scope's error when it is cancelled first, and
  /// then the job's result is dropped (its effect is unknown).
  template <class T>
  Task<Result<T>> run(CancelScope& scope, std::move_only_function<Result<T>()> job) {
    // The slot outlives both sides: whoever is later frees it.
    auto slot = std::make_shared<OneShot<Result<T>>>(scope.core());
    Core& core = scope.core();
    const bool taken = submit([slot, &core, work = std::move(job)]() mutable {
      auto result = work();
      work = nullptr;
      core.post([slot = std::move(slot), value = std::move(result)]() mutable {
        slot->set(std::move(value));
      });
    });
    if (!taken) {
      co_return fail(Reason::ProviderBusy, "too many blocking operations are waiting, try again");
    }
    auto waited = co_await slot->wait(scope);
    if (!waited) co_return std::unexpected(std::move(waited).error().with_effect(Effect::Unknown));
    co_return std::move(*waited);
  }

 private:
  void work();

  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::move_only_function<void()>> jobs_;
  std::size_t max_queued_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace trellis::async
