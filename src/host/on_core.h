// Crossing from the control plane (threads that may block) to a core and back.
#pragma once

#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <utility>

#include <boost/asio/co_spawn.hpp>

#include "trellis/async/core.h"
#include "trellis/async/task.h"

namespace trellis::host {

/// Runs `work` on `core` and returns its result. Blocks: never from a core.
template <class Work>
auto on_core(async::Core& core, Work work) {
  std::packaged_task<decltype(work())()> task(std::move(work));
  auto result = task.get_future();
  core.post([&task] { task(); });
  return result.get();
}

/// Runs the coroutine that `make` returns on `core`, and returns its result. Blocks.
template <class T>
T run_on_core(async::Core& core, std::move_only_function<async::Task<T>()> make) {
  std::promise<T> promise;
  auto result = promise.get_future();
  core.post([&core, &promise, &make] {
    boost::asio::co_spawn(core.executor(), make(),
                          [&promise](const std::exception_ptr& failure, T value) {
                            if (failure) {
                              promise.set_exception(failure);
                            } else {
                              promise.set_value(std::move(value));
                            }
                          });
  });
  return result.get();
}

}  // namespace trellis::host
