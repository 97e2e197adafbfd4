#include "trellis/router/router.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "trellis/async/gate.h"
#include "trellis/router/grant_table.h"

namespace trellis::router {
namespace {

class Echo final : public core::Dispatcher {
 public:
  async::Task<Result<core::Reply>> dispatch(const core::Invocation& invocation) override {
    ++calls;
    core::Reply reply;
    reply.payload = core::Buffer::copy(invocation.payload);
    co_return reply;
  }

  int calls = 0;
};

LinkTerms keyvalue_link() {
  LinkTerms link;
  link.contract = "wascc:keyvalue";
  link.tenant = "local";
  link.name = "counter -> store";
  return link;
}

const std::vector<std::string> kClaims{"wascc:keyvalue", "MOTHER", "friend"};

TEST(GrantTable, NoLinkNoAccessAndTheTextOfWascc) {
  const Directory directory;
  GrantTable table("MSELF", "local", kClaims, directory);
  const auto denied = table.find("", "wascc:keyvalue", "Get");
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().reason(), Reason::PolicyDenied);
  EXPECT_EQ(denied.error().message(),
            "WebAssembly module authorization failure: Actor MSELF attempted to call Get on "
            "wascc:keyvalue,default - PERMISSION DENIED.");
}

TEST(GrantTable, ALinkNeedsTheClaim) {
  const Directory directory;
  Echo target;
  GrantTable table("MSELF", "local", {}, directory);
  EXPECT_EQ(table.add_link(target, keyvalue_link()).error().reason(), Reason::PolicyDenied);
}

TEST(GrantTable, BlankBindingIsDefaultAndOthersAreNot) {
  const Directory directory;
  Echo target;
  GrantTable table("MSELF", "local", kClaims, directory);
  ASSERT_TRUE(table.add_link(target, keyvalue_link()));
  EXPECT_TRUE(table.find("", "wascc:keyvalue", "Get"));
  EXPECT_TRUE(table.find(" ", "wascc:keyvalue", "Get"));
  EXPECT_TRUE(table.find("default", "wascc:keyvalue", "Get"));
  EXPECT_FALSE(table.find("other", "wascc:keyvalue", "Get"));
  EXPECT_FALSE(table.find("default", "wasmcloud:keyvalue", "Get"));
}

TEST(GrantTable, AllowNarrowsAndTheEmptyListGrantsNothing) {
  const Directory directory;
  Echo target;
  LinkTerms some = keyvalue_link();
  some.allow = Allow{.operations = std::vector<std::string>{"Add"},
                     .resources = std::vector<std::string>{"user:*"}};
  GrantTable table("MSELF", "local", kClaims, directory);
  ASSERT_TRUE(table.add_link(target, some));
  const auto grant = table.find("", "wascc:keyvalue", "Add");
  ASSERT_TRUE(grant);
  EXPECT_TRUE((*grant)->permits_resource("user:1"));
  EXPECT_FALSE((*grant)->permits_resource("admin"));
  EXPECT_FALSE(table.find("", "wascc:keyvalue", "Get"));

  LinkTerms none = keyvalue_link();
  none.allow = Allow{.operations = std::vector<std::string>{}, .resources = std::nullopt};
  GrantTable empty("MSELF", "local", kClaims, directory);
  ASSERT_TRUE(empty.add_link(target, none));
  EXPECT_FALSE(empty.find("", "wascc:keyvalue", "Add"));
}

TEST(GrantTable, RevokingEndsIt) {
  const Directory directory;
  Echo target;
  const LinkTerms link = keyvalue_link();
  GrantTable table("MSELF", "local", kClaims, directory);
  ASSERT_TRUE(table.add_link(target, link));
  const auto grant = table.find("", "wascc:keyvalue", "Get");
  ASSERT_TRUE(grant);
  link.revocation.revoke();
  EXPECT_FALSE((*grant)->live());
  EXPECT_FALSE(table.find("", "wascc:keyvalue", "Get"));
}

TEST(GrantTable, ActorsByKeyAndAliasOnlyWhenClaimed) {
  Directory directory;
  Echo other;
  const Revocation stopped;
  directory.add("MOTHER", "friend", other, stopped);
  GrantTable table("MSELF", "local", kClaims, directory);
  EXPECT_TRUE(table.find("", "MOTHER", "Ping"));
  EXPECT_TRUE(table.find("", "friend", "Ping"));
  GrantTable unclaimed("MSELF", "local", {}, directory);
  EXPECT_FALSE(unclaimed.find("", "MOTHER", "Ping"));
  stopped.revoke();
  directory.remove("MOTHER");
  EXPECT_FALSE(table.find("", "friend", "Ping"));
}

TEST(GrantTable, AnActorCannotPoseAsAProvider) {
  Directory directory;
  Echo provider;
  Echo impostor;
  directory.add("MIMPOSTOR", "wascc:keyvalue", impostor, Revocation());
  EXPECT_EQ(directory.find("wascc:keyvalue"), nullptr);
  GrantTable unlinked("MSELF", "local", kClaims, directory);
  EXPECT_FALSE(unlinked.find("", "wascc:keyvalue", "Get"));
  LinkTerms narrow = keyvalue_link();
  narrow.allow = Allow{.operations = std::vector<std::string>{"Get"}, .resources = std::nullopt};
  GrantTable linked("MSELF", "local", kClaims, directory);
  ASSERT_TRUE(linked.add_link(provider, narrow));
  EXPECT_FALSE(linked.find("", "wascc:keyvalue", "Set"));
}

TEST(Directory, TheFirstHolderKeepsAnAlias) {
  Directory directory;
  Echo one;
  Echo two;
  directory.add("MONE", "name", one, Revocation());
  directory.add("MTWO", "name", two, Revocation());
  EXPECT_EQ(directory.find("name")->target, &one);
  directory.remove("MTWO");
  EXPECT_EQ(directory.find("name")->target, &one);
}

async::Task<void> dispatch_into(Router& router, const core::Invocation& invocation,
                                std::string& outcome) {
  auto reply = co_await router.dispatch(invocation);
  outcome = reply ? std::string(reply->payload.text()) : std::string(reply.error().reason_text());
}

std::string route(const core::Grant& grant, std::uint32_t depth, bool cancelled) {
  async::Core core(0);
  async::Gate gate(core);
  async::CancelScope scope(core, TimePoint::max());
  if (cancelled) scope.cancel(async::CancelCause::Cancelled);
  const core::CallContext context{.id = {}, .depth = depth, .cancel = scope};
  const core::Invocation invocation{grant, "Get", as_bytes("x"), nullptr, context};
  Router router;
  std::string outcome;
  gate.spawn(dispatch_into(router, invocation, outcome));
  core.run_ready();
  return outcome;
}

TEST(Router, ChecksLifeDepthAndCancel) {
  Echo target;
  const Revocation revocation;
  const auto grant = GrantIssuer::for_host(target, "wascc:keyvalue", "local", "test", revocation);
  EXPECT_EQ(route(*grant, 0, false), "x");
  EXPECT_EQ(route(*grant, core::kMaxCallDepth, false), "x");
  EXPECT_EQ(route(*grant, core::kMaxCallDepth + 1, false), "call.depth");
  EXPECT_EQ(route(*grant, 0, true), "call.cancelled");
  revocation.revoke();
  EXPECT_EQ(route(*grant, 0, false), "actor.stopped");
  EXPECT_EQ(target.calls, 2);
}

}  // namespace
}  // namespace trellis::router
