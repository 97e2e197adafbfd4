#include "trellis/providers/extras/extras.h"

#include <algorithm>
#include <set>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "trellis/codec/msgpack.h"
#include "trellis/providers/testing/fixture.h"

namespace trellis::providers::extras {
namespace {

using codec::msgpack::Reader;

class ExtrasTest : public testing::Test {
 protected:
  Result<core::Reply> call(std::string_view operation, std::string_view hex) {
    return caller_.call(*provider_, *grant_, operation, *from_hex(hex));
  }

  Caller caller_;
  std::unique_ptr<provider::Provider> provider_ = create("extras");
  std::shared_ptr<const core::Grant> grant_ =
      router::GrantIssuer::make({.contract = "wascc:extras"});
};

/// The fields guid, sequenceNumber, randomNumber, random_number, in this order.
struct Fields {
  std::optional<std::string> guid;
  std::uint64_t sequence = 0;
  std::uint64_t random = 0;
  std::uint64_t random_2021 = 0;
};

Fields fields_of(const core::Reply& reply) {
  Fields fields;
  Reader reader(reply.payload.view());
  EXPECT_EQ(reader.map(), 4U);
  EXPECT_EQ(reader.text(), "guid");
  if (!reader.take_nil()) fields.guid = reader.text().value_or("?");
  EXPECT_EQ(reader.text(), "sequenceNumber");
  fields.sequence = reader.unsigned_integer().value_or(99);
  EXPECT_EQ(reader.text(), "randomNumber");
  fields.random = reader.unsigned_integer().value_or(999);
  EXPECT_EQ(reader.text(), "random_number");
  fields.random_2021 = reader.unsigned_integer().value_or(999);
  EXPECT_TRUE(reader.at_end());
  EXPECT_FALSE(reader.failed());
  return fields;
}

bool is_uuid4(std::string_view text) {
  if (text.size() != 36 || text[14] != '4') return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : std::string_view("0123456789abcdef").find(text[i]) == text.npos) {
      return false;
    }
  }
  return std::string_view("89ab").find(text[19]) != std::string_view::npos;
}

/// The bytes that the note gives as an example: random in 0..100.
constexpr std::string_view kRandomExample =
    "85a467756964c2a873657175656e6365c2a672616e646f6dc3a36d696e00a36d617864";

TEST_F(ExtrasTest, TheStructsOf2020) {
  auto random = call("RequestRandom", kRandomExample);
  ASSERT_TRUE(random) << random.error().message();
  const Fields fields = fields_of(*random);
  EXPECT_EQ(fields.guid, std::nullopt);
  EXPECT_LT(fields.random, 100U);
  EXPECT_EQ(fields.random, fields.random_2021);

  auto guid =
      call("RequestGuid", "85a467756964c3a873657175656e6365c2a672616e646f6dc2a36d696e00a36d617800");
  ASSERT_TRUE(guid);
  EXPECT_TRUE(is_uuid4(fields_of(*guid).guid.value_or("")));
  const std::string_view sequence =
      "85a467756964c2a873657175656e6365c3a672616e646f6dc2a36d696e00a36d617800";
  EXPECT_EQ(fields_of(call("RequestSequence", sequence).value()).sequence, 0U);
  EXPECT_EQ(fields_of(call("RequestSequence", "95c2c3c20000").value()).sequence, 1U);
  // Without its flag an operation answers the empty result.
  EXPECT_EQ(to_hex(call("RequestGuid", sequence).value().payload.view()),
            "84a467756964c0ae73657175656e63654e756d62657200ac72616e646f6d4e756d62657200"
            "ad72616e646f6d5f6e756d62657200");
}

TEST_F(ExtrasTest, TheBareValuesOf2021) {
  auto guid = call("RequestGuid", "");
  ASSERT_TRUE(guid);
  Reader text(guid->payload.view());
  EXPECT_TRUE(is_uuid4(text.text().value_or("")));
  EXPECT_EQ(to_hex(call("RequestSequence", "80").value().payload.view()), "00");
  EXPECT_EQ(to_hex(call("RequestSequence", "c0").value().payload.view()), "01");
  for (const char* hex : {"82a36d696e05a36d617806", "920506"}) {
    EXPECT_EQ(to_hex(call("RequestRandom", hex).value().payload.view()), "05") << hex;
  }
  // The whole range but for its end.
  EXPECT_TRUE(call("RequestRandom", "82a36d696e00a36d6178ceffffffff"));
}

TEST_F(ExtrasTest, AnEmptyRangeIsAnErrorAndNoCrash) {
  for (const char* hex :
       {"82a36d696e05a36d617805", "82a36d696e06a36d617805", "",
        "85a467756964c2a873657175656e6365c2a672616e646f6dc3a36d696e64a36d617800"}) {
    auto refused = call("RequestRandom", hex);
    ASSERT_FALSE(refused) << hex;
    EXPECT_EQ(refused.error().reason(), Reason::ContractValue);
  }
  auto negative = call("RequestRandom", "82a36d696effa36d617805");
  ASSERT_FALSE(negative);
  EXPECT_EQ(negative.error().reason(), Reason::ContractMalformed);
  EXPECT_EQ(call("RequestNothing", "").error().reason(), Reason::ContractOperation);
}

TEST_F(ExtrasTest, EveryNumberOfARangeComes) {
  std::set<std::string> seen;
  for (int i = 0; i < 400; ++i) {
    seen.insert(to_hex(call("RequestRandom", "920a0d").value().payload.view()));
  }
  EXPECT_EQ(seen, (std::set<std::string>{"0a", "0b", "0c"}));
}

TEST_F(ExtrasTest, SequencesBelongToActorsAndTenants) {
  const auto ask = [this](std::string tenant, std::string holder) {
    const auto grant =
        router::GrantIssuer::make({.holder = std::move(holder), .tenant = std::move(tenant)});
    auto reply = caller_.call(*provider_, *grant, "RequestSequence", {});
    return to_hex(reply.value().payload.view());
  };
  EXPECT_EQ(ask("local", "MA"), "00");
  EXPECT_EQ(ask("local", "MB"), "00");
  EXPECT_EQ(ask("other", "MA"), "00");
  EXPECT_EQ(ask("local", "MA"), "01");
}

TEST_F(ExtrasTest, NoNumberComesTwiceOnSeveralCores) {
  std::vector<std::vector<std::uint64_t>> numbers(4);
  std::vector<std::thread> threads;
  for (auto& mine : numbers) {
    threads.emplace_back([this, &mine] {
      Caller caller;
      for (int i = 0; i < 100; ++i) {
        auto reply = caller.call(*provider_, *grant_, "RequestSequence", {});
        mine.push_back(Reader(reply.value().payload.view()).unsigned_integer().value_or(9999));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  std::set<std::uint64_t> all;
  for (const auto& mine : numbers) {
    EXPECT_TRUE(std::ranges::is_sorted(mine));
    all.insert(mine.begin(), mine.end());
  }
  EXPECT_EQ(all.size(), 400U);
  EXPECT_EQ(*all.rbegin(), 399U);
}

}  // namespace
}  // namespace trellis::providers::extras
