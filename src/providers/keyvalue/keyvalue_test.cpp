#include "trellis/providers/keyvalue/keyvalue.h"

#include <filesystem>
#include <functional>
#include <random>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "trellis/codec/msgpack.h"
#include "trellis/providers/testing/fixture.h"

namespace trellis::providers::keyvalue {
namespace {

using codec::msgpack::Writer;

Bytes pack(const std::function<void(Writer&)>& write) {
  Bytes out;
  Writer writer(out);
  write(writer);
  return out;
}

Bytes key_only(std::string_view key) {
  return pack([key](Writer& w) {
    w.map(1);
    w.text("key");
    w.text(key);
  });
}

Bytes key_value(std::string_view key, std::string_view value) {
  return pack([=](Writer& w) {
    w.map(2);
    w.text("key");
    w.text(key);
    w.text("value");
    w.text(value);
  });
}

Bytes set_request(std::string_view key, std::string_view value, std::int64_t expires) {
  return pack([=](Writer& w) {
    w.map(3);
    w.text("key");
    w.text(key);
    w.text("value");
    w.text(value);
    w.text("expires");
    w.integer(expires);
  });
}

Bytes add_request(std::string_view key, std::int64_t by) {
  return pack([=](Writer& w) {
    w.map(2);
    w.text("key");
    w.text(key);
    w.text("value");
    w.integer(by);
  });
}

Bytes range_request(std::string_view key, std::int64_t start, std::int64_t stop) {
  return pack([=](Writer& w) {
    w.map(3);
    w.text("key");
    w.text(key);
    w.text("start");
    w.integer(start);
    w.text("stop");
    w.integer(stop);
  });
}

Bytes keys_request(const std::vector<std::string>& keys) {
  return pack([&keys](Writer& w) {
    w.map(1);
    w.text("keys");
    w.array(static_cast<std::uint32_t>(keys.size()));
    for (const auto& key : keys) w.text(key);
  });
}

/// A reply as text: "value=x exists=true", "values=[a b]", or "!reason".
std::string show(const Result<core::Reply>& reply) {
  if (!reply) return "!" + std::string(reply.error().reason_text());
  codec::msgpack::Reader reader(reply->payload.view());
  std::string out;
  const auto count = reader.map().value_or(0);
  for (std::uint32_t i = 0; i < count; ++i) {
    if (i > 0) out += ' ';
    out += std::string(reader.text().value_or("?")) + "=";
    const auto token = reader.next();
    if (!token) return out + "cut";
    switch (token->kind) {
      case codec::msgpack::Kind::Text: out += token->text(); break;
      case codec::msgpack::Kind::Boolean: out += token->boolean ? "true" : "false"; break;
      case codec::msgpack::Kind::Unsigned: out += std::to_string(token->number); break;
      case codec::msgpack::Kind::Negative: out += std::to_string(token->negative()); break;
      case codec::msgpack::Kind::Array:
        out += '[';
        for (std::uint32_t n = 0; n < token->count; ++n) {
          if (n > 0) out += ' ';
          out += reader.text().value_or("?");
        }
        out += ']';
        break;
      default: out += "unexpected";
    }
  }
  EXPECT_TRUE(reader.at_end());
  return out;
}

class KeyValueTest : public testing::TestWithParam<bool> {
 protected:
  KeyValueTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "trellis-kv-XXXXXX");
    folder_ = mkdtemp(pattern.data());
    open();
  }

  ~KeyValueTest() override {
    provider_.reset();
    std::filesystem::remove_all(folder_);
  }

  void open(const Limits& limits = {}) {
    provider_.reset();
    Options options{.name = "store", .file = std::nullopt, .limits = limits};
    if (GetParam()) options.file = folder_ + "/counts.db";
    auto made = create(options, pool_);
    ASSERT_TRUE(made) << made.error().message();
    provider_ = *std::move(made);
  }

  Result<core::Reply> call(std::string_view operation, const Bytes& payload) {
    return caller_.call(*provider_, *grant_, operation, payload);
  }

  std::string ask(std::string_view operation, const Bytes& payload) {
    return show(call(operation, payload));
  }

  async::OffloadPool pool_{2, 1000};
  HandClock clock_;
  Caller caller_{clock_};
  std::string folder_;
  std::shared_ptr<const core::Grant> grant_ = router::GrantIssuer::make({});
  std::unique_ptr<provider::Provider> provider_;
};

