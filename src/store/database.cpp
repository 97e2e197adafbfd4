#include "trellis/store/database.h"

#include <fcntl.h>

#include <array>
#include <cerrno>

#include <sqlite3.h>

#include "trellis/base/file.h"
#include "trellis/base/unique_fd.h"

namespace trellis::store {

Statement::~Statement() {
  sqlite3_finalize(statement_);
}

void Statement::bind(int index, std::int64_t value) noexcept {
  const int code = sqlite3_bind_int64(statement_, index, value);
  if (code != SQLITE_OK) bind_error_ = code;
}

void Statement::bind(int index, std::string_view text) noexcept {
  // An empty view may have no address, and SQLite would read that as NULL.
  const char* data = text.empty() ? "" : text.data();
  const int code =
      sqlite3_bind_text64(statement_, index, data, text.size(), SQLITE_STATIC, SQLITE_UTF8);
  if (code != SQLITE_OK) bind_error_ = code;
}

void Statement::bind_null(int index) noexcept {
  const int code = sqlite3_bind_null(statement_, index);
  if (code != SQLITE_OK) bind_error_ = code;
}

Result<bool> Statement::step() {
  if (bind_error_ != SQLITE_OK) return database_->failure("binding a value", bind_error_);
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return database_->failure("running a statement", code);
}

Result<void> Statement::run() {
  auto row = step();
  reset();
  if (!row) return std::unexpected(std::move(row).error());
  return {};
}

void Statement::reset() noexcept {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  bind_error_ = SQLITE_OK;
}

std::int64_t Statement::integer(int column) const noexcept {
  return sqlite3_column_int64(statement_, column);
}

std::string_view Statement::text(int column) const noexcept {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

bool Statement::is_null(int column) const noexcept {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

Result<std::unique_ptr<Database>> Database::open(const DatabaseOptions& options) {
  std::unique_ptr<Database> database(new Database(options.path));
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_PRIVATECACHE;
  if (options.access == Access::ReadWrite) {
    // SQLite would create the file readable for everybody; its log files inherit the mode.
    const UniqueFd created(::open(options.path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!created) {
      return fail(Reason::StoreFailed,
                  "opening the store " + options.path + ": " + errno_text(errno));
    }
    flags |= SQLITE_OPEN_READWRITE;
  } else {
    flags |= SQLITE_OPEN_READONLY;
  }
  // SQLite gives names such as ":memory:" and "file:..." a meaning of its own; a path has none.
  const std::string name = options.path.starts_with('/') ? options.path : "./" + options.path;
  const int code = sqlite3_open_v2(name.c_str(), &database->handle_, flags, nullptr);
  if (code != SQLITE_OK) return database->failure("opening", code);
  TR_CHECK(database->configure(options));
  if (options.access == Access::ReadWrite) TR_CHECK(database->migrate(options));
  return database;
}

Database::~Database() {
  cached_.clear();
  sqlite3_close_v2(handle_);
}

Result<void> Database::configure(const DatabaseOptions& options) {
  sqlite3_busy_timeout(handle_, static_cast<int>(options.busy_timeout.count()));
  // The file may come from elsewhere: nothing in its schema may run code or be edited.
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  TR_CHECK(execute("PRAGMA cell_size_check=ON; PRAGMA foreign_keys=ON"));
  if (options.access == Access::ReadOnly) return execute("PRAGMA query_only=ON");
  if (sqlite3_db_readonly(handle_, "main") == 1) {
    return failure("opening for writing", SQLITE_READONLY);
  }
  TR_CHECK(execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL"));
  if (options.max_bytes > 0) {
    TR_TRY(const std::int64_t page_bytes, pragma("page_size"));
    const auto pages = options.max_bytes / static_cast<std::uint64_t>(page_bytes);
    TR_CHECK(execute("PRAGMA max_page_count=" + std::to_string(pages)));
  }
  return {};
}

Result<void> Database::migrate(const DatabaseOptions& options) {
  TR_TRY(auto transaction, Transaction::begin(*this));
  TR_TRY(const std::int64_t version, pragma("user_version"));
  TR_TRY(const std::int64_t application, pragma("application_id"));
  TR_TRY(auto tables, prepare("SELECT count(*) FROM sqlite_schema"));
  TR_TRY(const bool counted, tables.step());
  const bool empty = counted && tables.integer(0) == 0;
  tables.reset();
  if (!empty && application != options.application_id) {
    return fail(Reason::StoreFailed,
                "the store " + path_ + " is a database of another program; name another file");
  }
  const auto known = static_cast<std::int64_t>(options.migrations.size());
  if (version < 0 || version > known) {
    return fail(Reason::StoreFailed, "the store " + path_ + " has version " +
                                         std::to_string(version) + ", this program knows " +
                                         std::to_string(known) + "; use a newer program");
  }
  if (version == known) return transaction.commit();
  for (std::int64_t next = version; next < known; ++next) {
    TR_CHECK(execute(std::string(options.migrations[static_cast<std::size_t>(next)])));
  }
  TR_CHECK(execute("PRAGMA application_id=" + std::to_string(options.application_id) +
                   "; PRAGMA user_version=" + std::to_string(known)));
  return transaction.commit();
}

Result<std::int64_t> Database::pragma(const std::string& name) {
  TR_TRY(auto statement, prepare("PRAGMA " + name));
  TR_TRY(const bool row, statement.step());
  return row ? statement.integer(0) : 0;
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return failure("preparing a statement", code);
  return Statement(*this, statement);
}

Result<CachedStatement> Database::cached(std::string_view sql) {
  auto found = cached_.find(sql);
  if (found == cached_.end()) {
    TR_TRY(Statement statement, prepare(sql));
    found = cached_.emplace(sql, std::move(statement)).first;
  }
  return CachedStatement(found->second);
}

Result<void> Database::execute(const std::string& sql) {
  const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return failure("running a statement", code);
  return {};
}

std::int64_t Database::changes() const noexcept {
  return sqlite3_changes64(handle_);
}

std::int64_t Database::last_insert_id() const noexcept {
  return sqlite3_last_insert_rowid(handle_);
}

std::unexpected<Error> Database::failure(std::string_view what, int code) const {
  std::string message = "the store " + path_ + ": ";
  message += what;
  message += ": ";
  const bool current = handle_ != nullptr && sqlite3_extended_errcode(handle_) == code;
  message += current ? sqlite3_errmsg(handle_) : sqlite3_errstr(code);
  switch (code & 0xFF) {
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT: message += "; restore it from a backup or name another file"; break;
    case SQLITE_BUSY: message += "; another process holds it"; break;
    case SQLITE_FULL: message += "; make room or raise the limit"; break;
    case SQLITE_READONLY: message += "; check the owner and mode of the file"; break;
    default: break;
  }
  return fail(Reason::StoreFailed, std::move(message));
}

Result<Transaction> Transaction::begin(Database& database) {
  TR_CHECK(database.execute("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Result<Transaction> Transaction::begin_reading(Database& database) {
  TR_CHECK(database.execute("BEGIN"));
  return Transaction(database);
}

Transaction::~Transaction() {
  if (database_ == nullptr) return;
  // A failed write may have rolled back already; then this statement fails and nothing is lost.
  static_cast<void>(database_->execute("ROLLBACK"));
}

Result<void> Transaction::commit() {
  TR_CHECK(database_->execute("COMMIT"));
  database_ = nullptr;
  return {};
}

}  // namespace trellis::store
