// What is refused before it is compiled, and how it is said.

#include "trellis/engine/module.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "trellis/engine/test_support.h"

namespace trellis::engine {
namespace {

using test::from_text;
using ::testing::HasSubstr;

class ModuleTest : public ::testing::Test {
 protected:
  ModuleTest() : engine_(std::move(Engine::create({})).value()) {}

  Error error_of(ByteView bytes) {
    auto module = Module::compile(*engine_, bytes);
    EXPECT_FALSE(module);
    return module ? Error(Reason::Internal, "it was accepted") : module.error();
  }

  std::unique_ptr<Engine> engine_;
};

TEST_F(ModuleTest, LimitsAreExact) {
  EXPECT_TRUE(Module::compile(*engine_, from_text("(module (memory 1024))")));
  EXPECT_EQ(error_of(from_text("(module (memory 1025))")).reason(), Reason::EngineLimitMemory);
  EXPECT_TRUE(Module::compile(*engine_, from_text("(module (table 16384 funcref))")));
  EXPECT_EQ(error_of(from_text("(module (table 16385 funcref))")).reason(),
            Reason::EngineLimitTable);
  const char* four = "(table 1 funcref)(table 1 funcref)(table 1 funcref)(table 1 funcref)";
  EXPECT_TRUE(Module::compile(*engine_, from_text("(module " + std::string(four) + ")")));
  EXPECT_EQ(error_of(from_text("(module " + std::string(four) + "(table 1 funcref))")).reason(),
            Reason::EngineLimitTable);
}

TEST_F(ModuleTest, SizeIsCheckedBeforeAnythingElse) {
  Limits limits;
  limits.max_module_bytes = 8;
  const Bytes empty = from_text("(module)");
  EXPECT_TRUE(inspect(empty, limits));
  limits.max_module_bytes = 7;
  EXPECT_EQ(inspect(empty, limits).error().reason(), Reason::ModuleTooLarge);
}

TEST_F(ModuleTest, ProposalsThatTheEngineLacksAreNamed) {
  const auto refused = [&](std::string_view text, std::string_view word) {
    const Bytes bytes = from_text(text);
    ASSERT_FALSE(bytes.empty()) << text;
    const Error error = error_of(bytes);
    EXPECT_EQ(error.reason(), Reason::ModuleUnsupported) << text;
    EXPECT_THAT(error.message(), HasSubstr(word));
  };
  refused("(module (memory i64 1))", "memory64");
  refused("(module (memory 1 1 shared))", "threads");
  refused("(module (memory 1) (memory 1))", "multi-memory");
  refused("(module (tag))", "exception");
  refused("(module (table 1 externref))", "reference");
}

TEST_F(ModuleTest, InvalidModulesSayWhere) {
  Bytes bytes = from_text("(module (func (result i32) i32.const 1))");
  bytes[bytes.size() - 3] = std::byte{0x43};  // f32.const, and then too few bytes
  const Error error = error_of(bytes);
  EXPECT_EQ(error.reason(), Reason::ModuleMalformed);
  EXPECT_THAT(error.message(), HasSubstr("offset"));
  // Well formed, but of the wrong type.
  const Bytes typed = from_text("(module (func (result i32) i64.const 1))");
  EXPECT_EQ(error_of(typed).reason(), Reason::ModuleMalformed);
  EXPECT_EQ(error_of({}).reason(), Reason::ModuleMalformed);
}

TEST_F(ModuleTest, InfoOwnsWhatItTells) {
  Bytes bytes = from_text(R"((module (import "a" "b" (func (param i64) (result f32)))
      (memory (export "memory") 3) (func $s) (start $s) (func (export "g") (result i32)
      i32.const 0)))");
  const auto module = std::move(Module::compile(*engine_, bytes)).value();
  std::ranges::fill(bytes, std::byte{0});
  const ModuleInfo& info = module->info();
  ASSERT_EQ(info.imports.size(), 1u);
  EXPECT_EQ(info.imports[0].module + "." + info.imports[0].name, "a.b");
  EXPECT_EQ(codec::wasm::function_type_text(info.imports[0].type), "(i64) -> f32");
  EXPECT_EQ(info.memory_min_bytes, 3 * kWasmPageBytes);
  EXPECT_TRUE(info.has_start);
  EXPECT_NE(info.find_function("g"), nullptr);
  EXPECT_EQ(info.find_function("memory"), nullptr);
}

TEST(EngineTest, AnImpossiblePoolIsAnErrorWithARemedy) {
  const auto engine = Engine::create({.instances = 100'000'000});
  ASSERT_FALSE(engine);
  EXPECT_EQ(engine.error().reason(), Reason::EngineFailed);
  EXPECT_THAT(engine.error().message(), HasSubstr("vm.max_map_count"));
}

TEST(EngineTest, ThePoolFitsTheMachine) {
  SystemLimits limits;
  limits.ram_bytes = std::uint64_t{64} << 30;
  limits.address_bits = 47;
  limits.max_map_count = 65'530;
  EXPECT_EQ(fit_pool(limits), kMaxPoolInstances);
  limits.max_map_count = 30'000;
  EXPECT_EQ(fit_pool(limits), 4'000u);
  limits.max_map_count = 0;
  EXPECT_EQ(fit_pool(limits), 16u);
  limits.max_map_count = 1'000'000;
  limits.ram_bytes = 768u << 20;
  EXPECT_EQ(fit_pool(limits), 4'096u);
  limits.address_bits = 39;
  EXPECT_EQ(fit_pool(limits), 4'032u);
}

TEST(EngineTest, SwapForbidsPagemapScan) {
  SystemLimits limits;
  limits.pagemap_scan = true;
  EXPECT_FALSE(host_options(limits).pagemap_scan) << "not known to be off: on";
  limits.swap = false;
  EXPECT_TRUE(host_options(limits).pagemap_scan);
}

TEST(EngineTest, ReadsTheMachine) {
  const SystemLimits limits = read_system_limits();
  EXPECT_GT(limits.ram_bytes, 1u << 20);
  EXPECT_GE(limits.address_bits, 36u);
  EXPECT_GE(limits.cores, 1u);
  EXPECT_GT(limits.open_files, 0u);
  EXPECT_EQ(verdicts(limits).size(), 9u);
}

}  // namespace
}  // namespace trellis::engine
