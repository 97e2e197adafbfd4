// Calls, traps, slices, asynchronous host functions and limits, on modules in text form.

#include <algorithm>
#include <cstring>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "trellis/engine/instance.h"
#include "trellis/engine/test_support.h"

namespace trellis::engine {
namespace {

using codec::wasm::ValueType;
using test::from_text;
using test::run;

// What host functions of these tests record.
struct Guest {
  std::int32_t seen[8] = {};
  std::size_t count = 0;
  std::int32_t answer = 0;
  bool ready = false;
  bool trap = false;
  int resumed = 0;
  std::size_t memory_seen = 0;
};

HostStatus add(HostContext& context, std::span<RawValue> values) noexcept {
  auto& guest = context.data<Guest>();
  guest.memory_seen = context.memory().size();
  if (guest.trap) return HostStatus::Trap;
  values[0].set_i32(values[0].i32() + values[1].i32());
  return HostStatus::Ready;
}

HostStatus settle(Guest& guest, std::int32_t& result) noexcept {
  if (guest.trap) return HostStatus::Trap;
  result = guest.answer;
  return guest.ready ? HostStatus::Ready : HostStatus::Pending;
}

HostStatus begin(HostContext& context, std::span<const std::int32_t> arguments,
                 std::int32_t& result) noexcept {
  auto& guest = context.data<Guest>();
  guest.count = arguments.size();
  std::ranges::copy(arguments, guest.seen);
  return settle(guest, result);
}

HostStatus resume(HostContext& context, std::int32_t& result) noexcept {
  auto& guest = context.data<Guest>();
  ++guest.resumed;
  return settle(guest, result);
}

class CallTest : public ::testing::Test {
 protected:
  CallTest() : engine_(std::move(Engine::create({})).value()), linker_(*engine_), ticker_(1) {
    ticker_.watch(*engine_);
    const ValueType two[] = {ValueType::I32, ValueType::I32};
    const ValueType one[] = {ValueType::I32};
    EXPECT_TRUE(linker_.define("host", "add", two, one, add));
    for (const unsigned parameters : {4u, 6u, 8u}) {
      EXPECT_TRUE(linker_.define_async("host", "wait" + std::to_string(parameters), parameters,
                                       {.begin = begin, .resume = resume}));
    }
  }

  std::shared_ptr<const Prelinked> link(std::string_view text) {
    const Bytes bytes = from_text(text);
    EXPECT_FALSE(bytes.empty()) << text;
    auto module = Module::compile(*engine_, bytes);
    EXPECT_TRUE(module) << module.error().message();
    auto prelinked = Prelinked::create(linker_, *module);
    EXPECT_TRUE(prelinked) << prelinked.error().message();
    return *prelinked;
  }

  std::unique_ptr<Instance> start(std::string_view text) {
    auto instance = std::make_unique<Instance>(link(text), ticker_.lane(0), &guest_);
    Call call = instance->instantiate({});
    EXPECT_EQ(run(call), CallState::Done) << call.failure().message;
    return instance;
  }

  /// Calls `f` of a fresh instance and returns its failure.
  Failure failure_of(std::string_view text, Signature signature = Signature::ToNothing,
                     Interruption interruption = {}) {
    const auto instance = start(text);
    const auto function = instance->find("f", signature);
    EXPECT_TRUE(function);
    Call call(*instance, *function, interruption);
    EXPECT_EQ(run(call), CallState::Failed);
    EXPECT_FALSE(instance->usable());
    return call.failure();
  }

  std::unique_ptr<Engine> engine_;
  Linker linker_;
  Ticker ticker_;
  Guest guest_;
};

TEST_F(CallTest, CallsATypedFunction) {
  const auto instance = start(R"((module (func (export "f") (param i32 i32) (result i32)
      local.get 0 local.get 1 i32.sub)))");
  const auto function = instance->find("f", Signature::I32I32ToI32);
  ASSERT_TRUE(function);
  for (int i = 0; i < 3; ++i) {
    Call call(*instance, *function, {}, 50, 8 + i);
    ASSERT_EQ(call.poll(), CallState::Done);
    EXPECT_EQ(call.result(), 42 - i);
  }
  EXPECT_TRUE(instance->usable());
}