INSTANTIATE_TEST_SUITE_P(Stores, KeyValueTest, testing::Values(false, true),
                         [](const auto& info) { return info.param ? "File" : "Memory"; });

TEST_P(KeyValueTest, CountersBytesOfTheWireExample) {
  // The host call of the counter actor, as its note records it.
  const auto request = from_hex("82a36b6579a83a666f6f3a626172a576616c756501");
  ASSERT_TRUE(request);
  auto reply = call("Add", *request);
  ASSERT_TRUE(reply) << reply.error().message();
  EXPECT_EQ(to_hex(reply->payload.view()), "81a576616c756501");
  EXPECT_EQ(ask("Add", *request), "value=2");
  auto text = call("Get", key_only(":foo:bar"));
  ASSERT_TRUE(text);
  EXPECT_EQ(to_hex(text->payload.view()), "82a576616c7565a132a6657869737473c3");
}

TEST_P(KeyValueTest, TextsAreSetReadAndRemoved) {
  EXPECT_EQ(ask("Get", key_only("k")), "value= exists=false");
  EXPECT_EQ(ask("Set", set_request("k", "v", 0)), "value=v");
  EXPECT_EQ(ask("Get", key_only("k")), "value=v exists=true");
  EXPECT_EQ(ask("KeyExists", key_only("k")), "value= exists=true");
  EXPECT_EQ(ask("Set", set_request("k", "", 0)), "value=");
  EXPECT_EQ(ask("Get", key_only("k")), "value= exists=true");
  EXPECT_EQ(ask("Add", add_request("k", 1)), "!contract.value");
  EXPECT_EQ(ask("Del", key_only("k")), "key=k");
  EXPECT_EQ(ask("Del", key_only("k")), "key=k");
  EXPECT_EQ(ask("KeyExists", key_only("k")), "value= exists=false");
  const std::string odd("a\0b\xc3\xa9\n", 6);
  EXPECT_EQ(ask("Set", set_request(odd, odd, 0)), "value=" + odd);
  EXPECT_EQ(ask("Get", key_only(odd)), "value=" + odd + " exists=true");
  EXPECT_EQ(ask("Get", key_only("a")), "value= exists=false");
}

TEST_P(KeyValueTest, AddKeepsToThirtyTwoBits) {
  EXPECT_EQ(ask("Add", add_request("n", 2147483647)), "value=2147483647");
  EXPECT_EQ(ask("Add", add_request("n", 1)), "!contract.value");
  EXPECT_EQ(ask("Add", add_request("n", -2147483648LL)), "value=-1");
  EXPECT_EQ(ask("Add", add_request("n", 2147483648LL)), "!contract.malformed");
  EXPECT_EQ(ask("Get", key_only("n")), "value=-1 exists=true");
  EXPECT_EQ(ask("Set", set_request("n", "9999999999", 0)), "value=9999999999");
  EXPECT_EQ(ask("Add", add_request("n", 1)), "!contract.value");
  EXPECT_EQ(ask("Set", set_request("n", "12x", 0)), "value=12x");
  EXPECT_EQ(ask("Add", add_request("n", 1)), "!contract.value");
  EXPECT_EQ(ask("Get", key_only("n")), "value=12x exists=true");
}

TEST_P(KeyValueTest, ListsGrowAtTheHead) {
  EXPECT_EQ(ask("Range", range_request("l", 0, -1)), "values=[]");
  EXPECT_EQ(ask("Push", key_value("l", "a")), "newCount=1 new_count=1");
  EXPECT_EQ(ask("Push", key_value("l", "b")), "newCount=2 new_count=2");
  EXPECT_EQ(ask("Push", key_value("l", "a")), "newCount=3 new_count=3");
  EXPECT_EQ(ask("Range", range_request("l", 0, -1)), "values=[a b a]");
  EXPECT_EQ(ask("Range", range_request("l", 1, 1)), "values=[b]");
  EXPECT_EQ(ask("Range", range_request("l", -2, 100)), "values=[b a]");
  EXPECT_EQ(ask("Range", range_request("l", 2, 1)), "values=[]");
  EXPECT_EQ(ask("Range", range_request("l", -100, 0)), "values=[a]");
  EXPECT_EQ(ask("Range", range_request("l", -2147483648LL, 2147483647)), "values=[a b a]");
  EXPECT_EQ(ask("ListItemDelete", key_value("l", "a")), "newCount=2 new_count=2");
  EXPECT_EQ(ask("ListItemDelete", key_value("l", "a")), "newCount=0 new_count=0");
  EXPECT_EQ(ask("Range", range_request("l", 0, -1)), "values=[b]");
  EXPECT_EQ(ask("ListItemDelete", key_value("l", "b")), "newCount=1 new_count=1");
  EXPECT_EQ(ask("KeyExists", key_only("l")), "value= exists=false");
  EXPECT_EQ(ask("Push", key_value("l", "c")), "newCount=1 new_count=1");
  EXPECT_EQ(ask("Clear", key_only("l")), "key=l");
  EXPECT_EQ(ask("Push", key_value("l", "d")), "newCount=1 new_count=1");
  EXPECT_EQ(ask("Range", range_request("l", 0, -1)), "values=[d]");
}

