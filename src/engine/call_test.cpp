// Calls, traps, slices, asynchronous host functions and limits, on modules in text form.

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

}  // namespace
}  // namespace trellis::engine
