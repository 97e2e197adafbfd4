// Every operation of the contracts that the SDK knows, in one generation. `keyvalue` runs all 14 on
// keys under `t:` of an empty store and answers with a transcript; `log` writes a line of each
// level; `extras` answers `<guid> <sequence> <sequence> <random>` with a random number of 5 to 6;
// `get` gives the text under the key in the payload.

#include "trellis/guest/actor.h"
#include "trellis/guest/extras.h"
#include "trellis/guest/keyvalue.h"
#include "trellis/guest/logging.h"

namespace guest = trellis::guest;

namespace {

class Transcript {
 public:
  void put(const guest::Result<int32_t>& result) {
    if (check(result)) {
      text_.add(*result).add(' ');
    }
  }

  void put(const guest::Result<bool>& result) {
    if (check(result)) {
      text_.add(*result ? guest::Text("yes ") : guest::Text("no "));
    }
  }

  void put(const guest::Result<guest::Text>& result) {
    if (check(result)) {
      text_.add(*result).add(' ');
    }
  }

  void put(const guest::Result<guest::KeyValue::Value>& result) {
    if (check(result)) {
      text_.add(result->exists ? result->text : guest::Text("none")).add(' ');
    }
  }

  // Sets have no order, so only the number of their members and the first letters' sum are told.
  void put(const guest::Result<guest::KeyValue::Texts>& result, bool ordered) {
    if (!check(result)) {
      return;
    }
    if (!ordered) {
      uint32_t sum = 0;
      for (guest::Text text : *result) {
        sum += text.empty() ? 0 : static_cast<uint32_t>(text.data[0] - 'a' + 1);
      }
      text_.add(uint64_t{result->size}).add('/').add(sum).add(' ');
      return;
    }
    for (guest::Text text : *result) {
      text_.add(text);
    }
    text_.add(' ');
  }

  guest::Reply done() const { return text_.bytes(); }

 private:
  template <class T>
  bool check(const guest::Result<T>& result) {
    if (!result) {
      text_.add('[').add(result.error().text).add("] ");
    }
    return static_cast<bool>(result);
  }

  guest::Builder text_;
};

guest::Reply keyvalue(guest::Bytes) {
  guest::KeyValue store;
  Transcript out;
  out.put(store.add("t:n", 5));
  out.put(store.add("t:n", -7));
  out.put(store.get("t:none"));
  out.put(store.set("t:text", "value"));
  out.put(store.get("t:text"));
  out.put(store.exists("t:text"));
  out.put(store.del("t:text"));
  out.put(store.exists("t:text"));
  out.put(store.push("t:list", "c"));
  out.put(store.push("t:list", "b"));
  out.put(store.push("t:list", "a"));
  out.put(store.range("t:list", 0, -1), true);
  out.put(store.range("t:list", 1, 1), true);
  out.put(store.list_item_delete("t:list", "b"));
  out.put(store.range("t:list", 0, -1), true);
  out.put(store.clear("t:list"));
  out.put(store.range("t:list", 0, -1), true);
  out.put(store.set_add("t:one", "a"));
  out.put(store.set_add("t:one", "b"));
  out.put(store.set_add("t:one", "b"));
  out.put(store.set_add("t:two", "b"));
  out.put(store.set_add("t:two", "c"));
  const guest::Text both[] = {"t:one", "t:two"};
  out.put(store.set_union(both), false);
  out.put(store.set_intersection(both), false);
  out.put(store.set_query("t:one"), false);
  out.put(store.set_remove("t:one", "a"));
  out.put(store.set_remove("t:one", "a"));
  out.put(store.set_query("t:one"), false);
  return out.done();
}

guest::Reply log(guest::Bytes payload) {
  for (uint8_t level = 1; level <= 5; ++level) {
    guest::Result<bool> done =
        guest::log(static_cast<guest::Level>(level), guest::text_of(payload), "target");
    if (!done) {
      return done.error();
    }
  }
  return guest::Bytes();
}

guest::Reply extras(guest::Bytes) {
  guest::Extras extras;
  guest::Result<guest::Text> guid = extras.guid();
  guest::Result<uint64_t> first = extras.sequence();
  guest::Result<uint64_t> second = extras.sequence();
  guest::Result<uint32_t> random = extras.random(5, 6);
  if (!guid || !first || !second || !random) {
    return !guid     ? guid.error()
           : !first  ? first.error()
           : !second ? second.error()
                     : random.error();
  }
  guest::Builder text;
  text.add(*guid).add(' ').add(*first).add(' ').add(*second).add(' ').add(*random);
  return text.bytes();
}

guest::Reply get(guest::Bytes key) {
  Transcript out;
  out.put(guest::KeyValue().get(guest::text_of(key)));
  return out.done();
}

}  // namespace

TRELLIS_ACTOR(guest::on("keyvalue", keyvalue), guest::on("log", log), guest::on("extras", extras),
              guest::on("get", get))
