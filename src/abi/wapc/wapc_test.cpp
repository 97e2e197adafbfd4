// waPC guests on the real engine: small modules in text form, one behaviour each.
#include <chrono>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "trellis/abi/wapc/program.h"
#include "trellis/abi/wapc/test_frame.h"
#include "trellis/async/one_shot.h"
#include "trellis/engine/test_support.h"

namespace trellis::abi::wapc {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

// Imports everything, answers the payload, and has 64 KiB to play in.
constexpr std::string_view kImports = R"((module
  (import "wapc" "__guest_request" (func $request (param i32 i32)))
  (import "wapc" "__guest_response" (func $response (param i32 i32)))
  (import "wapc" "__guest_error" (func $error (param i32 i32)))
  (import "wapc" "__host_call" (func $host_call (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wapc" "__host_response_len" (func $host_response_len (result i32)))
  (import "wapc" "__host_response" (func $host_response (param i32)))
  (import "wapc" "__host_error_len" (func $host_error_len (result i32)))
  (import "wapc" "__host_error" (func $host_error (param i32)))
  (import "wapc" "__console_log" (func $log (param i32 i32)))
  (import "wasi_unstable" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
)";

constexpr std::string_view kEcho = R"(
  (func (export "__guest_call") (param $op i32) (param $size i32) (result i32)
    (call $request (i32.const 0) (i32.const 1024))
    (call $response (i32.const 1024) (local.get $size))
    i32.const 1))";

// Passes the operation and the payload on in a host call, answers what came back.
constexpr std::string_view kForward = R"(
  (func (export "__guest_call") (param $op i32) (param $size i32) (result i32)
    (call $request (i32.const 0) (i32.const 1024))
    (call $host_call (i32.const 0) (i32.const 0) (i32.const 0) (local.get $op)
          (i32.const 0) (local.get $op) (i32.const 1024) (local.get $size))
    (if (result i32)
      (then
        (call $host_response (i32.const 8192))
        (call $response (i32.const 8192) (call $host_response_len))
        (i32.const 1))
      (else
        (call $host_error (i32.const 8192))
        (call $error (i32.const 8192) (call $host_error_len))
        (i32.const 0)))))";

// A host that answers only when it is told to.
class SlowHost final : public HostInterface {
 public:
  explicit SlowHost(async::Core& core) : core_(core) {}

  async::Task<Result<core::Buffer>> host_call(const HostRequest& request,
                                              CallFrame& frame) override {
    ++asked;
    const core::Buffer payload = core::Buffer::borrow(request.payload);
    async::OneShot<int> done(core_);
    waiting = &done;
    auto waited = co_await done.wait(frame.context.cancel);
    waiting = nullptr;
    if (!waited) co_return std::unexpected(std::move(waited).error());
    co_return core::Buffer::copy(payload.view());
  }

  void guest_output(OutputKind, std::string_view) noexcept override {}

  void guest_output_dropped(std::uint64_t, std::uint64_t) noexcept override {}

  int asked = 0;
  async::OneShot<int>* waiting = nullptr;

 private:
  async::Core& core_;
};

class WapcTest : public testing::Test {
 protected:
  WapcTest() {
    auto engine = engine::Engine::create({});
    EXPECT_TRUE(engine) << engine.error().message();
    engine_ = std::move(*engine);
    ticker_.emplace(1u);
    ticker_->watch(*engine_);
  }

  ~WapcTest() override {
    guest_.reset();
    program_.reset();
    ticker_.reset();
  }

  Result<std::shared_ptr<const Program>> build(std::string_view text) {
    const Bytes bytes = engine::test::from_text(text);
    EXPECT_FALSE(bytes.empty()) << "the test's module is wrong";
    TR_TRY(auto module, engine::Module::compile(*engine_, bytes));
    return Program::create(std::move(module), *ticker_);
  }

  void load(std::string_view body) {
    auto program = build(std::string(kImports) + std::string(body) + ")");
    ASSERT_TRUE(program) << program.error().message();
    program_ = *program;
    renew();
  }

  void renew() {
    guest_.reset();
    auto guest = program_->create(core_);
    ASSERT_TRUE(guest);
    guest_ = std::move(*guest);
  }

  // Spawns on the core; the result appears in `result` once the core ran.
  template <class T>
  void spawn(async::Task<T> task, std::optional<T>& result) {
    boost::asio::co_spawn(core_.executor(), std::move(task),
                          [&result](const std::exception_ptr& failure, T value) {
                            if (failure) std::rethrow_exception(failure);
                            result.emplace(std::move(value));
                          });
  }

  // A core runs once; run_ready() any number of times.
  template <class T>
  T finish(async::Task<T> task) {
    std::optional<T> result;
    spawn(std::move(task), result);
    while (!result) core_.run_ready();
    return std::move(*result);
  }

  async::Task<Result<void>> start_task(Duration deadline) {
    test::Frame frame(core_, host_, limits_, core_.clock().now() + deadline);
    auto result = co_await guest_->start(frame.frame);
    co_return result;
  }

  async::Task<Result<core::Buffer>> call_task(HostInterface& host, std::string operation,
                                              std::string payload, Duration deadline) {
    test::Frame frame(core_, host, limits_, core_.clock().now() + deadline);
    auto result = co_await guest_->call(operation, as_bytes(payload), frame.frame);
    usage_ = frame.frame.usage;
    co_return result;
  }

  Result<void> start(Duration deadline = 5s) { return finish(start_task(deadline)); }

  Result<core::Buffer> call(const std::string& operation, const std::string& payload = {},
                            Duration deadline = 5s) {
    return finish(call_task(host_, operation, payload, deadline));
  }

  void load_and_start(std::string_view body) {
    load(body);
    const auto started = start();
    ASSERT_TRUE(started) << started.error().message();
  }

  std::unique_ptr<engine::Engine> engine_;
  std::optional<engine::Ticker> ticker_;
  async::Core core_{0};
  test::FakeHost host_;
  GuestLimits limits_;
  core::Usage usage_;
  std::shared_ptr<const Program> program_;
  std::unique_ptr<abi::Guest> guest_;
};

TEST_F(WapcTest, AnEchoAnswersAgainAndAgain) {
  load(kEcho);
  EXPECT_FALSE(guest_->usable()) << "not before its start";
  ASSERT_TRUE(start());
  EXPECT_TRUE(guest_->usable());
  for (const std::string payload : {"hello", "", "again"}) {
    const auto reply = call("Echo", payload);
    ASSERT_TRUE(reply) << reply.error().message();
    EXPECT_EQ(reply->text(), payload);
  }
  EXPECT_EQ(usage_.bytes_in, 5u);
  EXPECT_EQ(usage_.bytes_out, 5u);
  EXPECT_EQ(usage_.peak_memory_bytes, 65'536u);
  EXPECT_GT(usage_.cpu_nanoseconds, 0u);
  EXPECT_EQ(guest_->memory_bytes(), 65'536u);
}

TEST_F(WapcTest, SizesAreCheckedBeforeTheGuestIsEntered) {
  load_and_start(kEcho);
  limits_.max_operation_bytes = 4;
  limits_.max_message_bytes = 10;
  EXPECT_TRUE(call("Echo", "0123456789"));
  EXPECT_EQ(call("Echo2").error().reason(), Reason::EngineLimitMessage);
  EXPECT_EQ(call("Echo", "0123456789a").error().reason(), Reason::EngineLimitMessage);
  EXPECT_TRUE(guest_->usable()) << "nothing ran";
}

TEST_F(WapcTest, StartFunctionsRunInOrderAndStateStays) {
  load_and_start(R"(
    (global $at (mut i32) (i32.const 0))
    (func $mark (param i32)
      (i32.store8 (global.get $at) (local.get 0))
      (global.set $at (i32.add (global.get $at) (i32.const 1))))
    (func (export "wapc_init") (call $mark (i32.const 119)))
    (func (export "_start") (call $mark (i32.const 115)))
    (func (export "_initialize") (call $mark (i32.const 105)))
    (func (export "__guest_call") (param i32 i32) (result i32)
      (call $response (i32.const 0) (global.get $at))
      (call $mark (i32.const 99))
      i32.const 1))");
  EXPECT_EQ(call("x")->text(), "siw");
  EXPECT_EQ(call("x")->text(), "siwc");
}

TEST_F(WapcTest, ExitWithZeroInAStartFunctionIsSuccess) {
  load_and_start(std::string(R"((func (export "_start") (call $exit (i32.const 0)))
                               (func (export "wapc_init") (i32.store8 (i32.const 1024) (i32.const 1))))") +
                 std::string(kEcho));
  EXPECT_EQ(call("x", "payload")->text(), "payload");
}

TEST_F(WapcTest, OtherEndsOfAStartFunctionRefuseTheGuest) {
  load(std::string(R"((func (export "_start") (call $exit (i32.const 3))))") + std::string(kEcho));
  auto started = start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().reason(), Reason::EngineTrapExit);
  EXPECT_THAT(started.error().message(), HasSubstr("Error invoking _start function!"));
  EXPECT_FALSE(guest_->usable());

  load(std::string(R"((func (export "wapc_init") unreachable))") + std::string(kEcho));
  started = start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().reason(), Reason::EngineTrapUnreachable);

  load(std::string(R"((func (export "_initialize") (loop br 0)))") + std::string(kEcho));
  started = start(20ms);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().reason(), Reason::EngineDeadline);

  load(std::string(R"((func $s (loop br 0)) (start $s))") + std::string(kEcho));
  started = start(20ms);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().reason(), Reason::EngineDeadline);
}