TEST_F(CallTest, FindsOnlyFunctionsOfThatTypeAndName) {
  const auto instance = start(R"((module (memory (export "m") 1)
      (func (export "v")) (func (export "i") (result i32) i32.const 7)
      (func (export "l") (param i64))))");
  EXPECT_TRUE(instance->find("v", Signature::ToNothing));
  EXPECT_FALSE(instance->find("v", Signature::ToI32));
  EXPECT_FALSE(instance->find("m", Signature::ToNothing));
  EXPECT_FALSE(instance->find("l", Signature::ToNothing));
  EXPECT_FALSE(instance->find("none", Signature::ToNothing));
  const auto function = instance->find("i", Signature::ToI32);
  ASSERT_TRUE(function);
  Call call(*instance, *function, {});
  ASSERT_EQ(call.poll(), CallState::Done);
  EXPECT_EQ(call.result(), 7);
}

struct TrapCase {
  const char* name;
  const char* body;
  Reason reason;
};

class TrapTest : public CallTest, public ::testing::WithParamInterface<TrapCase> {};

TEST_P(TrapTest, HasItsReason) {
  const std::string text = std::string(R"((module (memory 1 1) (table 2 funcref) (type $v (func))
      (func $with_result (result i32) i32.const 1) (elem (i32.const 1) func $with_result)
      (func (export "f") )") +
                           GetParam().body + "))";
  const Failure failure = failure_of(text);
  EXPECT_EQ(failure.reason, GetParam().reason) << failure.message;
  EXPECT_FALSE(failure.host_raised);
  EXPECT_FALSE(failure.message.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Traps, TrapTest,
    ::testing::Values(
        TrapCase{"Unreachable", "unreachable", Reason::EngineTrapUnreachable},
        TrapCase{"MemoryRead", "i32.const 65533 i32.load drop", Reason::EngineTrapMemory},
        TrapCase{"MemoryReadFar", "i32.const -1 i32.load offset=4294967295 drop",
                 Reason::EngineTrapMemory},
        TrapCase{"MemoryWriteBeyondTheReservation", "i32.const 0x40000000 i32.const 1 i32.store",
                 Reason::EngineTrapMemory},
        TrapCase{"MemoryFill", "i32.const 1 i32.const 0 i32.const -1 memory.fill",
                 Reason::EngineTrapMemory},
        TrapCase{"TableIndex", "i32.const 2 call_indirect (type $v)", Reason::EngineTrapTable},
        TrapCase{"TableNull", "i32.const 0 call_indirect (type $v)",
                 Reason::EngineTrapIndirectCallToNull},
        TrapCase{"TableType", "i32.const 1 call_indirect (type $v)",
                 Reason::EngineTrapBadSignature},
        TrapCase{"DivisionByZero", "i32.const 1 i32.const 0 i32.div_s drop",
                 Reason::EngineTrapIntegerDivision},
        TrapCase{"DivisionOverflow", "i32.const 0x80000000 i32.const -1 i32.div_s drop",
                 Reason::EngineTrapIntegerOverflow},
        TrapCase{"ConversionOfNan", "f32.const nan i32.trunc_f32_s drop",
                 Reason::EngineTrapBadConversion},
        TrapCase{"ConversionOverflow", "f64.const 1e30 i32.trunc_f64_s drop",
                 Reason::EngineTrapIntegerOverflow},
        TrapCase{"StackOverflow", "call 1", Reason::EngineTrapStackOverflow}),
    [](const auto& info) { return info.param.name; });

TEST_F(CallTest, SyncHostFunctionSeesArgumentsDataAndMemory) {
  const auto instance = start(R"((module (import "host" "add" (func $add (param i32 i32)
      (result i32))) (memory (export "memory") 2) (func (export "f") (param i32 i32) (result i32)
      local.get 0 local.get 1 call $add)))");
  const auto function = instance->find("f", Signature::I32I32ToI32);
  Call call(*instance, *function, {}, 40, 2);
  ASSERT_EQ(call.poll(), CallState::Done);
  EXPECT_EQ(call.result(), 42);
  EXPECT_EQ(guest_.memory_seen, 2 * kWasmPageBytes);
}

TEST_F(CallTest, HostFunctionInTheStartSectionSeesTheMemory) {
  const auto instance = start(R"((module (import "host" "add" (func $add (param i32 i32)
      (result i32))) (memory (export "memory") 3) (func $s i32.const 1 i32.const 2 call $add drop)
      (start $s)))");
  EXPECT_EQ(guest_.memory_seen, 3 * kWasmPageBytes);
  EXPECT_EQ(instance->memory_bytes(), 3 * kWasmPageBytes);
}