TEST_P(KeyValueTest, SetsHoldEachMemberOnce) {
  EXPECT_EQ(ask("SetAdd", key_value("s", "b")), "newCount=1 new_count=1");
  EXPECT_EQ(ask("SetAdd", key_value("s", "b")), "newCount=0 new_count=0");
  EXPECT_EQ(ask("SetAdd", key_value("s", "a")), "newCount=1 new_count=1");
  EXPECT_EQ(ask("SetAdd", key_value("t", "b")), "newCount=1 new_count=1");
  EXPECT_EQ(ask("SetAdd", key_value("t", "c")), "newCount=1 new_count=1");
  EXPECT_EQ(ask("SetQuery", key_only("s")), "values=[a b]");
  EXPECT_EQ(ask("SetQuery", key_only("none")), "values=[]");
  EXPECT_EQ(ask("SetUnion", keys_request({"s", "t", "none", "s"})), "values=[a b c]");
  EXPECT_EQ(ask("SetIntersection", keys_request({"s", "t"})), "values=[b]");
  EXPECT_EQ(ask("SetIntersection", keys_request({"s", "none"})), "values=[]");
  EXPECT_EQ(ask("SetIntersection", keys_request({"s", "s"})), "values=[a b]");
  EXPECT_EQ(ask("SetUnion", keys_request({})), "values=[]");
  EXPECT_EQ(ask("SetIntersection", keys_request({})), "values=[]");
  EXPECT_EQ(ask("SetRemove", key_value("s", "x")), "newCount=0 new_count=0");
  EXPECT_EQ(ask("SetRemove", key_value("s", "a")), "newCount=1 new_count=1");
  EXPECT_EQ(ask("SetRemove", key_value("s", "b")), "newCount=1 new_count=1");
  EXPECT_EQ(ask("KeyExists", key_only("s")), "value= exists=false");
}

TEST_P(KeyValueTest, KindsDoNotMix) {
  EXPECT_EQ(ask("Push", key_value("l", "a")), "newCount=1 new_count=1");
  EXPECT_EQ(ask("SetAdd", key_value("s", "a")), "newCount=1 new_count=1");
  EXPECT_EQ(ask("Set", set_request("t", "a", 0)), "value=a");
  EXPECT_EQ(ask("Add", add_request("l", 1)), "!contract.value");
  EXPECT_EQ(ask("Push", key_value("t", "a")), "!contract.value");
  EXPECT_EQ(ask("Push", key_value("s", "a")), "!contract.value");
  EXPECT_EQ(ask("Range", range_request("s", 0, -1)), "!contract.value");
  EXPECT_EQ(ask("ListItemDelete", key_value("t", "a")), "!contract.value");
  EXPECT_EQ(ask("SetAdd", key_value("l", "a")), "!contract.value");
  EXPECT_EQ(ask("SetRemove", key_value("l", "a")), "!contract.value");
  EXPECT_EQ(ask("SetQuery", key_only("t")), "!contract.value");
  EXPECT_EQ(ask("SetUnion", keys_request({"s", "l"})), "!contract.value");
  EXPECT_EQ(ask("Get", key_only("l")), "value= exists=false");
  EXPECT_EQ(ask("KeyExists", key_only("l")), "value= exists=true");
  EXPECT_EQ(ask("Set", set_request("l", "now a text", 0)), "value=now a text");
  EXPECT_EQ(ask("Get", key_only("l")), "value=now a text exists=true");
}

