// A database for coroutines: jobs run on the OffloadPool, writes one after the other.
//
// All writes that wait together share one transaction, so a burst of them costs one sync of the
// disk; each is acknowledged only after that commit. A write that fails is undone alone. Reads run
// on a connection of their own and see every write that was acknowledged before they started.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "trellis/async/cancel.h"
#include "trellis/async/offload.h"
#include "trellis/async/one_shot.h"
#include "trellis/async/task.h"
#include "trellis/base/error.h"
#include "trellis/store/database.h"

namespace trellis::store {

/// Writes beyond this many waiting ones are refused with Reason::ProviderBusy.
inline constexpr std::size_t kMaxQueuedWrites = 1024;
/// Writes that share one transaction, at most.
inline constexpr std::size_t kMaxBatch = 128;

/// May be used from every core. Jobs own what they touch: the caller may be gone when they run.
class Store {
 public:
  /// Opens both connections (blocking: at start-up). `pool` outlives the store and all its tasks.
  static Result<std::unique_ptr<Store>> open(const DatabaseOptions& options,
                                             async::OffloadPool& pool);

  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  ~Store() = default;

  /// `job` runs inside a transaction; its error undoes what it wrote. A cancelled caller gets its
  /// scope's error with Effect::Unknown.
  template <class T>
  async::Task<Result<T>> write(async::CancelScope& scope,
                               std::move_only_function<Result<T>(Database&)> job) {
    auto slot = std::make_shared<async::OneShot<Result<T>>>(scope.core());
    const bool taken = enqueue(std::make_unique<TypedWrite<T>>(scope.core(), slot, std::move(job)));
    if (!taken) {
      co_return fail(Reason::ProviderBusy, "too many writes wait for the store, try again");
    }
    auto waited = co_await slot->wait(scope);
    if (!waited) co_return std::unexpected(std::move(waited).error().with_effect(Effect::Unknown));
    co_return std::move(*waited);
  }

  /// `job` must not write.
  template <class T>
  async::Task<Result<T>> read(async::CancelScope& scope,
                              std::move_only_function<Result<T>(Database&)> job) {
    std::move_only_function<Result<T>()> locked = [inner = inner_,
                                                   work = std::move(job)]() mutable {
      const std::lock_guard lock(inner->reader_mutex);
      return work(*inner->reader);
    };
    auto task = inner_->pool.run<T>(scope, std::move(locked));
    auto result = co_await std::move(task);
    co_return result;
  }

 private:
  /// One queued write: run() inside the transaction, then finish() after the commit.
  class Write {
   public:
    Write() noexcept = default;
    Write(const Write&) = delete;
    Write& operator=(const Write&) = delete;
    virtual ~Write() = default;
    /// False: what it wrote is to be undone.
    virtual bool run(Database& database) = 0;
    virtual void fail_with(const Error& error) = 0;
    /// Gives the result to the caller, on its core.
    virtual void finish() = 0;
  };

  template <class T>
  class TypedWrite final : public Write {
   public:
    TypedWrite(async::Core& core, std::shared_ptr<async::OneShot<Result<T>>> slot,
               std::move_only_function<Result<T>(Database&)> job)
        : core_(core), slot_(std::move(slot)), job_(std::move(job)) {}

    bool run(Database& database) override {
      result_.emplace(job_(database));
      return result_->has_value();
    }

    void fail_with(const Error& error) override { result_.emplace(std::unexpected(error)); }

    void finish() override {
      core_.post([slot = std::move(slot_), value = std::move(*result_)]() mutable {
        slot->set(std::move(value));
      });
    }

   private:
    async::Core& core_;
    std::shared_ptr<async::OneShot<Result<T>>> slot_;
    std::move_only_function<Result<T>(Database&)> job_;
    std::optional<Result<T>> result_;
  };

  using Batch = std::deque<std::unique_ptr<Write>>;

  /// Shared with the jobs in the pool, which may outlive the store.
  struct Inner {
    explicit Inner(async::OffloadPool& workers) : pool(workers) {}

    async::OffloadPool& pool;
    std::unique_ptr<Database> writer;  // used by the one drain job that runs
    std::mutex reader_mutex;
    std::unique_ptr<Database> reader;
    std::mutex queue_mutex;
    Batch queue;
    bool draining = false;  // a drain job is in the pool
  };

  explicit Store(std::shared_ptr<Inner> inner) : inner_(std::move(inner)) {}

  bool enqueue(std::unique_ptr<Write> write);
  static void drain(const std::shared_ptr<Inner>& inner);
  static void run_batch(Database& database, Batch& batch);

  std::shared_ptr<Inner> inner_;
};

}  // namespace trellis::store