TEST_F(CallTest, MemoryGrowsInPlaceUpToTheLimit) {
  const auto instance = start(R"((module (memory (export "memory") 1) (func (export "f")
      (param i32 i32) (result i32) local.get 0 memory.grow)))");
  const auto function = instance->find("f", Signature::I32I32ToI32);
  const std::byte* base = instance->memory().data();
  const std::int32_t limit = 1024;  // 64 MiB
  {
    Call call(*instance, *function, {}, limit, 0);
    ASSERT_EQ(call.poll(), CallState::Done);
    EXPECT_EQ(call.result(), -1) << "one page above the limit";
  }
  {
    Call call(*instance, *function, {}, limit - 1, 0);
    ASSERT_EQ(call.poll(), CallState::Done);
    EXPECT_EQ(call.result(), 1);
  }
  EXPECT_EQ(instance->memory_bytes(), 64u << 20);
  EXPECT_EQ(instance->memory().data(), base);
}

TEST_F(CallTest, TablesGrowUpToTheLimit) {
  const auto instance = start(R"((module (table 1 funcref) (func (export "f") (param i32 i32)
      (result i32) ref.null func local.get 0 table.grow)))");
  const auto function = instance->find("f", Signature::I32I32ToI32);
  const auto grow = [&](std::int32_t by) {
    Call call(*instance, *function, {}, by, 0);
    EXPECT_EQ(call.poll(), CallState::Done);
    return call.result();
  };
  EXPECT_EQ(grow(16'384), -1);
  EXPECT_EQ(grow(16'383), 1);
  EXPECT_EQ(grow(1), -1);
}

TEST_F(CallTest, HostTrapIsMarked) {
  guest_.trap = true;
  const Failure failure = failure_of(R"((module (import "host" "add" (func $add (param i32 i32)
      (result i32))) (func (export "f") i32.const 1 i32.const 2 call $add drop)))");
  EXPECT_TRUE(failure.host_raised);
}

TEST_F(CallTest, AFailureTellsWhereItHappened) {
  const Failure failure = failure_of(R"((module (func $inner unreachable)
      (func $outer (export "f") call $inner)))");
  EXPECT_EQ(failure.message, "wasm `unreachable` instruction executed");
  EXPECT_THAT(
      failure.backtrace,
      ::testing::MatchesRegex(
          "inner .function 0, offset 0x[0-9a-f]+.\nouter .function 1, offset 0x[0-9a-f]+.\n"));
}

TEST_F(CallTest, AsyncHostFunctionReadyAtOnce) {
  guest_.ready = true;
  guest_.answer = 99;
  const auto instance = start(R"((module (import "host" "wait8" (func $w (param i32 i32 i32 i32
      i32 i32 i32 i32) (result i32))) (func (export "f") (result i32) i32.const 1 i32.const 2
      i32.const 3 i32.const 4 i32.const 5 i32.const 6 i32.const 7 i32.const 8 call $w)))");
  Call call(*instance, *instance->find("f", Signature::ToI32), {});
  ASSERT_EQ(call.poll(), CallState::Done);
  EXPECT_EQ(call.result(), 99);
  EXPECT_EQ(guest_.count, 8u);
  EXPECT_THAT(guest_.seen, ::testing::ElementsAre(1, 2, 3, 4, 5, 6, 7, 8));
  EXPECT_EQ(guest_.resumed, 0);
}

constexpr std::string_view kWaits = R"((module (import "host" "wait4" (func $w (param i32 i32 i32
    i32) (result i32))) (memory (export "memory") 1) (func (export "f") (result i32) i32.const 1
    i32.const 2 i32.const 3 i32.const 4 call $w)))";

TEST_F(CallTest, AsyncHostFunctionWaits) {
  const auto instance = start(kWaits);
  Call call(*instance, *instance->find("f", Signature::ToI32), {});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(call.poll(), CallState::Waiting);
  EXPECT_EQ(guest_.resumed, 2);
  // Whoever serves the call may use the memory meanwhile.
  EXPECT_EQ(instance->memory().size(), kWasmPageBytes);
  guest_.ready = true;
  guest_.answer = -5;
  EXPECT_EQ(call.poll(), CallState::Done);
  EXPECT_EQ(call.result(), -5);
  EXPECT_EQ(call.slices(), 0u);
  EXPECT_TRUE(instance->usable());
}

TEST_F(CallTest, AsyncHostFunctionMayTrapAfterWaiting) {
  const auto instance = start(kWaits);
  Call call(*instance, *instance->find("f", Signature::ToI32), {});
  EXPECT_EQ(call.poll(), CallState::Waiting);
  guest_.trap = true;
  EXPECT_EQ(call.poll(), CallState::Failed);
  EXPECT_TRUE(call.failure().host_raised);
  EXPECT_FALSE(instance->usable());
}

