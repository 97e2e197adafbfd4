#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "trellis/abi/common/guest.h"
#include "trellis/abi/common/guest_memory.h"
#include "trellis/abi/common/import_check.h"
#include "trellis/abi/common/step_report.h"
#include "trellis/base/text.h"

namespace trellis::abi {
namespace {

TEST(GuestSlice, AgreesWithTheRuleAtEveryEdge) {
  std::array<std::byte, 16> memory{};
  const MutableByteView view(memory);
  EXPECT_TRUE(guest_slice(view, 0, 16));
  EXPECT_TRUE(guest_slice(view, 16, 0));
  EXPECT_FALSE(guest_slice(view, 17, 0));
  EXPECT_FALSE(guest_slice(view, 0, 17));
  EXPECT_FALSE(guest_slice(view, 1, 16));
  EXPECT_FALSE(guest_slice(view, 0xFFFFFFFF, 1));
  EXPECT_FALSE(guest_slice(view, 0xFFFFFFFF, 0xFFFFFFFF));
  EXPECT_FALSE(guest_slice(view, UINT64_MAX, 2));
  EXPECT_EQ(guest_slice(view, 4, 8)->data(), memory.data() + 4);
  EXPECT_FALSE(guest_slice({}, 0, 1));
  EXPECT_TRUE(guest_slice({}, 0, 0));
}

TEST(ResolveBinding, BlankIsDefault) {
  EXPECT_EQ(resolve_binding(""), "default");
  EXPECT_EQ(resolve_binding(" \t"), "default");
  EXPECT_EQ(resolve_binding("store"), "store");
  EXPECT_EQ(resolve_binding(" store"), " store");
}

engine::ModuleInfo::Import function(std::string module, std::string name, std::string_view type) {
  return {std::move(module), std::move(name), codec::wasm::ExternKind::Function,
          parse_signature(type)};
}

constexpr OfferedImport kOffer[] = {
    {"wapc", "__guest_request", "ii"},
    {"wapc", "__host_call", "iiii>i"},
    {"wapc", "__host_call", "iiiiii>i"},
    {"wasi_unstable", "clock_time_get", "iIi>i"},
};

TEST(CheckImports, AcceptsAnySubset) {
  engine::ModuleInfo module;
  EXPECT_TRUE(check_imports(module, kOffer));
  module.imports = {function("wapc", "__host_call", "iiiiii>i"),
                    function("wasi_unstable", "clock_time_get", "iIi>i")};
  EXPECT_TRUE(check_imports(module, kOffer));
}

TEST(CheckImports, OneRefusalNamesEverything) {
  engine::ModuleInfo module;
  module.imports = {function("wapc", "__guest_reqest", "ii"),
                    function("wapc", "__guest_request", "i"),
                    function("wapc", "__host_call", "ii>i"),
                    function("env", "emscripten_memcpy_big", "iii>i"),
                    {"wasi_unstable", "clock_time_get", codec::wasm::ExternKind::Global, {}}};
  const auto result = check_imports(module, kOffer);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().reason(), Reason::ModuleImport);
  const std::string& text = result.error().message();
  EXPECT_NE(text.find("wapc.__guest_reqest is not offered (nearest: wapc.__guest_request)"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("wapc.__guest_request is imported as (i32) -> (), but it is a function "
                      "(i32, i32) -> ()"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("(i32, i32, i32, i32) -> i32 or (i32, i32, i32, i32, i32, i32) -> i32"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("env.emscripten_memcpy_big"), std::string::npos) << text;
  EXPECT_NE(text.find("clock_time_get is imported as global"), std::string::npos) << text;
}

TEST(CheckImports, OneNameKeepsToOneType) {
  engine::ModuleInfo module;
  module.imports = {function("wapc", "__host_call", "iiii>i"),
                    function("wapc", "__host_call", "iiiiii>i")};
  const auto result = check_imports(module, kOffer);
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message().find("two types"), std::string::npos);
}

TEST(CheckImports, HostileNamesAreBoundedAndEscaped) {
  engine::ModuleInfo module;
  for (int i = 0; i < 1000; ++i) {
    module.imports.push_back(function(std::string(5000, 'a'), "\x1b[2J" + std::to_string(i), "i"));
  }
  const auto result = check_imports(module, kOffer);
  ASSERT_FALSE(result);
  EXPECT_LE(result.error().message().size(), kMaxErrorTextBytes);
  EXPECT_EQ(result.error().message().find('\x1b'), std::string::npos);
}

TEST(StepReport, HasEveryKeyOfTheInterface) {
  StepReport report;
  set_outcome(report, core::Buffer(to_bytes("hi")), std::nullopt);
  report.host_calls.push_back({"", "wascc:keyvalue", "Get", to_bytes("k")});
  report.console_log = {"line"};
  report.stdout_bytes = to_bytes("out");
  report.duration_us = 7;
  EXPECT_EQ(codec::json::to_text(to_json(report)),
            R"({"ok":true,"response_hex":"6869","error":null,"reason":null,"trap":null,)"
            R"("host_calls":[{"binding":"","namespace":"wascc:keyvalue","operation":"Get",)"
            R"("payload_hex":"6b"}],"console_log":["line"],"stdout_hex":"6f7574",)"
            R"("duration_us":7,"mismatch":[]})");
}

TEST(StepReport, AnErrorIsTheGuestsOwnText) {
  StepReport guest;
  set_outcome(guest, fail(Reason::GuestError, "no such key"), "no such key");
  EXPECT_FALSE(guest.ok);
  EXPECT_EQ(guest.error, "no such key");
  EXPECT_EQ(guest.reason, "guest.error");
  EXPECT_EQ(guest.trap, std::nullopt);

  StepReport trap;
  set_outcome(trap, fail(Reason::EngineTrapUnreachable, "unreachable"), std::nullopt);
  EXPECT_EQ(trap.error, std::nullopt);
  EXPECT_EQ(trap.reason, "engine.trap.unreachable");
  EXPECT_EQ(trap.trap, "unreachable");

  StepReport with_text;
  set_outcome(with_text, fail(Reason::EngineTrapAbort, "bad; a.ts (1,2)"), "bad; a.ts (1,2)");
  EXPECT_EQ(with_text.error, "bad; a.ts (1,2)");
  EXPECT_EQ(with_text.trap, "abort");

  StepReport deadline;
  set_outcome(deadline, fail(Reason::EngineDeadline, "too late"), std::nullopt);
  EXPECT_EQ(deadline.reason, "engine.deadline");
  EXPECT_EQ(deadline.trap, std::nullopt);
}

}  // namespace
}  // namespace trellis::abi
