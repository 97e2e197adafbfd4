#include "trellis/store/store.h"

#include <sys/stat.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "trellis/async/cores.h"
#include "trellis/async/gate.h"

namespace trellis::store {
namespace {

constexpr std::array<std::string_view, 1> kFirst = {
    "CREATE TABLE counts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID"};
constexpr std::array<std::string_view, 2> kSecond = {
    kFirst[0], "ALTER TABLE counts ADD COLUMN note TEXT NOT NULL DEFAULT 'none'"};

class StoreTest : public testing::Test {
 protected:
  StoreTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "trellis-store-XXXXXX");
    folder_ = mkdtemp(pattern.data());
  }

  ~StoreTest() override { std::filesystem::remove_all(folder_); }

  std::string file(const std::string& name = "test.db") const { return folder_ + "/" + name; }

  DatabaseOptions options(std::span<const std::string_view> migrations = kFirst) const {
    return {.path = file(), .application_id = 0x54657374, .migrations = migrations};
  }

  std::string folder_;
};

Result<std::int64_t> add(Database& database, std::string_view name, std::int64_t by) {
  TR_TRY(auto statement,
         database.prepare("INSERT INTO counts VALUES (?1, ?2) ON CONFLICT DO UPDATE "
                          "SET value = value + ?2 RETURNING value"));
  statement.bind(1, name);
  statement.bind(2, by);
  TR_TRY(const bool row, statement.step());
  return row ? statement.integer(0) : -1;
}

Result<std::int64_t> sum(Database& database) {
  TR_TRY(auto statement, database.prepare("SELECT coalesce(sum(value), 0) FROM counts"));
  TR_TRY(const bool row, statement.step());
  return row ? statement.integer(0) : -1;
}

