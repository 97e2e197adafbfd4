// What a one-shot command needs to run guests: a small engine, the compiler with its cache, and one
// core on the calling thread. No host, no grants.
#pragma once

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <boost/asio/co_spawn.hpp>

#include "trellis/abi/common/guest.h"
#include "trellis/async/core.h"
#include "trellis/async/task.h"
#include "trellis/base/error.h"
#include "trellis/engine/code_cache.h"
#include "trellis/engine/compiler.h"
#include "trellis/engine/engine.h"
#include "trellis/engine/ticker.h"

namespace trellis::apps::modes {

/// One thread. Make one a command, run() once.
class LocalRuntime {
 public:
  static Result<std::unique_ptr<LocalRuntime>> create();

  LocalRuntime(const LocalRuntime&) = delete;
  LocalRuntime& operator=(const LocalRuntime&) = delete;
  ~LocalRuntime();

  /// Reads, verifies (a module with a token must have a right one), checks and compiles. Errors:
  /// module.*, claims.*, engine.limit.*. Blocks.
  Result<std::shared_ptr<const abi::Program>> load(const std::string& path);

  async::Core& core() noexcept { return core_; }

  /// Runs the core until `task` is done. Once.
  template <class T>
  T run(async::Task<T> task) {
    std::optional<T> result;
    boost::asio::co_spawn(core_.executor(), std::move(task),
                          [this, &result](const std::exception_ptr& failure, T value) {
                            if (failure) std::rethrow_exception(failure);
                            result.emplace(std::move(value));
                            core_.stop();
                          });
    core_.run();
    return std::move(*result);
  }

 private:
  explicit LocalRuntime(std::unique_ptr<engine::Engine> engine);

  std::unique_ptr<engine::Engine> engine_;
  engine::Ticker ticker_;
  engine::CodeCache cache_;
  engine::Compiler compiler_;
  async::Core core_;
};

/// A call of `guest` without a host around it: fresh context, deadline from now. A reply is copied
/// by nobody: it is the guest's answer. What `host` keeps is its own business.
async::Task<Result<core::Buffer>> call_locally(abi::Guest& guest, abi::HostInterface& host,
                                               async::Core& core, std::string_view operation,
                                               ByteView payload,
                                               std::chrono::milliseconds deadline);
/// The same for the start functions.
async::Task<Result<void>> start_locally(abi::Guest& guest, abi::HostInterface& host,
                                        async::Core& core, std::chrono::milliseconds deadline);

}  // namespace trellis::apps::modes