TEST_F(WapcTest, AHostCallInTheStartSectionSeesTheMemory) {
  load_and_start(std::string(R"((data (i32.const 0) "log")
    (func $s (call $log (i32.const 0) (i32.const 3))) (start $s))") +
                 std::string(kEcho));
  EXPECT_THAT(host_.console, ElementsAre("log"));
}

TEST_F(WapcTest, HostCallsGoThroughTheHost) {
  load_and_start(kForward);
  host_.reply = "from the host";
  EXPECT_EQ(call("Get", "key")->text(), "from the host");
  EXPECT_THAT(host_.calls, ElementsAre(test::FakeHost::Call{"", "Get", "Get", "key"}));
  EXPECT_EQ(usage_.host_calls, 1u);
  host_.error = "no such thing";
  const auto refused = call("Get", "key");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason(), Reason::GuestError);
  EXPECT_EQ(refused.error().message(), "no such thing");
  EXPECT_TRUE(guest_->usable()) << "an error of the guest is no trap";
}

TEST_F(WapcTest, AWaitingHostCallLetsOthersRun) {
  load_and_start(kForward);
  SlowHost slow(core_);
  std::optional<Result<core::Buffer>> first;
  spawn(call_task(slow, "Get", "key", 5s), first);
  core_.run_ready();
  ASSERT_FALSE(first);
  ASSERT_EQ(slow.asked, 1);
  auto other = program_->create(core_);
  const auto kept = std::exchange(guest_, std::move(*other));
  ASSERT_TRUE(start());
  EXPECT_TRUE(call("x"));
  slow.waiting->set(1);
  core_.run_ready();
  ASSERT_TRUE(first);
  EXPECT_EQ((*first)->text(), "key");
}