TEST_F(StoreTest, CreatesPrivateFileMigratesAndKeepsData) {
  {
    auto database = Database::open(options());
    ASSERT_TRUE(database) << database.error().message();
    ASSERT_TRUE(add(**database, "a", 5));
    ASSERT_TRUE(add(**database, "", 1));
    struct stat status{};
    ASSERT_EQ(::stat(file().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
  }
  auto newer = Database::open(options(kSecond));
  ASSERT_TRUE(newer) << newer.error().message();
  auto notes = (*newer)->prepare("SELECT note, value FROM counts WHERE name = ?1");
  ASSERT_TRUE(notes);
  notes->bind(1, std::string_view("a"));
  ASSERT_TRUE(notes->step().value());
  EXPECT_EQ(notes->text(0), "none");
  EXPECT_EQ(notes->integer(1), 5);
  notes->reset();
  notes->bind(1, std::string_view());
  EXPECT_TRUE(notes->step().value());
  notes->reset();
  newer->reset();

  auto older = Database::open(options(kFirst));
  ASSERT_FALSE(older);
  EXPECT_EQ(older.error().reason(), Reason::StoreFailed);
  EXPECT_NE(older.error().message().find("newer program"), std::string::npos);
}

TEST_F(StoreTest, RefusesWhatIsNotItsOwn) {
  std::ofstream(file("text.db")) << std::string(8192, 'x');
  DatabaseOptions text = options();
  text.path = file("text.db");
  auto refused = Database::open(text);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason(), Reason::StoreFailed);
  EXPECT_NE(refused.error().message().find("text.db"), std::string::npos);
  EXPECT_NE(refused.error().message().find("not a database"), std::string::npos);

  {
    ASSERT_TRUE(Database::open(options()));
  }
  DatabaseOptions other = options();
  other.application_id = 7;
  auto foreign = Database::open(other);
  ASSERT_FALSE(foreign);
  EXPECT_NE(foreign.error().message().find("another program"), std::string::npos);

  DatabaseOptions missing = options();
  missing.path = file("no/such/folder.db");
  auto absent = Database::open(missing);
  ASSERT_FALSE(absent);
  EXPECT_NE(absent.error().message().find("no such file"), std::string::npos);

  DatabaseOptions folder = options();
  folder.path = folder_;
  EXPECT_FALSE(Database::open(folder));
}

TEST_F(StoreTest, DamagedPagesAreAnErrorThatNamesTheFile) {
  {
    auto database = Database::open(options());
    ASSERT_TRUE(database);
    for (int i = 0; i < 2000; ++i) {
      ASSERT_TRUE(
          (*database)->execute("INSERT INTO counts VALUES ('" + std::to_string(i) + "', 1)"));
      if (i == 100) ASSERT_TRUE((*database)->execute("PRAGMA synchronous=OFF"));
    }
  }
  std::filesystem::remove(file() + "-wal");
  {
    std::fstream damage(file(), std::ios::in | std::ios::out | std::ios::binary);
    damage.seekp(4096);
    damage << std::string(8192, '\xee');
  }
  auto database = Database::open(options());
  ASSERT_TRUE(database) << database.error().message();
  auto broken = sum(**database);
  ASSERT_FALSE(broken);
  EXPECT_NE(broken.error().message().find("malformed"), std::string::npos)
      << broken.error().message();
  EXPECT_NE(broken.error().message().find("test.db"), std::string::npos);
}

TEST_F(StoreTest, AFullStoreFailsTheWriteAndKeepsWhatWasThere) {
  DatabaseOptions small = options();
  small.max_bytes = std::uint64_t{64} << 10U;
  auto database = Database::open(small);
  ASSERT_TRUE(database);
  ASSERT_TRUE(add(**database, "kept", 1));
  auto full = add(**database, std::string(200'000, 'n'), 1);
  ASSERT_FALSE(full);
  EXPECT_NE(full.error().message().find("full"), std::string::npos);
  EXPECT_EQ(sum(**database).value(), 1);
}

TEST_F(StoreTest, ReadOnlyConnectionsDoNotWrite) {
  ASSERT_TRUE(Database::open(options()));
  DatabaseOptions reading = options();
  reading.access = Access::ReadOnly;
  auto database = Database::open(reading);
  ASSERT_TRUE(database) << database.error().message();
  auto written = add(**database, "a", 1);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().reason(), Reason::StoreFailed);
}

TEST_F(StoreTest, TransactionsRollBackUnlessCommitted) {
  auto database = Database::open(options());
  ASSERT_TRUE(database);
  {
    auto transaction = Transaction::begin(**database);
    ASSERT_TRUE(transaction);
    ASSERT_TRUE(add(**database, "a", 1));
  }
  EXPECT_EQ(sum(**database).value(), 0);
  auto transaction = Transaction::begin(**database);
  ASSERT_TRUE(transaction);
  ASSERT_TRUE(add(**database, "a", 1));
  ASSERT_TRUE(transaction->commit());
  EXPECT_EQ(sum(**database).value(), 1);
}

async::Task<void> write_one(Store& store, async::Core& core, bool good, std::atomic<int>& done,
                            std::atomic<int>& refused) {
  async::CancelScope scope(core, TimePoint::max());
  std::move_only_function<Result<std::int64_t>(Database&)> job =
      [good](Database& database) -> Result<std::int64_t> {
    TR_TRY(const std::int64_t value, add(database, "n", 1));
    if (!good) return fail(Reason::ContractValue, "changed its mind");
    return value;
  };
  auto task = store.write<std::int64_t>(scope, std::move(job));
  auto result = co_await std::move(task);
  (result ? done : refused).fetch_add(1);
}

async::Task<void> read_sum(Store& store, async::Core& core, std::int64_t& out) {
  async::CancelScope scope(core, TimePoint::max());
  std::move_only_function<Result<std::int64_t>(Database&)> job = [](Database& database) {
    return sum(database);
  };
  auto task = store.read<std::int64_t>(scope, std::move(job));
  auto result = co_await std::move(task);
  out = result.value_or(-1);
}

void run_until(async::Core& core, const async::Gate& gate) {
  while (gate.inside() > 0) {
    core.run_ready();
    std::this_thread::yield();
  }
}

TEST_F(StoreTest, WritesShareCommitsAndFailAlone) {
  async::OffloadPool pool(2, 1000);
  auto store = Store::open(options(), pool);
  ASSERT_TRUE(store);
  async::Core core(0);
  async::Gate gate(core);
  std::atomic<int> done{0};
  std::atomic<int> refused{0};
  for (int i = 0; i < 300; ++i) gate.spawn(write_one(**store, core, i % 3 != 0, done, refused));
  run_until(core, gate);
  EXPECT_EQ(done, 200);
  EXPECT_EQ(refused, 100);
  std::int64_t total = 0;
  gate.spawn(read_sum(**store, core, total));
  run_until(core, gate);
  EXPECT_EQ(total, 200);
}

async::Task<void> write_cancelled(Store& store, async::CancelScope& scope, Result<int>& out) {
  std::move_only_function<Result<int>(Database&)> job = [](Database& database) -> Result<int> {
    TR_CHECK(add(database, "late", 1));
    return 1;
  };
  auto task = store.write<int>(scope, std::move(job));
  out = co_await std::move(task);
}

TEST_F(StoreTest, ACancelledWriterMayLeaveAndTheStoreToo) {
  async::Core core(0);
  async::OffloadPool pool(1, 1000);
  async::Gate gate(core);
  auto store = Store::open(options(), pool);
  ASSERT_TRUE(store);
  std::vector<std::unique_ptr<async::CancelScope>> scopes;
  std::vector<Result<int>> results(50, Result<int>(0));
  for (auto& result : results) {
    scopes.push_back(std::make_unique<async::CancelScope>(core, TimePoint::max()));
    gate.spawn(write_cancelled(**store, *scopes.back(), result));
  }
  core.post([&] {
    for (auto& scope : scopes) scope->cancel(async::CancelCause::Cancelled);
  });
  run_until(core, gate);
  int cancelled = 0;
  for (const auto& result : results) {
    if (result) continue;
    ++cancelled;
    EXPECT_EQ(result.error().reason(), Reason::CallCancelled);
    EXPECT_EQ(result.error().effect(), Effect::Unknown);
  }
  EXPECT_GT(cancelled, 0);
  store->reset();
}

}  // namespace
}  // namespace trellis::store