TEST_P(KeyValueTest, ExpiryIsHonouredWhenPositive) {
  EXPECT_EQ(ask("Set", set_request("k", "7", 10)), "value=7");
  EXPECT_EQ(ask("Set", set_request("forever", "7", 0)), "value=7");
  EXPECT_EQ(ask("Set", set_request("negative", "7", -1)), "value=7");
  clock_.advance(std::chrono::seconds(9));
  EXPECT_EQ(ask("Add", add_request("k", 1)), "value=8");
  clock_.advance(std::chrono::seconds(1));
  EXPECT_EQ(ask("Get", key_only("k")), "value= exists=false");
  EXPECT_EQ(ask("KeyExists", key_only("k")), "value= exists=false");
  EXPECT_EQ(ask("Add", add_request("k", 1)), "value=1");
  EXPECT_EQ(ask("Get", key_only("forever")), "value=7 exists=true");
  EXPECT_EQ(ask("Get", key_only("negative")), "value=7 exists=true");
  EXPECT_EQ(ask("Set", set_request("k", "x", 10)), "value=x");
  EXPECT_EQ(ask("Set", set_request("k", "y", 0)), "value=y");
  clock_.advance(std::chrono::hours(1));
  EXPECT_EQ(ask("Get", key_only("k")), "value=y exists=true");
}

TEST_P(KeyValueTest, AcceptsEverySpellingOfTheGenerations) {
  // Positional array, texts as bin, another order, unknown fields, wide integers, trailing bytes.
  EXPECT_EQ(ask("Add", *from_hex("92a16b05")), "value=5");
  EXPECT_EQ(ask("Add", *from_hex("82c4036b6579c4016bc40576616c7565d200000001")), "value=6");
  EXPECT_EQ(ask("Add", *from_hex("83a576616c756501a36b6579a16ba1789100")), "value=7");
  EXPECT_EQ(ask("Add", *from_hex("82a36b6579a16ba576616c7565cf000000000000000100")), "value=8");
  EXPECT_EQ(ask("Set", key_value("k", "no expires field")), "value=no expires field");
  EXPECT_EQ(ask("Get", *from_hex("91a16b")), "value=no expires field exists=true");
}

TEST_P(KeyValueTest, RefusesWhatIsNoRequest) {
  for (const char* hex : {"", "c0", "80", "81a36b6579", "81a36b6579c0", "81a36b657901",
                          "81a36b6579a2c328", "ddffffffff", "dfffffffff", "c1", "a16b"}) {
    EXPECT_EQ(ask("Get", *from_hex(hex)), "!contract.malformed") << hex;
    EXPECT_EQ(ask("SetUnion", *from_hex(hex)), "!contract.malformed") << hex;
  }
  EXPECT_EQ(ask("Set", key_only("k")), "!contract.malformed");
  EXPECT_EQ(ask("Range", key_only("k")), "!contract.malformed");
  EXPECT_EQ(ask("SetUnion", *from_hex("81a46b657973ddffffffff")), "!contract.malformed");
  EXPECT_EQ(ask("Nope", key_only("k")), "!contract.operation");
}

