#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>

#include "trellis/actor/crossing.h"
#include "trellis/actor/local_actor.h"
#include "trellis/async/cores.h"

namespace trellis::router {

/// The real one is in src/router, which this module does not know.
class GrantIssuer {
 public:
  static std::shared_ptr<const core::Grant> make(core::Dispatcher& target, std::string contract) {
    const std::shared_ptr<core::Grant> grant(new core::Grant);
    grant->target_ = &target;
    grant->contract_ = std::move(contract);
    grant->binding_ = "default";
    return grant;
  }
};

}  // namespace trellis::router

namespace trellis::actor {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class FakeClock final : public Clock {
 public:
  TimePoint now() const noexcept override { return now_; }

  std::int64_t wall_nanoseconds() const noexcept override { return 0; }

  void move(Duration by) { now_ += by; }

 private:
  TimePoint now_{seconds(1000)};
};

/// A guest that does what its operation says. Real guests are tested with the ABIs.
class ScriptedGuest final : public abi::Guest {
 public:
  ScriptedGuest(async::Core& core, bool fails_to_start)
      : core_(core), fails_to_start_(fails_to_start) {}

  async::Task<Result<void>> start(abi::CallFrame&) override {
    if (fails_to_start_) co_return fail(Reason::EngineTrapUnreachable, "start trapped");
    usable_ = true;
    co_return Result<void>();
  }

  async::Task<Result<core::Buffer>> call(std::string_view operation, ByteView payload,
                                         abi::CallFrame& frame) override {
    ++calls_;
    if (operation == "count") co_return core::Buffer(to_bytes(std::to_string(calls_)));
    if (operation == "grow") memory_ = std::uint64_t{16} << 20;
    if (operation == "trap") {
      usable_ = false;
      co_return fail(Reason::EngineTrapUnreachable, "trapped");
    }
    if (operation == "spin") {
      while (!frame.context.cancel.expired()) co_await core_.yield_slice();
      usable_ = false;
      co_return std::unexpected(frame.context.cancel.error());
    }
    if (operation == "swell") memory_ = std::uint64_t{4} << 20;
    if (operation == "fault") {
      text_ = "what went wrong";
      usable_ = false;
      co_return fail(Reason::EngineTrapUnreachable, "trapped");
    }
    if (operation == "talk") {
      frame.host.guest_output(abi::OutputKind::Console, "a line");
      frame.host.guest_output(abi::OutputKind::Stderr, "bytes");
    }
    if (operation == "self" || operation == "stranger" || operation == "forbidden") {
      const abi::HostRequest request{"", operation == "stranger" ? "MOTHER" : "MSELF",
                                     operation == "forbidden" ? "forbidden" : "count", payload};
      auto reply = co_await frame.host.host_call(request, frame);
      if (!reply) co_return fail(Reason::GuestError, reply.error().message());
      co_return *std::move(reply);
    }
    co_return core::Buffer::copy(payload);
  }

  bool usable() const noexcept override { return usable_; }

  std::uint64_t memory_bytes() const noexcept override { return memory_; }

  const std::optional<std::string>& guest_error() const noexcept override { return text_; }

 private:
  async::Core& core_;
  bool fails_to_start_;
  bool usable_ = false;
  int calls_ = 0;
  std::uint64_t memory_ = 65536;
  std::optional<std::string> text_;
};

class ScriptedProgram final : public abi::Program {
 public:
  Result<std::unique_ptr<abi::Guest>> create(async::Core& core) const override {
    ++created;
    return std::make_unique<ScriptedGuest>(core, failing_starts-- > 0);
  }

  mutable std::atomic<int> created{0};
  mutable std::atomic<int> failing_starts{0};
};

/// Grants the actor access to itself and to nothing else; dispatches straight to the target.
class SelfGrants final : public core::GrantSource {
 public:
  Result<std::shared_ptr<const core::Grant>> find(std::string_view, std::string_view contract,
                                                  std::string_view) override {
    if (contract != "MSELF") return fail(Reason::PolicyDenied, "PERMISSION DENIED.");
    return grant;
  }

  std::shared_ptr<const core::Grant> grant;
};

class Direct final : public core::Dispatcher {
 public:
  async::Task<Result<core::Reply>> dispatch(const core::Invocation& invocation) override {
    if (invocation.operation == "forbidden") return deny();
    return invocation.grant.target().dispatch(invocation);
  }

