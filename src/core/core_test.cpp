#include "trellis/async/core.h"

#include <chrono>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "trellis/async/cancel.h"
#include "trellis/async/gate.h"
#include "trellis/core/buffer_stream.h"
#include "trellis/core/environment.h"
#include "trellis/core/invocation.h"
#include "trellis/core/wire.h"

namespace trellis::router {

/// The one class that may make grants; the real one is in src/router, which core does not know.
class GrantIssuer {
 public:
  static std::unique_ptr<core::Grant> empty() {
    return std::unique_ptr<core::Grant>(new core::Grant);
  }

  static std::unique_ptr<core::Grant> with(std::string contract, std::string binding) {
    auto grant = empty();
    grant->contract_ = std::move(contract);
    grant->binding_ = std::move(binding);
    return grant;
  }
};

}  // namespace trellis::router

namespace trellis::core {
namespace {

TEST(NameFilter, DenyIsTheEmptySet) {
  const NameFilter nothing;
  EXPECT_FALSE(nothing.allows(""));
  EXPECT_FALSE(nothing.allows("a"));
  EXPECT_FALSE(NameFilter::of({}).allows("a"));
  EXPECT_TRUE(NameFilter::everything().allows("a"));
  const NameFilter some = NameFilter::of({"exact", "user:*", "*tail"});
  EXPECT_TRUE(some.allows("exact"));
  EXPECT_FALSE(some.allows("exactly"));
  EXPECT_TRUE(some.allows("user:"));
  EXPECT_TRUE(some.allows("user:1"));
  EXPECT_FALSE(some.allows("user"));
  EXPECT_FALSE(some.allows("a tail"));
  EXPECT_TRUE(some.allows("*tail"));
}

TEST(Grant, DefaultPermitsNothingAndIsNotLive) {
  const auto grant = router::GrantIssuer::empty();
  EXPECT_FALSE(grant->live());
  EXPECT_FALSE(grant->permits_operation("Get"));
  EXPECT_FALSE(grant->permits_resource(""));
  EXPECT_EQ(grant->value("store"), nullptr);
}

TEST(CallId, IsUniqueAndVersion7) {
  const CallId one = CallId::make();
  const CallId two = CallId::make();
  EXPECT_NE(one, two);
  EXPECT_EQ(one.text().size(), 36U);
  EXPECT_EQ(one.text()[14], '7');
  EXPECT_NE(std::string("89ab").find(one.text()[19]), std::string::npos);
}

TEST(Wire, InvocationRoundTripsAndCutsAreRefused) {
  async::Core core(0);
  async::CancelScope scope(core, TimePoint::max());
  const TimePoint now{std::chrono::seconds(100)};
  CallContext context{.id = CallId::make(),
                      .idempotency_key = "once",
                      .deadline = now + std::chrono::milliseconds(1500),
                      .depth = 3,
                      .trace = {1, 2, 3, true},
                      .principal = {.tenant = "t1",
                                    .caller = {"MKEY", "counter", 7, 42},
                                    .origin = Origin::User,
                                    .link = "counter -> store"},
                      .cancel = scope};
  const auto grant = router::GrantIssuer::with("wascc:keyvalue", "default");
  const std::string payload("\0\x01payload", 9);
  const Invocation invocation{*grant, "Get", as_bytes(payload), nullptr, context};
  const Bytes bytes = encode_invocation(invocation, now);
  const auto back = decode_invocation(bytes);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->contract, "wascc:keyvalue");
  EXPECT_EQ(back->binding, "default");
  EXPECT_EQ(back->operation, "Get");
  EXPECT_EQ(as_text(back->payload), payload);
  EXPECT_EQ(back->id, context.id);
  EXPECT_EQ(back->idempotency_key, "once");
  EXPECT_EQ(back->remaining, std::chrono::milliseconds(1500));
  EXPECT_EQ(back->depth, 3U);
  EXPECT_EQ(back->trace, context.trace);
  const Principal principal{
      back->tenant,
      {back->caller_key, back->caller_name, back->caller_revision, back->caller_instance},
      back->origin,
      back->link};
  EXPECT_EQ(principal, context.principal);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_invocation(ByteView(bytes).first(size))) << size;
  }
}

async::Task<void> read_whole(std::string& out, std::string& refused) {
  BufferStream stream(Buffer::copy(as_bytes("streamed")));
  auto all = co_await read_all(stream, 100);
  out = as_text(all.value());
  BufferStream large(Buffer(Bytes(101)));
  auto too_large = co_await read_all(large, 100);
  refused = too_large.error().reason_text();
}

TEST(Stream, IsPulledToItsEndWithinABound) {
  async::Core core(0);
  async::Gate gate(core);
  std::string text;
  std::string refused;
  gate.spawn(read_whole(text, refused));
  core.run_ready();
  EXPECT_EQ(text, "streamed");
  EXPECT_EQ(refused, "engine.limit.message");
}

TEST(Environment, RandomFillsAndTimeMoves) {
  Environment& environment = system_environment();
  Bytes one(32);
  Bytes two(32);
  environment.random(one);
  environment.random(two);
  EXPECT_NE(one, two);
  const auto before = environment.monotonic_nanoseconds();
  EXPECT_GE(environment.monotonic_nanoseconds(), before);
  EXPECT_TRUE(environment.arguments().empty());
  EXPECT_TRUE(environment.variables().empty());
}

TEST(Outcome, FollowsTheReason) {
  EXPECT_EQ(outcome_of(Error(Reason::PolicyDenied, "")), Outcome::Denied);
  EXPECT_EQ(outcome_of(Error(Reason::EngineDeadline, "")), Outcome::Deadline);
  EXPECT_EQ(outcome_of(Error(Reason::CallCancelled, "")), Outcome::Cancelled);
  EXPECT_EQ(outcome_of(Error(Reason::GuestError, "")), Outcome::GuestError);
  EXPECT_EQ(outcome_of(Error(Reason::ActorBusy, "")), Outcome::Unavailable);
}

}  // namespace
}  // namespace trellis::core
