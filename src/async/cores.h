// All cores of a host: one thread each, pinned to the CPUs of the process's affinity mask.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>

#include "trellis/async/core.h"
#include "trellis/async/one_shot.h"

namespace trellis::async {

class Cores {
 public:
  /// One core per CPU of the affinity mask, at most `limit` (0: no limit).
  explicit Cores(unsigned limit = 0);
  Cores(const Cores&) = delete;
  Cores& operator=(const Cores&) = delete;
  /// Stops and joins.
  ~Cores();

  std::size_t size() const noexcept { return cores_.size(); }

  Core& operator[](std::size_t index) const noexcept { return *cores_[index]; }

  /// Starts a thread for each core; `prepare` runs first on each of them.
  void start(const std::function<void(Core&)>& prepare = {});
  /// Stops all loops and joins the threads. Idempotent.
  void stop();

 private:
  std::vector<std::unique_ptr<Core>> cores_;
  std::vector<std::thread> threads_;
};

/// Runs `work` on `target` and resumes the calling task, which belongs to `home`, with what it
/// returned. Nothing that `work` refers to may die before it has run: the caller stays suspended
/// until then, whatever happens to its scope.
template <class T>
Task<T> run_on(Core& home, Core& target, std::move_only_function<Task<T>()> work) {
  struct Shared {
    explicit Shared(Core& core) : done(core) {}

    OneShot<T> done;
  };

  if (&home == &target) {
    auto task = work();
    co_return co_await std::move(task);
  }
  Shared shared(home);
  target.post([&home, &target, &shared, factory = std::move(work)]() mutable {
    auto task = factory();
    boost::asio::co_spawn(target.executor(), std::move(task),
                          [&home, &shared, keep = std::move(factory)](
                              const std::exception_ptr& failure, T value) mutable {
                            if (failure) std::rethrow_exception(failure);
                            home.post([&shared, result = std::move(value)]() mutable {
                              shared.done.set(std::move(result));
                            });
                          });
  });
  auto result = co_await shared.done.wait();
  co_return result;
}

}  // namespace trellis::async