TEST_F(CallTest, DestroyingAWaitingCallBreaksItsInstanceOnly) {
  {
    const auto instance = start(kWaits);
    {
      Call call(*instance, *instance->find("f", Signature::ToI32), {});
      EXPECT_EQ(call.poll(), CallState::Waiting);
    }
    EXPECT_FALSE(instance->usable());
  }
  guest_.ready = true;
  const auto next = start(kWaits);
  Call call(*next, *next->find("f", Signature::ToI32), {});
  EXPECT_EQ(call.poll(), CallState::Done);
}

TEST_F(CallTest, ACallThatNeverBeganBreaksNothing) {
  const auto instance = start(kWaits);
  {
    Call call(*instance, *instance->find("f", Signature::ToI32), {});
  }
  EXPECT_TRUE(instance->usable());
  guest_.ready = true;
  Call call(*instance, *instance->find("f", Signature::ToI32), {});
  EXPECT_EQ(call.poll(), CallState::Done);
}

constexpr std::string_view kLoops = R"((module (func (export "f") (loop $l br $l))))";

TEST_F(CallTest, AComputingGuestYieldsItsSlice) {
  const auto instance = start(kLoops);
  Call call(*instance, *instance->find("f", Signature::ToNothing), {});
  for (std::uint32_t i = 1; i <= 3; ++i) {
    EXPECT_EQ(call.poll(), CallState::Yielded);
    EXPECT_EQ(call.slices(), i);
  }
  EXPECT_GT(call.cpu_nanoseconds(), 100'000u);
  EXPECT_LT(call.cpu_nanoseconds(), 10'000'000'000u);
}

TEST_F(CallTest, TheDeadlineEndsALoop) {
  const auto deadline = SteadyClock::now() + std::chrono::milliseconds(5);
  const Failure failure = failure_of(kLoops, Signature::ToNothing, {.deadline = deadline});
  EXPECT_EQ(failure.reason, Reason::EngineDeadline);
  EXPECT_FALSE(failure.host_raised);
  EXPECT_GE(SteadyClock::now(), deadline);
}

TEST_F(CallTest, TheFlagEndsALoop) {
  const std::atomic<bool> cancelled{true};
  const Failure failure = failure_of(kLoops, Signature::ToNothing, {.cancelled = &cancelled});
  EXPECT_EQ(failure.reason, Reason::EngineCancelled);
}

TEST_F(CallTest, TheDeadlineEndsExponentialCallsAndTailCalls) {
  for (const char* text : {
           R"((module (func $f (export "f") (param) (call $g (i32.const 60)))
               (func $g (param i32) (if (local.get 0) (then
                 (call $g (i32.sub (local.get 0) (i32.const 1)))
                 (call $g (i32.sub (local.get 0) (i32.const 1))))))))",
           R"((module (func $f (export "f") return_call $f)))",
           R"((module (memory 1024) (func (export "f") (loop $l
               (memory.fill (i32.const 0) (i32.const 1) (i32.const 0x4000000)) br $l))))"}) {
    const auto deadline = SteadyClock::now() + std::chrono::milliseconds(3);
    EXPECT_EQ(failure_of(text, Signature::ToNothing, {.deadline = deadline}).reason,
              Reason::EngineDeadline);
  }
}

TEST_F(CallTest, TheDeadlineEndsAStartSection) {
  Instance instance(link(R"((module (func $s (loop $l br $l)) (start $s)))"), ticker_.lane(0),
                    &guest_);
  Call call = instance.instantiate({.deadline = SteadyClock::now()});
  EXPECT_EQ(run(call), CallState::Failed);
  EXPECT_EQ(call.failure().reason, Reason::EngineDeadline);
}

TEST_F(CallTest, ATrapInTheStartSectionKeepsItsReason) {
  Instance instance(link(R"((module (func $s unreachable) (start $s)))"), ticker_.lane(0), &guest_);
  Call call = instance.instantiate({});
  EXPECT_EQ(run(call), CallState::Failed);
  EXPECT_EQ(call.failure().reason, Reason::EngineTrapUnreachable);
  EXPECT_FALSE(instance.usable());
}

