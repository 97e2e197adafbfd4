#include "trellis/providers/keyvalue/memory_store.h"

#include <algorithm>
#include <bitset>
#include <charconv>
#include <iterator>

namespace trellis::providers::keyvalue {
namespace {

ValueKind kind_of(std::size_t index) noexcept {
  return static_cast<ValueKind>(index + 1);
}

std::int64_t cost_of(std::string_view text) noexcept {
  return static_cast<std::int64_t>(text.size() + kEntryOverheadBytes);
}

std::int64_t count_of(std::size_t size) noexcept {
  return static_cast<std::int64_t>(size);
}

}  // namespace

MemoryStore::KeyView MemoryStore::view_of(const SpaceName& space,
                                          std::string_view key) const noexcept {
  SipHash13 hash(hash_key_);
  hash.add(space.tenant);
  hash.add(space.name);
  hash.add(key);
  return {hash.finish(), space, key};
}

Result<void> MemoryStore::run(const SpaceName& space, const Request& request, const Clock& clock,
                              Bytes& reply) {
  auto done = run_once(space, request, clock, reply);
  if (done || done.error().reason() != Reason::ProviderLimit) return done;
  // What has expired still counts until somebody meets it.
  if (drop_expired(clock) == 0) return done;
  return run_once(space, request, clock, reply);
}

Result<void> MemoryStore::run_once(const SpaceName& space, const Request& request,
                                   const Clock& clock, Bytes& reply) {
  if (request.op == Op::SetUnion || request.op == Op::SetIntersection) {
    return combine(space, request, clock, reply);
  }
  const KeyView key = view_of(space, request.key);
  Access access{
      .shard = shard_of(key), .key = key, .request = request, .clock = clock, .reply = reply};
  const std::lock_guard lock(access.shard.mutex);
  return run_locked(access);
}

Result<void> MemoryStore::run_locked(Access& access) {
  switch (access.request.op) {
    case Op::Get: {
      const auto found = find(access);
      const auto* text = found == access.shard.map.end()
                             ? nullptr
                             : std::get_if<std::string>(&found->second.value);
      // A list or a set has no text: the original answers as if the key were not there.
      const std::string_view value = text == nullptr ? std::string_view() : *text;
      encode_value(access.reply, value, text != nullptr);
      return {};
    }
    case Op::KeyExists:
      encode_value(access.reply, "", find(access) != access.shard.map.end());
      return {};
    case Op::Del:
    case Op::Clear: {
      const auto found = find(access);
      if (found != access.shard.map.end()) erase(access, found);
      encode_key(access.reply, access.request.key);
      return {};
    }
    case Op::Set: return set(access);
    case Op::Add: return add(access);
    case Op::Range: return range(access);
    case Op::Push: return push(access);
    case Op::ListItemDelete: return delete_items(access);
    case Op::SetAdd: return set_add(access);
    case Op::SetRemove: return set_remove(access);
    case Op::SetQuery: return set_query(access);
    case Op::SetUnion:
    case Op::SetIntersection: break;
  }
  return fail(Reason::Internal, "a keyvalue operation took the wrong way");
}

MemoryStore::Map::iterator MemoryStore::find(Access& access) {
  const auto found = access.shard.map.find(access.key);
  if (found == access.shard.map.end() || found->second.expires == TimePoint::max()) return found;
  if (access.clock.now() < found->second.expires) return found;
  erase(access, found);
  return access.shard.map.end();
}

Result<MemoryStore::Map::iterator> MemoryStore::find_or_insert(Access& access, Value initial) {
  const auto found = find(access);
  if (found != access.shard.map.end()) {
    if (found->second.value.index() == initial.index()) return found;
    return wrong_kind(kind_of(found->second.value.index()), kind_of(initial.index()));
  }
  Space& space = space_of(access.key.space);
  if (space.keys.fetch_add(1) >= static_cast<std::int64_t>(limits_.max_space_keys)) {
    space.keys.fetch_sub(1);
    return limit_reached("keys in one store", limits_.max_space_keys);
  }
  Entry entry;
  entry.value = std::move(initial);
  const auto inserted =
      access.shard.map
          .emplace(Key{access.key.hash, &space, std::string(access.key.text)}, std::move(entry))
          .first;
  auto charged = charge(inserted->first, inserted->second, cost_of(access.key.text));
  if (charged) return inserted;
  erase(access, inserted);
  return std::unexpected(std::move(charged).error());
}

void MemoryStore::erase(Access& access, Map::iterator entry) {
  access.dropped_entry = extract(access.shard, entry);
}

MemoryStore::Map::node_type MemoryStore::extract(Shard& shard, Map::iterator entry) {
  set_expiry(shard, entry->first, entry->second, TimePoint::max());
  Space& space = *entry->first.space;
  space.keys.fetch_sub(1);
  space.bytes.fetch_sub(entry->second.charged);
  return shard.map.extract(entry);
}

Result<void> MemoryStore::charge(const Key& key, Entry& entry, std::int64_t bytes) const {
  std::atomic<std::int64_t>& total = key.space->bytes;
  const std::int64_t before = total.fetch_add(bytes);
  if (bytes > 0 && before + bytes > static_cast<std::int64_t>(limits_.max_space_bytes)) {
    total.fetch_sub(bytes);
    return limit_reached("bytes in one store", limits_.max_space_bytes);
  }
  entry.charged += bytes;
  return {};
}

void MemoryStore::set_expiry(Shard& shard, const Key& key, Entry& entry, TimePoint expires) {
  if (entry.expires == expires) return;
  if (entry.expires != TimePoint::max()) shard.expiring.erase({entry.expires, &key});
  entry.expires = expires;
  if (expires != TimePoint::max()) shard.expiring.emplace(expires, &key);
}

MemoryStore::Space& MemoryStore::space_of(const SpaceName& name) {
  const std::lock_guard lock(spaces_mutex_);
  const auto found = spaces_.find(std::tuple(name.tenant, name.shared, name.name));
  if (found != spaces_.end()) return *found->second;
  auto space = std::make_unique<Space>();
  space->tenant = name.tenant;
  space->shared = name.shared;
  space->name = name.name;
  std::tuple key(space->tenant, space->shared, space->name);
  return *spaces_.emplace(std::move(key), std::move(space)).first->second;
}

std::size_t MemoryStore::drop_expired(const Clock& clock) {
  const TimePoint now = clock.now();
  std::size_t count = 0;
  for (Shard& shard : shards_) {
    std::vector<Map::node_type> dropped;
    const std::lock_guard lock(shard.mutex);
    while (!shard.expiring.empty() && shard.expiring.begin()->first <= now) {
      dropped.push_back(extract(shard, shard.map.find(*shard.expiring.begin()->second)));
    }
    count += dropped.size();
  }
  return count;
}

Result<void> MemoryStore::set(Access& access) {
  const std::string_view value = access.request.value;
  auto found = find(access);
  const bool fresh = found == access.shard.map.end();
  if (fresh) {
    TR_TRY(found, find_or_insert(access, std::string()));
  }
  Entry& entry = found->second;
  // Whatever was there, of whatever kind, is replaced.
  const std::int64_t wanted = cost_of(access.key.text) + count_of(value.size());
  auto charged = charge(found->first, entry, wanted - entry.charged);
  if (!charged) {
    if (fresh) erase(access, found);
    return std::unexpected(std::move(charged).error());
  }
  if (auto* text = std::get_if<std::string>(&entry.value)) {
    text->assign(value);
  } else {
    access.dropped_value = std::exchange(entry.value, std::string(value));
  }
  TimePoint expires = TimePoint::max();
  if (access.request.expires_seconds > 0) {
    expires = access.clock.now() + std::chrono::seconds(access.request.expires_seconds);
  }
  set_expiry(access.shard, found->first, entry, expires);
  encode_set(access.reply, value);
  return {};
}

Result<void> MemoryStore::add(Access& access) {
  const auto found = find(access);
  std::string_view present = "0";
  if (found != access.shard.map.end()) {
    const auto* text = std::get_if<std::string>(&found->second.value);
    if (text == nullptr) return wrong_kind(kind_of(found->second.value.index()), ValueKind::Text);
    present = *text;
  }
  TR_TRY(const std::int32_t sum, add_to_text(present, access.request.number));
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.begin(), digits.end(), sum).ptr;
  const std::string_view text(digits.data(), static_cast<std::size_t>(end - digits.data()));
  if (found != access.shard.map.end()) {
    std::get<std::string>(found->second.value).assign(text);
  } else {
    TR_TRY(const auto made, find_or_insert(access, std::string()));
    std::get<std::string>(made->second.value).assign(text);
  }
  encode_number(access.reply, sum);
  return {};
}

