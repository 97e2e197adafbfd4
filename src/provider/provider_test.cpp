#include "trellis/provider/provider.h"

#include <set>

#include <gtest/gtest.h>

#include "trellis/codec/msgpack.h"

namespace trellis::router {

/// The one class that may make grants; the real one is in src/router.
class GrantIssuer {
 public:
  static std::unique_ptr<core::Grant> make(std::string holder, std::string contract) {
    std::unique_ptr<core::Grant> grant(new core::Grant);
    grant->holder_ = std::move(holder);
    grant->contract_ = std::move(contract);
    grant->binding_ = "default";
    return grant;
  }
};

}  // namespace trellis::router

namespace trellis::provider {
namespace {

TEST(Contract, IsFoundByNameAndByTheIdsOfBothGenerations) {
  EXPECT_EQ(contract_names(), "extras, http_server, keyvalue, logging");
  std::set<std::string_view> seen;
  for (const Contract& contract : contracts()) {
    EXPECT_EQ(find_contract(contract.name), &contract);
    EXPECT_TRUE(seen.insert(contract.name).second);
    ASSERT_EQ(contract.ids.size(), 2U);
    for (const std::string_view id : contract.ids) {
      EXPECT_EQ(find_contract(id), &contract);
      EXPECT_TRUE(seen.insert(id).second);
    }
  }
  EXPECT_EQ(find_contract("wascc:httpserver"), nullptr);
  EXPECT_EQ(find_contract("wasmcloud:http_server"), nullptr);
  EXPECT_EQ(find_contract(""), nullptr);
  EXPECT_EQ(find_contract("keyvalue")->operations.size(), 14U);
}

TEST(Contract, KnowsItsOperationsExactly) {
  const Contract& keyvalue = *find_contract("wascc:keyvalue");
  ASSERT_NE(keyvalue.find_operation("SetUnion"), nullptr);
  EXPECT_EQ(keyvalue.find_operation("SetUnion")->direction, Direction::ToProvider);
  EXPECT_EQ(keyvalue.find_operation("setunion"), nullptr);
  EXPECT_EQ(keyvalue.find_operation(""), nullptr);
  EXPECT_EQ(find_contract("http_server")->find_operation("HandleRequest")->direction,
            Direction::ToActor);
}

class Answer : public testing::Test {
 protected:
  Result<core::Reply> ask(std::string holder, std::string contract, std::string_view operation) {
    grant_ = router::GrantIssuer::make(std::move(holder), std::move(contract));
    const core::Invocation invocation{*grant_, operation, {}, nullptr, context_};
    return answer_other(*find_contract("keyvalue"), invocation);
  }

  async::Core core_{0};
  async::CancelScope scope_{core_, TimePoint::max()};
  core::CallContext context_{.id = {},
                             .idempotency_key = {},
                             .deadline = TimePoint::max(),
                             .depth = 0,
                             .trace = {},
                             .principal = {},
                             .cancel = scope_};
  std::unique_ptr<core::Grant> grant_;
};

TEST_F(Answer, DescriptorHasTheWireFormOf2020) {
  auto reply = ask("system", "wasmcloud:keyvalue", "GetCapabilityDescriptor");
  ASSERT_TRUE(reply);
  const std::string hex = to_hex(reply->payload.view());
  EXPECT_TRUE(hex.starts_with("86a26964b2" + to_hex(as_bytes("wasmcloud:keyvalue")))) << hex;
  // direction: 81 01 c0, as the original encoder writes the unit variant 1 (to_provider).
  EXPECT_NE(hex.find("a9646972656374696f6e8101c0"), std::string::npos);
  EXPECT_NE(hex.find("b4737570706f727465645f6f7065726174696f6e739e"), std::string::npos);
  const Bytes http = encode_descriptor(*find_contract("http_server"), "wascc:http_server");
  EXPECT_NE(to_hex(http).find("a9646972656374696f6e8100c0"), std::string::npos);
  codec::msgpack::Reader reader(http);
  EXPECT_TRUE(reader.skip());
  EXPECT_TRUE(reader.at_end());
}

TEST_F(Answer, ControlOperationsAreForTheHostAlone) {
  EXPECT_TRUE(ask("system", "wascc:keyvalue", "BindActor"));
  EXPECT_TRUE(ask("system", "wascc:keyvalue", "RemoveActor"));
  EXPECT_TRUE(ask("system", "wascc:keyvalue", "HealthRequest"));
  for (const std::string_view operation :
       {"GetCapabilityDescriptor", "BindActor", "RemoveActor", "HealthRequest", "Nope"}) {
    auto refused = ask("MACTOR", "wascc:keyvalue", operation);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason(), Reason::ContractOperation);
  }
  EXPECT_FALSE(ask("system", "wascc:keyvalue", "Nope"));
}

TEST_F(Answer, ADenialNamesActorOperationContractAndBinding) {
  grant_ = router::GrantIssuer::make("MACTOR", "wascc:keyvalue");
  const core::Invocation invocation{*grant_, "Get", {}, nullptr, context_};
  const auto error = denied(invocation).error();
  EXPECT_EQ(error.reason(), Reason::PolicyDenied);
  EXPECT_EQ(error.message(),
            "Actor MACTOR attempted to call Get on wascc:keyvalue,default - PERMISSION DENIED.");
}

}  // namespace
}  // namespace trellis::provider