 private:
  /// As a provider that finds the resource outside the grant.
  static async::Task<Result<core::Reply>> deny() {
    co_return fail(Reason::PolicyDenied, "not this resource");
  }
};

class CountingAudit final : public telemetry::AuditSink {
 public:
  void record(std::string_view, Fields) override {}

  void denied(const telemetry::Denial& denial) override {
    denials.push_back(std::string(denial.operation) + " on " + std::string(denial.contract));
  }

  std::vector<std::string> denials;
};

class CountingObserver final : public core::CallObserver {
 public:
  void host_call(std::string_view, std::string_view contract, std::string_view operation,
                 ByteView payload) override {
    seen.push_back(std::string(contract) + "." + std::string(operation) + " " +
                   std::string(as_text(payload)));
  }

  void console(std::string_view text) override { seen.emplace_back(text); }

  void output(std::string_view bytes) override { seen.emplace_back(bytes); }

  void output_dropped() override { seen.emplace_back("dropped"); }

  void guest_error(std::string_view text) override { seen.emplace_back(text); }

  std::vector<std::string> seen;
};

class ActorTest : public testing::Test {
 protected:
  LocalActor& make(InstanceMode mode, ActorLimits limits = {}) {
    auto version = std::make_shared<ActorVersion>();
    version->name = "test";
    version->subject = "MSELF";
    version->tenant = "local";
    version->mode = mode;
    version->limits = limits;
    program = std::make_shared<ScriptedProgram>();
    version->program = program;
    actor = std::make_unique<LocalActor>(
        core, version, LocalActor::Surroundings{grants, direct, core::system_environment(), audit});
    grants.grant = router::GrantIssuer::make(*actor, "MSELF");
    return *actor;
  }

  void TearDown() override {
    if (actor != nullptr) {
      gate.spawn(actor->stop(milliseconds(0)));
      clock.move(seconds(1));
      for (int i = 0; i < 50 && gate.inside() > 0; ++i) {
        core.run_ready();
        std::this_thread::sleep_for(milliseconds(1));
      }
      EXPECT_EQ(actor->live_instances(), 0U);
    }
  }

  /// Starts a call whose outcome goes to `out`.
  void call(std::string operation, std::string& out) {
    gate.spawn(run(std::move(operation), out));
    core.run_ready();
  }

  /// Time goes by with nothing to do.
  void pass(Duration by) {
    clock.move(by);
    core.run_ready();
  }

  async::Task<void> run(std::string operation, std::string& out) {
    async::CancelScope scope(core, TimePoint::max());
    const core::CallContext context{.cancel = scope, .observer = observer};
    const core::Invocation invocation{*grants.grant, operation, as_bytes("payload"), nullptr,
                                      context};
    auto reply = co_await actor->dispatch(invocation);
    out = reply ? std::string(reply->payload.text()) : std::string(reply.error().reason_text());
    if (!reply && reply.error().reason() == Reason::GuestError) out = reply.error().message();
  }