Result<void> MemoryStore::range(Access& access) {
  std::vector<std::string_view> values;
  const auto found = find(access);
  if (found != access.shard.map.end()) {
    const auto* list = std::get_if<List>(&found->second.value);
    if (list == nullptr) return wrong_kind(kind_of(found->second.value.index()), ValueKind::List);
    const Slice slice = slice_of(access.request.start, access.request.stop, list->size());
    const auto begin = list->begin();
    values.assign(begin + count_of(slice.first), begin + count_of(slice.last));
  }
  return encode_values(access.reply, values, limits_);
}

Result<void> MemoryStore::push(Access& access) {
  TR_TRY(const auto found, find_or_insert(access, List()));
  auto& list = std::get<List>(found->second.value);
  auto allowed = list.size() >= limits_.max_items
                     ? limit_reached("items in one list", limits_.max_items)
                     : charge(found->first, found->second, cost_of(access.request.value));
  if (!allowed) {
    if (list.empty()) erase(access, found);
    return std::unexpected(std::move(allowed).error());
  }
  list.emplace_front(access.request.value);
  encode_count(access.reply, count_of(list.size()));
  return {};
}

Result<void> MemoryStore::delete_items(Access& access) {
  const auto found = find(access);
  if (found == access.shard.map.end()) {
    encode_count(access.reply, 0);
    return {};
  }
  auto* list = std::get_if<List>(&found->second.value);
  if (list == nullptr) return wrong_kind(kind_of(found->second.value.index()), ValueKind::List);
  const auto removed = count_of(std::erase(*list, access.request.value));
  TR_CHECK(charge(found->first, found->second, -removed * cost_of(access.request.value)));
  if (list->empty()) erase(access, found);
  encode_count(access.reply, removed);
  return {};
}