TEST_F(WapcTest, ADeadlineInsideAHostCallEndsTheCall) {
  load_and_start(kForward);
  SlowHost slow(core_);
  const auto reply = finish(call_task(slow, "Get", "key", 10ms));
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().reason(), Reason::EngineDeadline);
  EXPECT_EQ(reply.error().effect(), Effect::Unknown);
  EXPECT_FALSE(guest_->usable());
}

TEST_F(WapcTest, ATrapKeepsTheGuestsText) {
  load_and_start(R"((data (i32.const 0) "why")
    (func (export "__guest_call") (param $op i32) (param i32) (result i32)
      (if (local.get $op) (then (call $error (i32.const 0) (i32.const 3))))
      unreachable))");
  auto reply = call("");
  EXPECT_EQ(reply.error().reason(), Reason::EngineTrapUnreachable);
  EXPECT_EQ(guest_->guest_error(), std::nullopt);
  EXPECT_FALSE(guest_->usable());
  renew();
  ASSERT_TRUE(start());
  reply = call("x");
  EXPECT_EQ(reply.error().reason(), Reason::EngineTrapUnreachable);
  EXPECT_EQ(reply.error().message(), "why");
  EXPECT_EQ(guest_->guest_error(), "why");
}

TEST_F(WapcTest, ABadPointerIsATrapOfItsOwn) {
  load_and_start(R"((func (export "__guest_call") (param i32 i32) (result i32)
      (call $log (i32.const 65535) (i32.const 2)) i32.const 1))");
  EXPECT_EQ(call("x").error().reason(), Reason::EngineTrapHostPointer);
  EXPECT_FALSE(guest_->usable());
}

