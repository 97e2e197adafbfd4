// The store in memory, shared by all cores of the host: shards, each with a lock that is held for
// the time of one operation and never across a suspension.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "trellis/base/bytes.h"
#include "trellis/base/clock.h"
#include "trellis/base/error.h"
#include "trellis/providers/keyvalue/hash.h"
#include "trellis/providers/keyvalue/request.h"

namespace trellis::providers::keyvalue {

/// Whose keys: those of a named store of a tenant, or one actor's own. Views.
struct SpaceName {
  std::string_view tenant;
  bool shared = false;    // a store that links name, not an actor's own
  std::string_view name;  // of the store, or the actor's subject

  auto operator<=>(const SpaceName&) const = default;
};

class MemoryStore {
 public:
  MemoryStore(const Limits& limits, const HashKey& key) : limits_(limits), hash_key_(key) {}

  MemoryStore(const MemoryStore&) = delete;
  MemoryStore& operator=(const MemoryStore&) = delete;

  /// Runs one operation, atomically, and appends its reply. Any thread. After an error `reply` is
  /// not used and nothing has changed.
  Result<void> run(const SpaceName& space, const Request& request, const Clock& clock,
                   Bytes& reply);

 private:
  using List = std::deque<std::string>;
  using Set = std::set<std::string, std::less<>>;
  using Value = std::variant<std::string, List, Set>;  // in the order of ValueKind

  /// Never removed: there are as many as links name.
  struct Space {
    std::string tenant;
    bool shared = false;
    std::string name;
    std::atomic<std::int64_t> keys{0};
    std::atomic<std::int64_t> bytes{0};

    bool is(const SpaceName& other) const noexcept {
      return shared == other.shared && name == other.name && tenant == other.tenant;
    }
  };

  struct Key {
    std::uint64_t hash;
    Space* space;
    std::string text;
  };

  struct KeyView {
    std::uint64_t hash;
    const SpaceName& space;
    std::string_view text;
  };

  struct HashOf {
    using is_transparent = void;

    std::size_t operator()(const Key& key) const noexcept { return key.hash; }

    std::size_t operator()(const KeyView& key) const noexcept { return key.hash; }
  };

  struct SameKey {
    using is_transparent = void;

    bool operator()(const Key& a, const Key& b) const noexcept {
      return a.space == b.space && a.text == b.text;
    }

    bool operator()(const KeyView& a, const Key& b) const noexcept {
      return a.text == b.text && b.space->is(a.space);
    }

    bool operator()(const Key& a, const KeyView& b) const noexcept { return (*this)(b, a); }
  };

  struct Entry {
    Value value;
    TimePoint expires = TimePoint::max();
    std::int64_t charged = 0;  // bytes counted in the space
  };

  using Map = std::unordered_map<Key, Entry, HashOf, SameKey>;

  struct alignas(64) Shard {
    std::mutex mutex;
    Map map;
    /// The entries that expire, soonest first; map nodes do not move.
    std::set<std::pair<TimePoint, const Key*>> expiring;
  };

  /// One operation on one key. Made before the lock is taken, so that what it drops is freed after
  /// the lock is gone.
  struct Access {
    Shard& shard;
    const KeyView& key;
    const Request& request;
    const Clock& clock;
    Bytes& reply;
    Map::node_type dropped_entry = {};
    Value dropped_value = {};
  };

  static constexpr std::size_t kShards = 64;

  KeyView view_of(const SpaceName& space, std::string_view key) const noexcept;

  Shard& shard_of(const KeyView& key) noexcept { return shards_[key.hash >> 58U]; }

  static Map::iterator find(Access& access);
  Result<Map::iterator> find_or_insert(Access& access, Value initial);
  static void erase(Access& access, Map::iterator entry);
  Result<void> charge(const Key& key, Entry& entry, std::int64_t bytes) const;
  static void set_expiry(Shard& shard, const Key& key, Entry& entry, TimePoint expires);
  static Map::node_type extract(Shard& shard, Map::iterator entry);
  Space& space_of(const SpaceName& name);
  std::size_t drop_expired(const Clock& clock);

  Result<void> run_once(const SpaceName& space, const Request& request, const Clock& clock,
                        Bytes& reply);
  Result<void> run_locked(Access& access);
  Result<void> add(Access& access);
  Result<void> set(Access& access);
  Result<void> range(Access& access);
  Result<void> push(Access& access);
  Result<void> delete_items(Access& access);
  Result<void> set_add(Access& access);
  Result<void> set_remove(Access& access);
  Result<void> set_query(Access& access);
  Result<void> combine(const SpaceName& space, const Request& request, const Clock& clock,
                       Bytes& reply);
  Result<std::vector<std::string_view>> united(std::vector<const Set*>& sets) const;
  Result<std::vector<std::string_view>> common(const std::vector<const Set*>& sets) const;
  Result<const Set*> set_at(const KeyView& key, const Clock& clock);

  Limits limits_;
  HashKey hash_key_;
  std::array<Shard, kShards> shards_;
  std::mutex spaces_mutex_;
  std::map<std::tuple<std::string, bool, std::string>, std::unique_ptr<Space>, std::less<>> spaces_;
};

}  // namespace trellis::providers::keyvalue
