// SQLite, wrapped: a connection, prepared statements, transactions, migrations.
//
// Everything here blocks and belongs on a thread of the OffloadPool. A Database and its statements
// are for one thread at a time. What fails is Reason::StoreFailed and names the file and what
// SQLite said; nothing throws.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "trellis/base/bytes.h"
#include "trellis/base/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace trellis::store {

class Database;

/// A prepared statement, owned by the code that runs it; its Database outlives it.
///
///   TR_TRY(auto select, database.prepare("SELECT value FROM t WHERE id = ?1"));
///   select.bind(1, id);
///   TR_TRY(const bool found, select.step());
///   if (found) use(select.text(0));
///   select.reset();
class Statement {
 public:
  Statement(Statement&& other) noexcept
      : database_(other.database_), statement_(std::exchange(other.statement_, nullptr)) {}

  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  /// Parameters count from 1. Texts are borrowed until reset(). A failed bind shows at step().
  void bind(int index, std::int64_t value) noexcept;
  void bind(int index, std::string_view text) noexcept;
  void bind_null(int index) noexcept;

  /// True: there is a row. False: done.
  Result<bool> step();
  /// Runs a statement that answers no rows, and resets it.
  Result<void> run();
  /// Forgets rows and bindings, so that the statement can run again.
  void reset() noexcept;

  /// Columns of the present row count from 0. The view lives until the next step() or reset().
  std::int64_t integer(int column) const noexcept;
  std::string_view text(int column) const noexcept;
  bool is_null(int column) const noexcept;

 private:
  friend class Database;

  Statement(Database& database, sqlite3_stmt* statement) noexcept
      : database_(&database), statement_(statement) {}

  Database* database_;
  sqlite3_stmt* statement_;
  int bind_error_ = 0;
};

/// A prepared statement that its Database keeps; reset when this goes. A statement is borrowed once
/// at a time.
class CachedStatement {
 public:
  explicit CachedStatement(Statement& statement) noexcept : statement_(&statement) {}

  CachedStatement(CachedStatement&& other) noexcept
      : statement_(std::exchange(other.statement_, nullptr)) {}

  CachedStatement(const CachedStatement&) = delete;
  CachedStatement& operator=(const CachedStatement&) = delete;
  CachedStatement& operator=(CachedStatement&&) = delete;

  ~CachedStatement() {
    if (statement_ != nullptr) statement_->reset();
  }

  Statement* operator->() const noexcept { return statement_; }

 private:
  Statement* statement_;
};

enum class Access : std::uint8_t { ReadWrite, ReadOnly };

struct DatabaseOptions {
  std::string path;
  Access access = Access::ReadWrite;
  /// How long a statement waits for another process's lock.
  std::chrono::milliseconds busy_timeout{2000};
  /// The file's size stays below this; a write beyond it fails. 0: no bound of ours.
  std::uint64_t max_bytes = 0;
  /// Which program a file belongs to (PRAGMA application_id): a file of another one is refused.
  std::int32_t application_id = 0;
  /// migrations[n] leads from version n to n + 1 (PRAGMA user_version); append only.
  std::span<const std::string_view> migrations;
};

class Database {
 public:
  /// Opens or creates (mode 0600) the file: write-ahead log, synchronous=FULL (a commit is on disk
  /// when it returns), foreign keys on; then applies what is missing of the migrations. A file that
  /// is damaged, no database, of another program, of a newer version or not writable is refused.
  static Result<std::unique_ptr<Database>> open(const DatabaseOptions& options);

  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database();

  Result<Statement> prepare(std::string_view sql);
  /// Prepares `sql`, a literal, at its first use only.
  Result<CachedStatement> cached(std::string_view sql);
  /// Runs one or several statements without parameters.
  Result<void> execute(const std::string& sql);

  /// Rows that the last INSERT, UPDATE or DELETE changed.
  std::int64_t changes() const noexcept;
  std::int64_t last_insert_id() const noexcept;

  const std::string& path() const noexcept { return path_; }

  /// StoreFailed with the file, `what` and SQLite's text for `code`.
  std::unexpected<Error> failure(std::string_view what, int code) const;

 private:
  explicit Database(std::string path) : path_(std::move(path)) {}

  Result<void> configure(const DatabaseOptions& options);
  Result<void> migrate(const DatabaseOptions& options);
  Result<std::int64_t> pragma(const std::string& name);

  std::string path_;
  sqlite3* handle_ = nullptr;
  std::map<std::string_view, Statement> cached_;
};

/// ROLLBACK when it is destroyed without commit().
class Transaction {
 public:
  /// BEGIN IMMEDIATE: takes the lock for writing now.
  static Result<Transaction> begin(Database& database);
  /// Several reads that see one state.
  static Result<Transaction> begin_reading(Database& database);

  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}

  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  Result<void> commit();

 private:
  explicit Transaction(Database& database) noexcept : database_(&database) {}

  Database* database_;
};

}  // namespace trellis::store