TEST_F(WapcTest, ExitInACallIsATrap) {
  load_and_start(R"((func (export "__guest_call") (param i32 i32) (result i32)
      (call $exit (i32.const 0)) i32.const 1))");
  EXPECT_EQ(call("x").error().reason(), Reason::EngineTrapExit);
}

TEST_F(WapcTest, ALoopEndsAtTheDeadlineAndYieldsBefore) {
  load_and_start(R"((func (export "__guest_call") (param i32 i32) (result i32)
      (loop br 0) i32.const 1))");
  std::optional<Result<core::Buffer>> looping;
  spawn(call_task(host_, "x", "", 60ms), looping);
  int turns = 0;
  std::function<void()> other = [&] {
    ++turns;
    if (looping) return core_.stop();
    core_.post([&other] { other(); });
  };
  other();
  core_.run();
  ASSERT_TRUE(looping);
  EXPECT_EQ(looping->error().reason(), Reason::EngineDeadline);
  EXPECT_GT(turns, 3) << "other work of the core ran between the slices";
}

TEST_F(WapcTest, AHostCallStormIsBounded) {
  load_and_start(R"((func (export "__guest_call") (param i32 i32) (result i32)
      (loop (drop (call $host_call (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
                       (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))) (br 0))
      i32.const 1))");
  limits_.max_host_calls = 100;
  EXPECT_EQ(call("x").error().reason(), Reason::EngineLimitHostCalls);
  EXPECT_EQ(host_.calls.size(), 100u);
}

// Answers without waiting, but it takes a millisecond of the core's time.
class BusyHost final : public HostInterface {
 public:
  async::Task<Result<core::Buffer>> host_call(const HostRequest&, CallFrame&) override {
    ++asked;
    const auto end = std::chrono::steady_clock::now() + 1ms;
    while (std::chrono::steady_clock::now() < end) {
    }
    co_return core::Buffer();
  }

  void guest_output(OutputKind, std::string_view) noexcept override {}

  void guest_output_dropped(std::uint64_t, std::uint64_t) noexcept override {}

  int asked = 0;
};

TEST_F(WapcTest, DearHostCallsInARowLetOthersRun) {
  load_and_start(R"((func (export "__guest_call") (param i32 i32) (result i32)
      (local i32)
      (loop
        (drop (call $host_call (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
                   (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))
        (local.set 2 (i32.add (local.get 2) (i32.const 1)))
        (br_if 0 (i32.lt_u (local.get 2) (i32.const 60))))
      (call $response (i32.const 0) (i32.const 1))
      i32.const 1))");
  BusyHost busy;
  std::optional<Result<core::Buffer>> calling;
  spawn(call_task(busy, "x", "", 10s), calling);
  int turns = 0;
  std::function<void()> other = [&] {
    if (calling) return core_.stop();
    turns += busy.asked > 0 ? 1 : 0;
    core_.post([&other] { other(); });
  };
  other();
  core_.run();
  ASSERT_TRUE(*calling) << calling->error().message();
  EXPECT_EQ(busy.asked, 60);
  EXPECT_GT(turns, 5) << "other work of the core ran between the host calls";
}

constexpr std::string_view kSleep = R"(
  (func (export "__guest_call") (param $ms i32) (param i32) (result i32)
    (i32.store (i32.const 16) (i32.const 1))
    (i64.store (i32.const 24) (i64.mul (i64.extend_i32_u (local.get $ms)) (i64.const 1000000)))
    (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))
    (call $response (i32.const 128) (i32.const 4))
    i32.const 1))";