TEST_P(KeyValueTest, EveryKeyMustBePermitted) {
  Terms terms;
  terms.resources = core::NameFilter::of({"mine:*", "exact"});
  grant_ = router::GrantIssuer::make(std::move(terms));
  EXPECT_EQ(ask("Add", add_request("mine:1", 1)), "value=1");
  EXPECT_EQ(ask("Add", add_request("exact", 1)), "value=1");
  for (const char* key : {"", "mine", "exact2", "other"}) {
    EXPECT_EQ(ask("Get", key_only(key)), "!policy.denied") << key;
    EXPECT_EQ(ask("Set", set_request(key, "v", 0)), "!policy.denied") << key;
    EXPECT_EQ(ask("Del", key_only(key)), "!policy.denied") << key;
    EXPECT_EQ(ask("SetUnion", keys_request({"mine:s", key})), "!policy.denied") << key;
    EXPECT_EQ(ask("SetIntersection", keys_request({key, "mine:s"})), "!policy.denied") << key;
  }
  // A key given twice counts as the one that is used: the last.
  EXPECT_EQ(ask("Get", *from_hex("82a36b6579a6"
                                 "6d696e653a31a36b6579a56f74686572")),
            "!policy.denied");
  auto refused = call("Get", key_only("other"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(),
            "Actor MACTOR attempted to call Get on wascc:keyvalue,default - PERMISSION DENIED.");
}

TEST_P(KeyValueTest, SpacesAreApartUnlessALinkNamesThem) {
  const auto grant = [](std::string tenant, std::string holder, const char* store) {
    Terms terms;
    terms.tenant = std::move(tenant);
    terms.holder = std::move(holder);
    if (store != nullptr) terms.values["store"] = store;
    return router::GrantIssuer::make(std::move(terms));
  };
  // A store may be named like an actor; it is still not that actor's own space.
  const std::vector<std::shared_ptr<const core::Grant>> apart = {
      grant("local", "MA", nullptr),  grant("local", "MB", nullptr),  grant("other", "MA", nullptr),
      grant("local", "MA", "counts"), grant("other", "MA", "counts"), grant("local", "MB", "MA"),
      grant("localM", "A", nullptr),  grant("local", "MA", "")};
  for (std::size_t i = 0; i < apart.size(); ++i) {
    auto reply = caller_.call(*provider_, *apart[i], "Add", add_request("k", 1));
    EXPECT_EQ(show(reply), "value=1") << i;
  }
  auto shared =
      caller_.call(*provider_, *grant("local", "MB", "counts"), "Add", add_request("k", 1));
  EXPECT_EQ(show(shared), "value=2");
}

TEST_P(KeyValueTest, LimitsHoldAtTheEdge) {
  Limits limits;
  limits.max_key_bytes = 8;
  limits.max_value_bytes = 100;
  limits.max_items = 3;
  limits.max_request_keys = 4;
  limits.max_space_keys = 5;
  limits.max_space_bytes = 800;
  limits.max_reply_bytes = 150;
  limits.max_combined_items = 6;
  open(limits);
  EXPECT_EQ(ask("Get", key_only(std::string(8, 'k'))), "value= exists=false");
  EXPECT_EQ(ask("Get", key_only(std::string(9, 'k'))), "!provider.limit");
  EXPECT_EQ(ask("Set", set_request("a", std::string(101, 'v'), 0)), "!provider.limit");
  EXPECT_EQ(ask("KeyExists", key_only("a")), "value= exists=false");
  for (int i = 0; i < 3; ++i) {
    call("Push", key_value("l", std::to_string(i))).value();
    call("SetAdd", key_value("s", std::to_string(i))).value();
  }
  EXPECT_EQ(ask("Push", key_value("l", "3")), "!provider.limit");
  EXPECT_EQ(ask("Range", range_request("l", 0, -1)), "values=[2 1 0]");
  EXPECT_EQ(ask("SetAdd", key_value("s", "3")), "!provider.limit");
  EXPECT_EQ(ask("SetAdd", key_value("s", "2")), "newCount=0 new_count=0");
  EXPECT_EQ(ask("SetUnion", keys_request({"s", "s", "s", "s"})), "values=[0 1 2]");
  EXPECT_EQ(ask("SetUnion", keys_request({"s", "s", "s", "s", "s"})), "!provider.limit");
  EXPECT_EQ(ask("Set", set_request("a", std::string(100, 'v'), 5)),
            "value=" + std::string(100, 'v'));
  EXPECT_EQ(ask("Set", set_request("b", std::string(100, 'v'), 0)), "!provider.limit");
  EXPECT_EQ(ask("KeyExists", key_only("b")), "value= exists=false");
  clock_.advance(std::chrono::seconds(5));
  // What has expired makes room.
  EXPECT_EQ(ask("Set", set_request("b", std::string(100, 'v'), 0)),
            "value=" + std::string(100, 'v'));
  call("Clear", key_only("l")).value();
  call("Clear", key_only("s")).value();
  for (int i = 0; i < 4; ++i) call("Set", set_request(std::to_string(i), "", 0)).value();
  EXPECT_EQ(ask("Set", set_request("4", "", 0)), "!provider.limit");
  EXPECT_EQ(ask("Set", set_request("3", "x", 0)), "value=x");
}

TEST_P(KeyValueTest, AddIsAtomicBetweenCores) {
  constexpr int kEach = 200;
  const auto worker = [this] {
    Caller caller;
    for (int i = 0; i < kEach; ++i) {
      auto reply = caller.call(*provider_, *grant_, "Add", add_request("n", 1));
      ASSERT_TRUE(reply) << reply.error().message();
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(worker);
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(ask("Get", key_only("n")), "value=800 exists=true");
}

using KeyValueFile = KeyValueTest;

INSTANTIATE_TEST_SUITE_P(File, KeyValueFile, testing::Values(true));

TEST_P(KeyValueFile, DataOutlivesTheProcessThatWroteIt) {
  EXPECT_EQ(ask("Add", add_request("n", 41)), "value=41");
  EXPECT_EQ(ask("Push", key_value("l", "a")), "newCount=1 new_count=1");
  EXPECT_EQ(ask("SetAdd", key_value("s", "m")), "newCount=1 new_count=1");
  EXPECT_EQ(ask("Set", set_request("gone", "x", 5)), "value=x");
  // What another process would see now, without this one being closed: a copy of the files.
  const std::string copy = folder_ + "/copy.db";
  for (const std::string suffix : {"", "-wal"}) {
    std::filesystem::copy_file(folder_ + "/counts.db" + suffix, copy + suffix);
  }
  auto second = create({.name = "copy", .file = copy, .limits = {}}, pool_);
  ASSERT_TRUE(second) << second.error().message();
  EXPECT_EQ(show(caller_.call(**second, *grant_, "Add", add_request("n", 1))), "value=42");
  open();
  clock_.advance(std::chrono::seconds(5));
  EXPECT_EQ(ask("Add", add_request("n", 1)), "value=42");
  EXPECT_EQ(ask("Range", range_request("l", 0, -1)), "values=[a]");
  EXPECT_EQ(ask("SetQuery", key_only("s")), "values=[m]");
  EXPECT_EQ(ask("Get", key_only("gone")), "value= exists=false");
}

/// Both stores must answer alike, whatever is asked.
TEST(KeyValueDifferential, MemoryAndFileAgreeOnRandomPrograms) {
  std::string pattern = (std::filesystem::temp_directory_path() / "trellis-kv-XXXXXX");
  const std::string folder = mkdtemp(pattern.data());
  {
    async::OffloadPool pool(1, 100);
    Limits limits;
    limits.max_items = 6;
    limits.max_space_bytes = 4000;
    limits.max_space_keys = 6;
    auto memory = create({.name = "m", .file = std::nullopt, .limits = limits}, pool);
    auto file = create({.name = "f", .file = folder + "/d.db", .limits = limits}, pool);
    ASSERT_TRUE(memory);
    ASSERT_TRUE(file);
    HandClock clock;
    Caller caller(clock);
    const auto grant = router::GrantIssuer::make({});
    std::mt19937 random(7);
    const auto pick = [&random](unsigned bound) { return random() % bound; };
    for (int i = 0; i < 400; ++i) {
      const std::string key(1, static_cast<char>('a' + pick(8)));
      const std::string value(pick(2) == 0 ? pick(300) : 1, static_cast<char>('0' + pick(4)));
      constexpr std::array kOps = {
          "Get",       "Set",      "Add",      "KeyExists",      "Del",
          "Clear",     "Range",    "Push",     "SetAdd",         "ListItemDelete",
          "SetRemove", "SetQuery", "SetUnion", "SetIntersection"};
      const std::string operation = kOps[pick(kOps.size())];
      Bytes payload = key_value(key, value);
      if (operation == "Set") payload = set_request(key, value, pick(3) == 0 ? 2 : 0);
      if (operation == "Add") payload = add_request(key, static_cast<int>(pick(100)) - 50);
      if (operation == "Range") {
        payload =
            range_request(key, static_cast<int>(pick(12)) - 6, static_cast<int>(pick(12)) - 6);
      }
      if (operation.starts_with("SetUnion") || operation.starts_with("SetInter")) {
        payload = keys_request({key, std::string(1, static_cast<char>('a' + pick(8)))});
      }
      const std::string one = show(caller.call(**memory, *grant, operation, payload));
      const std::string two = show(caller.call(**file, *grant, operation, payload));
      ASSERT_EQ(one, two) << i << " " << operation << " " << key;
      if (pick(10) == 0) clock.advance(std::chrono::seconds(1));
    }
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace trellis::providers::keyvalue