Result<void> MemoryStore::set_add(Access& access) {
  TR_TRY(const auto found, find_or_insert(access, Set()));
  auto& set = std::get<Set>(found->second.value);
  if (set.contains(access.request.value)) {
    encode_count(access.reply, 0);
    return {};
  }
  auto allowed = set.size() >= limits_.max_items
                     ? limit_reached("members in one set", limits_.max_items)
                     : charge(found->first, found->second, cost_of(access.request.value));
  if (!allowed) {
    if (set.empty()) erase(access, found);
    return std::unexpected(std::move(allowed).error());
  }
  set.emplace(access.request.value);
  encode_count(access.reply, 1);
  return {};
}

Result<void> MemoryStore::set_remove(Access& access) {
  const auto found = find(access);
  std::int64_t removed = 0;
  if (found != access.shard.map.end()) {
    auto* set = std::get_if<Set>(&found->second.value);
    if (set == nullptr) return wrong_kind(kind_of(found->second.value.index()), ValueKind::Set);
    const auto member = set->find(access.request.value);
    if (member != set->end()) {
      removed = 1;
      set->erase(member);
      TR_CHECK(charge(found->first, found->second, -cost_of(access.request.value)));
      if (set->empty()) erase(access, found);
    }
  }
  encode_count(access.reply, removed);
  return {};
}

Result<void> MemoryStore::set_query(Access& access) {
  std::vector<std::string_view> values;
  const auto found = find(access);
  if (found != access.shard.map.end()) {
    const auto* set = std::get_if<Set>(&found->second.value);
    if (set == nullptr) return wrong_kind(kind_of(found->second.value.index()), ValueKind::Set);
    values.assign(set->begin(), set->end());
  }
  return encode_values(access.reply, values, limits_);
}

Result<const MemoryStore::Set*> MemoryStore::set_at(const KeyView& key, const Clock& clock) {
  static const Set no_members;
  const Map& map = shard_of(key).map;
  const auto found = map.find(key);
  if (found == map.end()) return &no_members;
  if (found->second.expires != TimePoint::max() && clock.now() >= found->second.expires) {
    return &no_members;
  }
  const auto* set = std::get_if<Set>(&found->second.value);
  if (set == nullptr) return wrong_kind(kind_of(found->second.value.index()), ValueKind::Set);
  return set;
}

Result<std::vector<std::string_view>> MemoryStore::united(std::vector<const Set*>& sets) const {
  sets.erase(std::ranges::unique(sets).begin(), sets.end());
  std::size_t total = 0;
  for (const Set* set : sets) total += set->size();
  if (total > limits_.max_combined_items) {
    return limit_reached("members in one union", limits_.max_combined_items);
  }
  std::vector<std::string_view> values;
  values.reserve(total);
  for (const Set* set : sets) values.insert(values.end(), set->begin(), set->end());
  std::ranges::sort(values);
  values.erase(std::ranges::unique(values).begin(), values.end());
  return values;
}

Result<std::vector<std::string_view>> MemoryStore::common(
    const std::vector<const Set*>& sets) const {
  std::vector<std::string_view> values;
  if (sets.empty() || sets.front()->empty()) return values;
  if (sets.front()->size() * sets.size() > limits_.max_combined_items) {
    return limit_reached("members in one intersection", limits_.max_combined_items);
  }
  for (const std::string& member : *sets.front()) {
    const bool everywhere =
        std::ranges::all_of(sets, [&member](const Set* set) { return set->contains(member); });
    if (everywhere) values.emplace_back(member);
  }
  return values;
}

Result<void> MemoryStore::combine(const SpaceName& space, const Request& request,
                                  const Clock& clock, Bytes& reply) {
  std::vector<KeyView> keys;
  keys.reserve(request.keys.size());
  std::bitset<kShards> wanted;
  for (const std::string_view key : request.keys) {
    keys.push_back(view_of(space, key));
    wanted.set(keys.back().hash >> 58U);
  }
  // All sets at one moment. Always in this order, so two requests never wait for each other.
  std::vector<std::unique_lock<std::mutex>> locks;
  for (std::size_t i = 0; i < kShards; ++i) {
    if (wanted.test(i)) locks.emplace_back(shards_[i].mutex);
  }
  std::vector<const Set*> sets;
  for (const KeyView& key : keys) {
    TR_TRY(const Set* const members, set_at(key, clock));
    sets.push_back(members);
  }
  std::ranges::sort(sets, {}, [](const Set* set) { return set->size(); });
  const bool all = request.op == Op::SetUnion;
  TR_TRY(const auto values, all ? united(sets) : common(sets));
  return encode_values(reply, values, limits_);
}

}  // namespace trellis::providers::keyvalue