  FakeClock clock;
  async::Core core{0, clock};
  async::Gate gate{core};
  SelfGrants grants;
  Direct direct;
  CountingAudit audit;
  core::CallObserver* observer = nullptr;
  std::shared_ptr<ScriptedProgram> program;
  std::unique_ptr<LocalActor> actor;
};

TEST_F(ActorTest, WarmInstanceIsUsedAgainAndReplacedAfterATrap) {
  make(InstanceMode::Warm);
  std::string out;
  call("count", out);
  EXPECT_EQ(out, "1");
  call("count", out);
  EXPECT_EQ(out, "2");
  call("trap", out);
  EXPECT_EQ(out, "engine.trap.unreachable");
  call("count", out);
  EXPECT_EQ(out, "1");
}

TEST_F(ActorTest, FreshInstanceForEveryCall) {
  make(InstanceMode::Fresh);
  std::string out;
  call("count", out);
  call("count", out);
  EXPECT_EQ(out, "1");
  EXPECT_EQ(program->created, 2);
  EXPECT_EQ(actor->live_instances(), 0U);
}

TEST_F(ActorTest, BusyWarmActorCallingItselfGetsAnotherInstance) {
  make(InstanceMode::Warm);
  std::string out;
  call("self", out);
  EXPECT_EQ(out, "1");
  EXPECT_EQ(program->created, 2);
}

TEST_F(ActorTest, PinnedActorCallingItselfIsReentrantAndNeverHangs) {
  make(InstanceMode::Pinned);
  std::string out;
  call("self", out);
  EXPECT_EQ(out,
            "Invocation failure: failed to invoke actor: actor test is pinned and was called by a "
            "call that it is itself serving (actor.reentrant)");
  EXPECT_EQ(program->created, 1);
}

TEST_F(ActorTest, PinnedCallsWaitForEachOtherAndTheQueueIsBounded) {
  ActorLimits limits;
  limits.max_waiting = 1;
  limits.call = milliseconds(100);
  make(InstanceMode::Pinned, limits);
  std::string first;
  std::string second;
  std::string third;
  gate.spawn(run("spin", first));
  gate.spawn(run("count", second));
  gate.spawn(run("count", third));
  core.post([this] { clock.move(milliseconds(90)); });
  core.post([this] { core.post([this] { clock.move(milliseconds(20)); }); });
  core.run_ready();
  EXPECT_EQ(third, "actor.busy");
  EXPECT_EQ(first, "engine.deadline");
  EXPECT_EQ(second, "1");
  EXPECT_EQ(program->created, 2);  // the one that was cut off was replaced
}

TEST_F(ActorTest, FailingStartsAreHeldBack) {
  make(InstanceMode::Warm);
  program->failing_starts = 2;
  std::string out;
  call("count", out);
  EXPECT_EQ(out, "engine.trap.unreachable");
  call("count", out);
  EXPECT_EQ(out, "actor.restarting");
  EXPECT_EQ(program->created, 1);
  clock.move(milliseconds(101));
  call("count", out);
  EXPECT_EQ(out, "engine.trap.unreachable");
  clock.move(milliseconds(101));
  call("count", out);
  EXPECT_EQ(out, "actor.restarting");  // the second wait is twice as long
  clock.move(milliseconds(100));
  call("count", out);
  EXPECT_EQ(out, "1");
}

TEST_F(ActorTest, LargeInstancesAreNotKept) {
  make(InstanceMode::Warm);
  std::string out;
  call("grow", out);
  EXPECT_EQ(out, "payload");
  EXPECT_EQ(actor->live_instances(), 0U);
}

TEST_F(ActorTest, DeniedCallShowsTheTextOfWasccAndIsAudited) {
  make(InstanceMode::Warm);
  std::string out;
  call("stranger", out);
  EXPECT_EQ(out, "PERMISSION DENIED.");  // the grant table's own text
  call("forbidden", out);
  EXPECT_EQ(out,
            "WebAssembly module authorization failure: Actor MSELF attempted to call forbidden on "
            "MSELF,default - PERMISSION DENIED.");
  EXPECT_EQ(audit.denials, (std::vector<std::string>{"count on MOTHER", "forbidden on MSELF"}));
  EXPECT_EQ(program->created, 1);  // a denial does not hurt the instance
}

TEST_F(ActorTest, AnObserverSeesItsOwnCallAndNotThoseBelow) {
  make(InstanceMode::Warm);
  CountingObserver watching;
  observer = &watching;
  std::string out;
  call("talk", out);
  call("self", out);  // the call below is not watched
  call("fault", out);
  EXPECT_EQ(out, "engine.trap.unreachable");
  EXPECT_EQ(watching.seen, (std::vector<std::string>{"a line", "bytes", "MSELF.count payload",
                                                     "what went wrong"}));
}

TEST_F(ActorTest, StopWakesThoseWhoWaitForAnInstance) {
  make(InstanceMode::Pinned);
  std::string running;
  std::string second;
  std::string third;
  gate.spawn(run("spin", running));
  gate.spawn(run("count", second));
  gate.spawn(run("count", third));
  core.post([this] {
    gate.spawn(actor->stop(milliseconds(1)));
    core.post([this] { clock.move(milliseconds(10)); });
  });
  for (int i = 0; i < 1000 && third.empty(); ++i) core.run_ready();
  EXPECT_EQ(running, "call.cancelled");
  EXPECT_EQ(second, "actor.stopped");
  EXPECT_EQ(third, "actor.stopped");
  EXPECT_EQ(program->created, 1);
}

TEST_F(ActorTest, StopEndsRunningCallsAndRefusesNewOnes) {
  make(InstanceMode::Warm);
  std::string spinning;
  std::string late;
  gate.spawn(run("spin", spinning));
  core.post([this, &late] {
    gate.spawn(actor->stop(milliseconds(1)));
    gate.spawn(run("count", late));
    core.post([this] { clock.move(seconds(10)); });
  });
  for (int i = 0; i < 100 && spinning.empty(); ++i) core.run_ready();
  EXPECT_EQ(late, "actor.stopped");
  EXPECT_TRUE(spinning == "call.cancelled" || spinning == "engine.deadline") << spinning;
}

TEST_F(ActorTest, IdleInstancesGoAndTheLastSmallOneStaysLonger) {
  const ActorLimits limits;
  make(InstanceMode::Warm, limits);
  std::string out;
  call("self", out);
  EXPECT_EQ(actor->live_instances(), 2U);
  pass(limits.idle - milliseconds(50));
  EXPECT_EQ(actor->live_instances(), 2U);
  pass(milliseconds(100));
  EXPECT_EQ(actor->live_instances(), 1U);
  pass(limits.keep - limits.idle - seconds(1));
  EXPECT_EQ(actor->live_instances(), 1U);
  pass(seconds(2));
  EXPECT_EQ(actor->live_instances(), 0U);
}

TEST_F(ActorTest, TheLastInstanceGoesEarlyWhenItHasGrown) {
  const ActorLimits limits;
  make(InstanceMode::Warm, limits);
  std::string out;
  call("count", out);
  call("swell", out);
  EXPECT_EQ(actor->live_instances(), 1U);
  pass(limits.idle + milliseconds(50));
  EXPECT_EQ(actor->live_instances(), 0U);
}

TEST_F(ActorTest, WhatTheFirstCallGrewCountsAsGrown) {
  const ActorLimits limits;
  make(InstanceMode::Warm, limits);
  std::string out;
  call("swell", out);
  EXPECT_EQ(actor->live_instances(), 1U);
  pass(limits.idle + milliseconds(50));
  EXPECT_EQ(actor->live_instances(), 0U);
}

TEST_F(ActorTest, PinnedInstancesStay) {
  make(InstanceMode::Pinned);
  std::string out;
  call("grow", out);
  pass(std::chrono::hours(1));
  EXPECT_EQ(actor->live_instances(), 1U);
}

TEST(Crossing, CarriesTheCallTheReplyAndTheCancel) {
  async::Cores cores;
  cores.start();
  async::Core& home = cores[0];
  async::Core& away = cores[cores.size() - 1];

  class Target final : public core::Dispatcher {
   public:
    explicit Target(async::Core& core) : core_(core) {}

    async::Task<Result<core::Reply>> dispatch(const core::Invocation& invocation) override {
      if (invocation.operation == "wait") {
        async::OneShot<int> never(core_);
        auto value = co_await never.wait(invocation.context.cancel);
        co_return std::unexpected(std::move(value).error());
      }
      core::Reply reply;
      reply.payload = core::Buffer(to_bytes(std::to_string(core_.index())));
      co_return reply;
    }

   private:
    async::Core& core_;
  } target(away);

  Crossing crossing(home, away, target);
  const auto grant = router::GrantIssuer::make(crossing, "MOTHER");
  std::atomic<int> finished{0};
  std::string quick;
  std::string cancelled;

  struct Body {
    static async::Task<void> run(Crossing& crossing, const core::Grant& grant, async::Core& home,
                                 std::string operation, std::string& out,
                                 std::atomic<int>& finished) {
      async::CancelScope scope(
          home, home.clock().now() + (operation == "wait" ? milliseconds(20) : seconds(10)));
      const core::CallContext context{.cancel = scope};
      const core::Invocation invocation{grant, operation, as_bytes("x"), nullptr, context};
      auto reply = co_await crossing.dispatch(invocation);
      out = reply ? std::string(reply->payload.text()) : std::string(reply.error().reason_text());
      ++finished;
    }
  };

  home.post([&] {
    boost::asio::co_spawn(home.executor(),
                          Body::run(crossing, *grant, home, "index", quick, finished),
                          boost::asio::detached);
    boost::asio::co_spawn(home.executor(),
                          Body::run(crossing, *grant, home, "wait", cancelled, finished),
                          boost::asio::detached);
  });
  while (finished.load() < 2) std::this_thread::yield();
  cores.stop();
  EXPECT_EQ(quick, std::to_string(away.index()));
  EXPECT_EQ(cancelled, "engine.deadline");
}

}  // namespace
}  // namespace trellis::actor
