// The keyvalue contract: counters, texts, lists and sets of texts under a key. An operation on a
// key that holds another type is an error; so is one that the link's `allow` does not grant.
#pragma once

#include "trellis/guest/contracts.h"
#include "trellis/guest/host.h"
#include "trellis/guest/msgpack.h"

namespace trellis::guest {

// A store over one link. Costs nothing to make: `KeyValue().add("visits", 1)`.
class KeyValue {
 public:
  // A text that may not be there.
  struct Value {
    Text text;
    bool exists = false;
  };

  using Texts = List<Text>;

  explicit KeyValue(Text binding = "default", Text contract = kKeyValue)
      : binding_(binding), contract_(contract) {}

  // Adds to a counter that starts at 0; the new number.
  Result<int32_t> add(Text key, int32_t by) const {
    msgpack::Writer writer;
    writer.map(2).field("key", key).field("value", by);
    return number("Add", writer.bytes());
  }

  Result<Value> get(Text key) const { return value("Get", key); }

  Result<bool> exists(Text key) const {
    Result<Value> found = value("KeyExists", key);
    if (!found) {
      return found.error();
    }
    return found->exists;
  }

  // The value as stored. `expires` is in seconds, 0 for never.
  Result<Text> set(Text key, Text value, int32_t expires = 0) const {
    msgpack::Writer writer;
    writer.map(3).field("key", key).field("value", value).field("expires", expires);
    return text("Set", "value", writer.bytes());
  }

  // Both remove the key with whatever it holds, and give the key.
  Result<Text> del(Text key) const { return text("Del", "key", one_key(key)); }

  Result<Text> clear(Text key) const { return text("Clear", "key", one_key(key)); }

  // Lists. Indices count from 0, negative ones from the end; both ends are included.
  Result<Texts> range(Text key, int32_t start, int32_t stop) const {
    msgpack::Writer writer;
    writer.map(3).field("key", key).field("start", start).field("stop", stop);
    return texts("Range", writer.bytes());
  }

  // Puts a value at the head; the new length.
  Result<int32_t> push(Text key, Text value) const { return change("Push", key, value); }

  // Removes all equal values; the number removed.
  Result<int32_t> list_item_delete(Text key, Text value) const {
    return change("ListItemDelete", key, value);
  }

  // Sets: the number changed, 0 or 1.
  Result<int32_t> set_add(Text key, Text value) const { return change("SetAdd", key, value); }

  Result<int32_t> set_remove(Text key, Text value) const { return change("SetRemove", key, value); }

  Result<Texts> set_query(Text key) const { return texts("SetQuery", one_key(key)); }

  template <size_t N>
  Result<Texts> set_union(const Text (&keys)[N]) const {
    return texts("SetUnion", many_keys(keys, N));
  }

  template <size_t N>
  Result<Texts> set_intersection(const Text (&keys)[N]) const {
    return texts("SetIntersection", many_keys(keys, N));
  }

 private:
  static Bytes one_key(Text key) {
    msgpack::Writer writer;
    writer.map(1).field("key", key);
    return writer.bytes();
  }

  static Bytes many_keys(const Text* keys, size_t count) {
    msgpack::Writer writer;
    writer.map(1).text("keys").array(static_cast<uint32_t>(count));
    for (size_t i = 0; i < count; ++i) {
      writer.text(keys[i]);
    }
    return writer.bytes();
  }

  static Error malformed() { return Error{"the reply does not fit the contract keyvalue"}; }

  // Calls and hands each field of the reply's struct to `on_field(reader, index)`.
  template <size_t N, class OnField>
  Result<bool> call(Text operation, Bytes payload, const Text (&names)[N], OnField on_field) const {
    Result<Bytes> reply = host_call(binding_, contract_, operation, payload);
    if (!reply) {
      return reply.error();
    }
    msgpack::Reader reader(*reply);
    if (!msgpack::read_struct(reader, names, [&](size_t field) { on_field(reader, field); })) {
      return malformed();
    }
    return true;
  }

  // `value` of Add, `newCount` of the others; 2021 spells it new_count.
  Result<int32_t> number(Text operation, Bytes payload) const {
    static constexpr Text kNames[] = {"value", "newCount", "new_count"};
    int32_t found = 0;
    Result<bool> done = call(operation, payload, kNames,
                             [&](msgpack::Reader& reader, size_t) { found = reader.int32(); });
    if (!done) {
      return done.error();
    }
    return found;
  }

  Result<int32_t> change(Text operation, Text key, Text value) const {
    msgpack::Writer writer;
    writer.map(2).field("key", key).field("value", value);
    return number(operation, writer.bytes());
  }

  Result<Text> text(Text operation, Text name, Bytes payload) const {
    const Text names[] = {name};
    Text found;
    Result<bool> done = call(operation, payload, names,
                             [&](msgpack::Reader& reader, size_t) { found = reader.text(); });
    if (!done) {
      return done.error();
    }
    return found;
  }

  Result<Value> value(Text operation, Text key) const {
    static constexpr Text kNames[] = {"value", "exists"};
    Value found;
    Result<bool> done =
        call(operation, one_key(key), kNames, [&](msgpack::Reader& reader, size_t field) {
          if (field == 0) {
            found.text = reader.text();
          } else {
            found.exists = reader.boolean();
          }
        });
    if (!done) {
      return done.error();
    }
    return found;
  }

  Result<Texts> texts(Text operation, Bytes payload) const {
    static constexpr Text kNames[] = {"values"};
    Texts found;
    Result<bool> done = call(operation, payload, kNames, [&](msgpack::Reader& reader, size_t) {
      uint32_t count = reader.array();
      found = Texts{allocate_array<Text>(count), count};
      for (uint32_t i = 0; i < count; ++i) {
        found.items[i] = reader.text();
      }
    });
    if (!done) {
      return done.error();
    }
    return found;
  }

  Text binding_;
  Text contract_;
};

}  // namespace trellis::guest