TEST_F(WapcTest, PollSleepsAndADeadlineWakesIt) {
  load_and_start(kSleep);
  const auto begun = std::chrono::steady_clock::now();
  const auto reply = call(std::string(5, 'x'));
  ASSERT_TRUE(reply) << reply.error().message();
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 5ms);
  EXPECT_EQ(reply->text(), std::string("\1\0\0\0", 4));
  const auto late = call(std::string(1000, 'x'), {}, 10ms);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().reason(), Reason::EngineDeadline);
  EXPECT_FALSE(guest_->usable());
}

TEST_F(WapcTest, CancelledCallsLeaveNothingBehind) {
  load(kForward);
  SlowHost slow(core_);
  std::mt19937 random(3);
  for (int round = 0; round < 300; ++round) {
    renew();
    ASSERT_TRUE(start());
    // The task dies with its core's handlers: inside the host call, or before it began.
    std::optional<Result<core::Buffer>> result;
    test::Frame frame(core_, slow, limits_);
    auto task = guest_->call("Get", as_bytes("key"), frame.frame);
    if (random() % 2 == 0) {
      spawn(std::move(task), result);
      core_.run_ready();
      ASSERT_TRUE(slow.waiting != nullptr);
      frame.scope.cancel(async::CancelCause::Cancelled);
      core_.run_ready();
      ASSERT_TRUE(result);
      EXPECT_EQ(result->error().reason(), Reason::CallCancelled);
      EXPECT_FALSE(guest_->usable());
    }
  }
}

// Stops the core in the middle of a host call, so that the whole task waits in the core's queue.
class StoppingHost final : public HostInterface {
 public:
  async::Task<Result<core::Buffer>> host_call(const HostRequest&, CallFrame& frame) override {
    async::Core& core = frame.context.cancel.core();
    core.stop();
    for (int turns = 0; turns < 10; ++turns) co_await core.yield_slice();
    co_return fail(Reason::Internal, "the core went on after its end");
  }

  void guest_output(OutputKind, std::string_view) noexcept override {}

  void guest_output_dropped(std::uint64_t, std::uint64_t) noexcept override {}
};

async::Task<int> start_and_call(abi::Guest& guest, HostInterface& host, const GuestLimits& limits,
                                async::Core& core) {
  test::Frame frame(core, host, limits);
  const auto started = co_await guest.start(frame.frame);
  if (!started) co_return 0;
  const auto reply = co_await guest.call("Get", {}, frame.frame);
  co_return reply ? 1 : 2;
}

TEST_F(WapcTest, ATaskMayBeDestroyedInsideAHostCall) {
  load(kForward);
  for (int round = 0; round < 100; ++round) {
    auto core = std::make_unique<async::Core>(0);
    StoppingHost host;
    auto guest = program_->create(*core);
    ASSERT_TRUE(guest);
    bool ended = false;
    boost::asio::co_spawn(core->executor(), start_and_call(**guest, host, limits_, *core),
                          [&ended](const std::exception_ptr&, int) { ended = true; });
    core->run();
    ASSERT_FALSE(ended);
    core.reset();
    EXPECT_FALSE((*guest)->usable());
  }
}