TEST_F(CallTest, DataOutsideTheMemoryFailsInstantiation) {
  Instance instance(link(R"((module (memory 1) (data (i32.const 65535) "ab")))"), ticker_.lane(0),
                    &guest_);
  Call call = instance.instantiate({});
  EXPECT_EQ(run(call), CallState::Failed);
  EXPECT_EQ(call.failure().reason, Reason::EngineTrapMemory);
}

TEST_F(CallTest, AFullPoolIsAnErrorAndASlotComesBack) {
  const auto prelinked = link("(module (memory 1))");
  std::vector<std::unique_ptr<Instance>> live;
  for (std::uint32_t i = 0; i < engine_->options().instances; ++i) {
    live.push_back(std::make_unique<Instance>(prelinked, ticker_.lane(0), &guest_));
    Call call = live.back()->instantiate({});
    ASSERT_EQ(run(call), CallState::Done) << i;
  }
  for (int round = 0; round < 2; ++round) {
    Instance extra(prelinked, ticker_.lane(0), &guest_);
    Call call = extra.instantiate({});
    if (round == 0) {
      ASSERT_EQ(run(call), CallState::Failed);
      EXPECT_EQ(call.failure().reason, Reason::EngineLimitInstances) << call.failure().message;
      live.pop_back();
    } else {
      EXPECT_EQ(run(call), CallState::Done);
    }
  }
}

// With each way of resetting a slot.
class SlotTest : public ::testing::TestWithParam<bool> {};

TEST_P(SlotTest, AReusedSlotReadsZero) {
  if (GetParam() && !read_system_limits().may_scan()) {
    GTEST_SKIP() << "PAGEMAP_SCAN is missing, or swap is on";
  }
  const auto engine = std::move(Engine::create({.pagemap_scan = GetParam()})).value();
  Ticker ticker(1);
  ticker.watch(*engine);
  const Linker linker(*engine);
  const auto module = Module::compile(
      *engine, from_text(R"((module (memory (export "memory") 4) (data (i32.const 70000) "x")
      (table (export "t") 8 funcref) (global $g (mut i32) (i32.const 0)) (func $self)
      (elem declare func $self)
      (func (export "f") (result i32) (local $dirt i32)
        (local.set $dirt (i32.or (global.get $g)
           (i32.eqz (ref.is_null (table.get 0 (i32.const 7))))))
        (global.set $g (i32.const 1)) (table.set 0 (i32.const 7) (ref.func $self))
        (local.get $dirt))))"));
  ASSERT_TRUE(module);
  const auto prelinked = std::move(Prelinked::create(linker, *module)).value();
  constexpr int kRounds = 2'000;
  constexpr std::size_t kData = 70'000;
  for (int round = 0; round < kRounds; ++round) {
    Instance instance(prelinked, ticker.lane(0), nullptr);
    {
      Call call = instance.instantiate({});
      ASSERT_EQ(run(call), CallState::Done);
    }
    const MutableByteView memory = instance.memory();
    ASSERT_EQ(memory[kData], std::byte{'x'});
    memory[kData] = std::byte{};
    ASSERT_EQ(memory[0], std::byte{});
    ASSERT_EQ(std::memcmp(memory.data(), memory.data() + 1, memory.size() - 1), 0)
        << "round " << round;
    // A different set of pages each round, the initialised one among them.
    for (auto at = static_cast<std::size_t>(round % 7); at < memory.size(); at += 5'003) {
      memory[at] = std::byte{0xa5};
    }
    Call call(instance, *instance.find("f", Signature::ToI32), {});
    ASSERT_EQ(run(call), CallState::Done);
    ASSERT_EQ(call.result(), 0) << "a global or a table element survived, round " << round;
  }
}

INSTANTIATE_TEST_SUITE_P(Resets, SlotTest, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "PagemapScan" : "Madvise"; });

TEST_F(CallTest, UnknownImportAndWrongTypeAreRefused) {
  const auto reason = [&](std::string_view text) {
    auto module = Module::compile(*engine_, from_text(text));
    EXPECT_TRUE(module);
    auto prelinked = Prelinked::create(linker_, *module);
    EXPECT_FALSE(prelinked);
    EXPECT_THAT(prelinked.error().message(), ::testing::HasSubstr("host"));
    return prelinked.error().reason();
  };
  EXPECT_EQ(reason(R"((module (import "host" "none" (func))))"), Reason::ModuleImport);
  EXPECT_EQ(reason(R"((module (import "host" "add" (func (param i64)))))"), Reason::ModuleImport);
  EXPECT_EQ(reason(R"((module (import "host" "add" (memory 1))))"), Reason::ModuleImport);
}

}  // namespace
}  // namespace trellis::engine
