#include "trellis/store/store.h"

#include <algorithm>

namespace trellis::store {

Result<std::unique_ptr<Store>> Store::open(const DatabaseOptions& options,
                                           async::OffloadPool& pool) {
  auto inner = std::make_shared<Inner>(pool);
  TR_TRY(inner->writer, Database::open(options));
  DatabaseOptions reading = options;
  reading.access = Access::ReadOnly;
  TR_TRY(inner->reader, Database::open(reading));
  return std::unique_ptr<Store>(new Store(std::move(inner)));
}

bool Store::enqueue(std::unique_ptr<Write> write) {
  const std::lock_guard lock(inner_->queue_mutex);
  if (inner_->queue.size() >= kMaxQueuedWrites) return false;
  if (!inner_->draining) {
    if (!inner_->pool.submit([inner = inner_] { drain(inner); })) return false;
    inner_->draining = true;
  }
  inner_->queue.push_back(std::move(write));
  return true;
}

void Store::drain(const std::shared_ptr<Inner>& inner) {
  while (true) {
    Batch batch;
    {
      const std::lock_guard lock(inner->queue_mutex);
      const auto count = static_cast<std::ptrdiff_t>(std::min(inner->queue.size(), kMaxBatch));
      if (count == 0) {
        inner->draining = false;
        return;
      }
      const auto end = inner->queue.begin() + count;
      std::move(inner->queue.begin(), end, std::back_inserter(batch));
      inner->queue.erase(inner->queue.begin(), end);
    }
    run_batch(*inner->writer, batch);
    for (auto& write : batch) write->finish();
  }
}

void Store::run_batch(Database& database, Batch& batch) {
  const auto attempt = [&]() -> Result<void> {
    TR_TRY(auto transaction, Transaction::begin(database));
    for (auto& write : batch) {
      TR_CHECK(database.execute("SAVEPOINT one"));
      if (!write->run(database)) TR_CHECK(database.execute("ROLLBACK TO one"));
      TR_CHECK(database.execute("RELEASE one"));
    }
    return transaction.commit();
  };
  auto done = attempt();
  if (done) return;
  // Nothing of the batch was committed.
  for (auto& write : batch) write->fail_with(done.error());
}

}  // namespace trellis::store