TEST_F(WapcTest, TheOlderHostCallsAreRecognisedByTheirType) {
  for (const int parameters : {4, 6}) {
    std::string types;
    std::string values;
    for (int i = 0; i < parameters; ++i) {
      types += " i32";
      values += i % 2 == 0 ? "(i32.const 0)" : "(i32.const 2)";
    }
    auto program = build(R"((module (import "wapc" "__host_call" (func $h (param)" + types +
                         R"() (result i32)))
      (import "wapc" "__guest_response" (func $response (param i32 i32)))
      (memory (export "memory") 1) (data (i32.const 0) "ab")
      (func (export "__guest_call") (param i32 i32) (result i32)
        (call $response (i32.const 0) (i32.const 0)) (call $h )" +
                         values + ")))");
    ASSERT_TRUE(program) << program.error().message();
    program_ = *program;
    renew();
    ASSERT_TRUE(start());
    EXPECT_TRUE(call("x"));
  }
  EXPECT_THAT(host_.calls, ElementsAre(test::FakeHost::Call{"default", "", "ab", "ab"},
                                       test::FakeHost::Call{"default", "ab", "ab", "ab"}));
}

struct Refused {
  const char* module;
  Reason reason;
  const char* says;
};

class RefusedModules : public WapcTest, public testing::WithParamInterface<Refused> {};

TEST_P(RefusedModules, AreNamed) {
  const auto program = build(GetParam().module);
  ASSERT_FALSE(program);
  EXPECT_EQ(program.error().reason(), GetParam().reason);
  EXPECT_THAT(program.error().message(), HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    All, RefusedModules,
    testing::Values(
        Refused{R"((module (memory (export "memory") 1)))", Reason::ModuleExport,
                "Guest module did not export __guest_call function!"},
        Refused{R"((module (memory 1) (func (export "__guest_call") (param i32 i32) (result i32)
                   i32.const 1)))",
                Reason::ModuleExport, "does not export its memory"},
        Refused{R"((module (memory (export "memory") 1) (func (export "__guest_call"))))",
                Reason::ModuleExport, "(i32, i32) -> i32"},
        Refused{R"((module (memory (export "memory") 1) (func (export "_start") (param i32))
                   (func (export "__guest_call") (param i32 i32) (result i32) i32.const 1)))",
                Reason::ModuleExport, "_start"},
        Refused{R"((module (import "wapc" "__host_calls" (func)) (import "env" "abort" (func))
                   (memory (export "memory") 1)))",
                Reason::ModuleImport, "nearest: wapc.__host_call"},
        Refused{R"((module (import "wasi_unstable" "fd_write" (func (param i32)))
                   (memory (export "memory") 1)))",
                Reason::ModuleImport, "(i32, i32, i32, i32) -> i32"},
        Refused{R"((module (import "env" "memory" (memory 1)) ))", Reason::ModuleImport,
                "env.memory"}));

TEST_F(WapcTest, EveryWasiFunctionLinksUnderBothNames) {
  for (const std::string module : {"wasi_unstable", "wasi_snapshot_preview1"}) {
    auto program = build(R"((module
      (import ")" + module +
                         R"(" "path_open" (func $open
        (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
      (import ")" + module +
                         R"(" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
      (import ")" + module +
                         R"(" "fd_seek" (func $seek (param i32 i64 i32 i32) (result i32)))
      (import ")" + module +
                         R"(" "sock_send" (func $send (param i32 i32 i32 i32 i32) (result i32)))
      (import "wapc" "__guest_response" (func $response (param i32 i32)))
      (memory (export "memory") 1)
      (func (export "__guest_call") (param i32 i32) (result i32)
        (i32.store8 (i32.const 0) (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 0)
           (i32.const 0) (i64.const 0) (i64.const 0) (i32.const 0) (i32.const 0)))
        (i32.store8 (i32.const 1) (call $prestat (i32.const 3) (i32.const 64)))
        (i32.store8 (i32.const 2) (call $seek (i32.const 1) (i64.const 0) (i32.const 0) (i32.const 64)))
        (i32.store8 (i32.const 3) (call $seek (i32.const 5) (i64.const 0) (i32.const 0) (i32.const 64)))
        (i32.store8 (i32.const 4) (call $send (i32.const 5) (i32.const 0) (i32.const 0) (i32.const 0)
           (i32.const 0)))
        (call $response (i32.const 0) (i32.const 5))
        i32.const 1)))");
    ASSERT_TRUE(program) << program.error().message();
    program_ = *program;
    renew();
    ASSERT_TRUE(start());
    const auto reply = call("x");
    ASSERT_TRUE(reply);
    EXPECT_EQ(to_hex(reply->view()), "3408460834");
  }
}

}  // namespace
}  // namespace trellis::abi::wapc
