// entries: one row a key, of one of three kinds (ValueKind). A text stands in the row; list_items
// are ordered by position, and a push takes the position before the lowest; set_items are what
// they are. spaces counts the keys and bytes of each key space.
#include "trellis/providers/keyvalue/file_store.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

namespace trellis::providers::keyvalue {
namespace {

using store::Database;

constexpr std::array<std::string_view, 1> kMigrations = {R"sql(
CREATE TABLE spaces (
  id INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  shared INTEGER NOT NULL,
  name TEXT NOT NULL,
  keys INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  UNIQUE (tenant, shared, name));
CREATE TABLE entries (
  id INTEGER PRIMARY KEY,
  space INTEGER NOT NULL REFERENCES spaces (id),
  key TEXT NOT NULL,
  kind INTEGER NOT NULL,
  value TEXT,
  items INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL,
  expires INTEGER,
  UNIQUE (space, key));
CREATE INDEX entries_by_expiry ON entries (expires) WHERE expires IS NOT NULL;
CREATE TABLE list_items (
  entry INTEGER NOT NULL REFERENCES entries (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (entry, position)) WITHOUT ROWID;
CREATE TABLE set_items (
  entry INTEGER NOT NULL REFERENCES entries (id) ON DELETE CASCADE,
  value TEXT NOT NULL,
  PRIMARY KEY (entry, value)) WITHOUT ROWID;
)sql"};

/// Expired keys that one write clears away beside its own work.
constexpr int kExpiredPerWrite = 16;

std::int64_t cost_of(std::string_view text) noexcept {
  return static_cast<std::int64_t>(text.size() + kEntryOverheadBytes);
}

struct Entry {
  std::int64_t id = 0;
  std::int64_t space = 0;
  ValueKind kind = ValueKind::Text;
  std::string value;
  std::int64_t items = 0;
  std::int64_t bytes = 0;
};

class Operation {
 public:
  Operation(Database& database, const SpaceName& space, const Request& request, std::int64_t now,
            const Limits& limits, Bytes& reply)
      : database_(database),
        space_(space),
        request_(request),
        now_(now),
        limits_(limits),
        reply_(reply) {}

  Result<void> read();
  Result<void> write();

 private:
  Result<std::optional<Entry>> find(std::string_view key);
  Result<std::int64_t> space_id();
  Result<Entry> find_or_insert(ValueKind kind);
  Result<void> count(std::int64_t space, std::int64_t keys, std::int64_t bytes);
  Result<void> remove(const Entry& entry);
  Result<void> remove_expired();
  Result<void> change_items(const Entry& entry, std::int64_t items, std::int64_t bytes);
  Result<std::int64_t> remove_item(const Entry& entry, std::string_view sql);
  Result<void> write_text(const Entry& entry, std::string_view value,
                          std::optional<std::int64_t> expires);

  Result<void> get();
  Result<void> range();
  Result<void> set_query();
  Result<void> combine();
  Result<std::vector<std::string>> members(std::string_view key);

  Result<void> set();
  Result<void> add();
  Result<void> remove_key();
  Result<void> push();
  Result<void> delete_items();
  Result<void> set_add();
  Result<void> set_remove();

  Database& database_;
  const SpaceName& space_;
  const Request& request_;
  std::int64_t now_;
  const Limits& limits_;
  Bytes& reply_;
};

Result<std::optional<Entry>> Operation::find(std::string_view key) {
  TR_TRY(auto select,
         database_.cached("SELECT e.id, e.space, e.kind, e.value, e.items, e.bytes FROM entries e "
                          "JOIN spaces s ON s.id = e.space WHERE s.tenant = ?1 AND s.shared = ?2 "
                          "AND s.name = ?3 AND e.key = ?4 "
                          "AND (e.expires IS NULL OR e.expires > ?5)"));
  select->bind(1, space_.tenant);
  select->bind(2, std::int64_t{space_.shared ? 1 : 0});
  select->bind(3, space_.name);
  select->bind(4, key);
  select->bind(5, now_);
  TR_TRY(const bool found, select->step());
  if (!found) return std::nullopt;
  Entry entry;
  entry.id = select->integer(0);
  entry.space = select->integer(1);
  entry.kind = static_cast<ValueKind>(select->integer(2));
  entry.value = select->text(3);
  entry.items = select->integer(4);
  entry.bytes = select->integer(5);
  return entry;
}

Result<std::int64_t> Operation::space_id() {
  {
    TR_TRY(auto insert, database_.cached("INSERT INTO spaces (tenant, shared, name) "
                                         "VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING"));
    insert->bind(1, space_.tenant);
    insert->bind(2, std::int64_t{space_.shared ? 1 : 0});
    insert->bind(3, space_.name);
    TR_CHECK(insert->step());
  }
  TR_TRY(auto select, database_.cached("SELECT id FROM spaces WHERE tenant = ?1 AND shared = ?2 "
                                       "AND name = ?3"));
  select->bind(1, space_.tenant);
  select->bind(2, std::int64_t{space_.shared ? 1 : 0});
  select->bind(3, space_.name);
  TR_CHECK(select->step());
  return select->integer(0);
}

Result<Entry> Operation::find_or_insert(ValueKind kind) {
  TR_TRY(auto found, find(request_.key));
  if (found) {
    if (found->kind != kind) return wrong_kind(found->kind, kind);
    return *std::move(found);
  }
  Entry entry;
  entry.kind = kind;
  entry.bytes = cost_of(request_.key);
  TR_TRY(entry.space, space_id());
  {
    // An expired row may still hold the key.
    TR_TRY(auto stale, database_.cached("SELECT id, space, bytes FROM entries "
                                        "WHERE space = ?1 AND key = ?2"));
    stale->bind(1, entry.space);
    stale->bind(2, request_.key);
    TR_TRY(const bool there, stale->step());
    if (there) {
      Entry old;
      old.id = stale->integer(0);
      old.space = stale->integer(1);
      old.bytes = stale->integer(2);
      stale->reset();
      TR_CHECK(remove(old));
    }
  }
  TR_TRY(auto insert, database_.cached("INSERT INTO entries (space, key, kind, value, bytes) "
                                       "VALUES (?1, ?2, ?3, '', ?4)"));
  insert->bind(1, entry.space);
  insert->bind(2, request_.key);
  insert->bind(3, static_cast<std::int64_t>(kind));
  insert->bind(4, entry.bytes);
  TR_CHECK(insert->step());
  entry.id = database_.last_insert_id();
  TR_CHECK(count(entry.space, 1, entry.bytes));
  return entry;
}

Result<void> Operation::count(std::int64_t space, std::int64_t keys, std::int64_t bytes) {
  TR_TRY(auto update, database_.cached("UPDATE spaces SET keys = keys + ?2, bytes = bytes + ?3 "
                                       "WHERE id = ?1 RETURNING keys, bytes"));
  update->bind(1, space);
  update->bind(2, keys);
  update->bind(3, bytes);
  TR_TRY(const bool row, update->step());
  if (!row) return fail(Reason::StoreFailed, "the key-value file lost a key space");
  if (keys > 0 && update->integer(0) > static_cast<std::int64_t>(limits_.max_space_keys)) {
    return limit_reached("keys in one store", limits_.max_space_keys);
  }
  if (bytes > 0 && update->integer(1) > static_cast<std::int64_t>(limits_.max_space_bytes)) {
    return limit_reached("bytes in one store", limits_.max_space_bytes);
  }
  return {};
}

Result<void> Operation::remove(const Entry& entry) {
  TR_TRY(auto statement, database_.cached("DELETE FROM entries WHERE id = ?1"));
  statement->bind(1, entry.id);
  TR_CHECK(statement->step());
  return count(entry.space, -1, -entry.bytes);
}

Result<void> Operation::remove_expired() {
  std::vector<Entry> expired;
  {
    TR_TRY(auto select, database_.cached("SELECT id, space, bytes FROM entries "
                                         "WHERE expires <= ?1 ORDER BY expires LIMIT ?2"));
    select->bind(1, now_);
    select->bind(2, std::int64_t{kExpiredPerWrite});
    while (true) {
      TR_TRY(const bool row, select->step());
      if (!row) break;
      Entry& entry = expired.emplace_back();
      entry.id = select->integer(0);
      entry.space = select->integer(1);
      entry.bytes = select->integer(2);
    }
  }
  for (const Entry& entry : expired) TR_CHECK(remove(entry));
  return {};
}

Result<void> Operation::change_items(const Entry& entry, std::int64_t items, std::int64_t bytes) {
  TR_CHECK(count(entry.space, 0, bytes));
  Entry left = entry;
  left.bytes += bytes;
  if (entry.items + items == 0) return remove(left);
  TR_TRY(auto update, database_.cached("UPDATE entries SET items = items + ?2, bytes = bytes + ?3 "
                                       "WHERE id = ?1"));
  update->bind(1, entry.id);
  update->bind(2, items);
  update->bind(3, bytes);
  TR_CHECK(update->step());
  return {};
}

/// Removes what equals the request's value with `sql`; how many there were.
Result<std::int64_t> Operation::remove_item(const Entry& entry, std::string_view sql) {
  {
    TR_TRY(auto statement, database_.cached(sql));
    statement->bind(1, entry.id);
    statement->bind(2, request_.value);
    TR_CHECK(statement->step());
  }
  const std::int64_t removed = database_.changes();
  TR_CHECK(change_items(entry, -removed, -removed * cost_of(request_.value)));
  return removed;
}

Result<void> Operation::write_text(const Entry& entry, std::string_view value,
                                   std::optional<std::int64_t> expires) {
  const std::int64_t bytes = cost_of(request_.key) + static_cast<std::int64_t>(value.size());
  TR_CHECK(count(entry.space, 0, bytes - entry.bytes));
  TR_TRY(auto update, database_.cached("UPDATE entries SET value = ?2, bytes = ?3, expires = ?4 "
                                       "WHERE id = ?1"));
  update->bind(1, entry.id);
  update->bind(2, value);
  update->bind(3, bytes);
  if (expires) {
    update->bind(4, *expires);
  } else {
    update->bind_null(4);
  }
  TR_CHECK(update->step());
  return {};
}

Result<void> Operation::read() {
  TR_TRY(auto transaction, store::Transaction::begin_reading(database_));
  switch (request_.op) {
    case Op::Get: TR_CHECK(get()); break;
    case Op::KeyExists: {
      TR_TRY(const auto found, find(request_.key));
      encode_value(reply_, "", found.has_value());
      break;
    }
    case Op::Range: TR_CHECK(range()); break;
    case Op::SetQuery: TR_CHECK(set_query()); break;
    default: TR_CHECK(combine()); break;
  }
  return transaction.commit();
}

Result<void> Operation::write() {
  TR_CHECK(remove_expired());
  switch (request_.op) {
    case Op::Set: return set();
    case Op::Add: return add();
    case Op::Del:
    case Op::Clear: return remove_key();
    case Op::Push: return push();
    case Op::ListItemDelete: return delete_items();
    case Op::SetAdd: return set_add();
    case Op::SetRemove: return set_remove();
    default: return fail(Reason::Internal, "a keyvalue operation took the wrong way");
  }
}

Result<void> Operation::get() {
  TR_TRY(const auto found, find(request_.key));
  // A list or a set has no text: the original answers as if the key were not there.
  const bool text = found && found->kind == ValueKind::Text;
  encode_value(reply_, text ? std::string_view(found->value) : std::string_view(), text);
  return {};
}

Result<void> Operation::range() {
  std::vector<std::string> items;
  std::size_t bytes = 0;
  TR_TRY(const auto found, find(request_.key));
  if (found) {
    if (found->kind != ValueKind::List) return wrong_kind(found->kind, ValueKind::List);
    const Slice slice =
        slice_of(request_.start, request_.stop, static_cast<std::size_t>(found->items));
    TR_TRY(auto select, database_.cached("SELECT value FROM list_items WHERE entry = ?1 "
                                         "ORDER BY position LIMIT ?2 OFFSET ?3"));
    select->bind(1, found->id);
    select->bind(2, static_cast<std::int64_t>(slice.last - slice.first));
    select->bind(3, static_cast<std::int64_t>(slice.first));
    while (bytes <= limits_.max_reply_bytes) {
      TR_TRY(const bool row, select->step());
      if (!row) break;
      bytes += items.emplace_back(select->text(0)).size();
    }
  }
  return encode_values(reply_, {items.begin(), items.end()}, limits_);
}

Result<std::vector<std::string>> Operation::members(std::string_view key) {
  std::vector<std::string> texts;
  std::size_t bytes = 0;
  TR_TRY(const auto found, find(key));
  if (!found) return texts;
  if (found->kind != ValueKind::Set) return wrong_kind(found->kind, ValueKind::Set);
  TR_TRY(auto select, database_.cached("SELECT value FROM set_items WHERE entry = ?1 "
                                       "ORDER BY value"));
  select->bind(1, found->id);
  while (true) {
    TR_TRY(const bool row, select->step());
    if (!row) return texts;
    bytes += texts.emplace_back(select->text(0)).size();
    if (bytes > limits_.max_reply_bytes) {
      return limit_reached("bytes of a reply", limits_.max_reply_bytes);
    }
  }
}

Result<void> Operation::set_query() {
  TR_TRY(const auto texts, members(request_.key));
  return encode_values(reply_, {texts.begin(), texts.end()}, limits_);
}

Result<void> Operation::combine() {
  const bool all = request_.op == Op::SetUnion;
  std::vector<std::string_view> keys = request_.keys;
  std::ranges::sort(keys);
  keys.erase(std::ranges::unique(keys).begin(), keys.end());
  std::vector<std::string> result;
  std::size_t visited = 0;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    TR_TRY(const auto texts, members(keys[i]));
    visited += texts.size();
    if (visited > limits_.max_combined_items) {
      return limit_reached("members in one union or intersection", limits_.max_combined_items);
    }
    if (i == 0) {
      result = texts;
    } else if (all) {
      result.insert(result.end(), texts.begin(), texts.end());
    } else {
      std::erase_if(result, [&texts](const std::string& text) {
        return !std::ranges::binary_search(texts, text);
      });
    }
  }
  std::ranges::sort(result);
  result.erase(std::ranges::unique(result).begin(), result.end());
  return encode_values(reply_, {result.begin(), result.end()}, limits_);
}

Result<void> Operation::set() {
  TR_TRY(auto found, find(request_.key));
  if (found && found->kind != ValueKind::Text) {
    TR_CHECK(remove(*found));
    found.reset();
  }
  if (!found) {
    TR_TRY(found, find_or_insert(ValueKind::Text));
  }
  std::optional<std::int64_t> expires;
  if (request_.expires_seconds > 0) {
    expires = now_ + std::int64_t{request_.expires_seconds} * 1000;
  }
  TR_CHECK(write_text(*found, request_.value, expires));
  encode_set(reply_, request_.value);
  return {};
}

Result<void> Operation::add() {
  TR_TRY(const auto present, find(request_.key));
  if (present && present->kind != ValueKind::Text) {
    return wrong_kind(present->kind, ValueKind::Text);
  }
  TR_TRY(const std::int32_t sum,
         add_to_text(present ? std::string_view(present->value) : "0", request_.number));
  TR_TRY(const Entry entry, find_or_insert(ValueKind::Text));
  const std::string text = std::to_string(sum);
  const std::int64_t bytes = cost_of(request_.key) + static_cast<std::int64_t>(text.size());
  TR_CHECK(count(entry.space, 0, bytes - entry.bytes));
  // Unlike Set, Add leaves the expiry alone.
  TR_TRY(auto update, database_.cached("UPDATE entries SET value = ?2, bytes = ?3 WHERE id = ?1"));
  update->bind(1, entry.id);
  update->bind(2, text);
  update->bind(3, bytes);
  TR_CHECK(update->step());
  encode_number(reply_, sum);
  return {};
}

Result<void> Operation::remove_key() {
  TR_TRY(const auto found, find(request_.key));
  if (found) TR_CHECK(remove(*found));
  encode_key(reply_, request_.key);
  return {};
}

Result<void> Operation::push() {
  TR_TRY(const Entry entry, find_or_insert(ValueKind::List));
  if (entry.items >= static_cast<std::int64_t>(limits_.max_items)) {
    return limit_reached("items in one list", limits_.max_items);
  }
  TR_TRY(auto insert,
         database_.cached("INSERT INTO list_items (entry, position, value) VALUES (?1, (SELECT "
                          "coalesce(min(position), 0) - 1 FROM list_items WHERE entry = ?1), ?2)"));
  insert->bind(1, entry.id);
  insert->bind(2, request_.value);
  TR_CHECK(insert->step());
  TR_CHECK(change_items(entry, 1, cost_of(request_.value)));
  encode_count(reply_, entry.items + 1);
  return {};
}

Result<void> Operation::delete_items() {
  TR_TRY(const auto found, find(request_.key));
  std::int64_t removed = 0;
  if (found) {
    if (found->kind != ValueKind::List) return wrong_kind(found->kind, ValueKind::List);
    TR_TRY(removed, remove_item(*found, "DELETE FROM list_items WHERE entry = ?1 AND value = ?2"));
  }
  encode_count(reply_, removed);
  return {};
}

Result<void> Operation::set_add() {
  TR_TRY(const Entry entry, find_or_insert(ValueKind::Set));
  {
    TR_TRY(auto insert, database_.cached("INSERT INTO set_items (entry, value) VALUES (?1, ?2) "
                                         "ON CONFLICT DO NOTHING"));
    insert->bind(1, entry.id);
    insert->bind(2, request_.value);
    TR_CHECK(insert->step());
  }
  const std::int64_t added = database_.changes();
  if (entry.items + added > static_cast<std::int64_t>(limits_.max_items)) {
    return limit_reached("members in one set", limits_.max_items);
  }
  TR_CHECK(change_items(entry, added, added * cost_of(request_.value)));
  encode_count(reply_, added);
  return {};
}

Result<void> Operation::set_remove() {
  TR_TRY(const auto found, find(request_.key));
  std::int64_t removed = 0;
  if (found) {
    if (found->kind != ValueKind::Set) return wrong_kind(found->kind, ValueKind::Set);
    TR_TRY(removed, remove_item(*found, "DELETE FROM set_items WHERE entry = ?1 AND value = ?2"));
  }
  encode_count(reply_, removed);
  return {};
}

}  // namespace

std::span<const std::string_view> migrations() noexcept {
  return kMigrations;
}

Result<void> run_on_file(Database& database, const SpaceName& space, const Request& request,
                         std::int64_t now, const Limits& limits, Bytes& reply) {
  Operation operation(database, space, request, now, limits, reply);
  return reads_only(request.op) ? operation.read() : operation.write();
}

}  // namespace trellis::providers::keyvalue
