#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "trellis/apps/modes/call.h"
#include "trellis/apps/modes/script.h"
#include "trellis/apps/modes/test.h"

namespace trellis::apps::modes {
namespace {

using testing::HasSubstr;

TEST(Script, ReadsEveryKey) {
  const auto script = parse_script(R"(
deadline_ms: 250
start:
  replies:
    - { binding: "", namespace: wascc:logging, operation: WriteLog, reply: done }
steps:
  - operation: Get
    payload_hex: "00ff"
    deadline_ms: 10
    replies:
      - { binding: default, namespace: "wascc:keyvalue", operation: Get, payload_hex: "6b", reply_hex: "01" }
      - { operation: Set, error: "no space" }
    expect:
      response_hex: "c0"
      error: boom
      error_contains: oo
      trap: true
      console_log: [a, "b"]
      stdout: "x\n"
  - { operation: "", payload: text }
)",
                                   "s.yaml");
  ASSERT_TRUE(script) << script.error().message();
  EXPECT_EQ(script->start_deadline.count(), 250);
  ASSERT_EQ(script->start_replies.size(), 1u);
  EXPECT_EQ(script->start_replies[0].binding, "");
  EXPECT_EQ(as_text(script->start_replies[0].reply), "done");
  ASSERT_EQ(script->steps.size(), 2u);
  const ScriptStep& step = script->steps[0];
  EXPECT_EQ(to_hex(step.payload), "00ff");
  EXPECT_EQ(step.deadline.count(), 10);
  ASSERT_EQ(step.replies.size(), 2u);
  EXPECT_EQ(to_hex(*step.replies[0].payload), "6b");
  EXPECT_EQ(to_hex(step.replies[0].reply), "01");
  EXPECT_EQ(step.replies[1].binding, std::nullopt);
  EXPECT_EQ(step.replies[1].error, "no space");
  EXPECT_EQ(to_hex(*step.expect.response), "c0");
  EXPECT_EQ(step.expect.error, "boom");
  EXPECT_EQ(step.expect.trap, true);
  EXPECT_EQ(step.expect.console_log, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(step.expect.stdout_text, "x\n");
  EXPECT_EQ(script->steps[1].deadline.count(), 250) << "the script's deadline is the default";
  EXPECT_EQ(as_text(script->steps[1].payload), "text");
  EXPECT_TRUE(script->steps[1].expect.empty());
}

struct BadScript {
  const char* text;
  const char* line;
  const char* says;
};

class BadScripts : public testing::TestWithParam<BadScript> {};

TEST_P(BadScripts, NameFileLineAndReason) {
  const auto script = parse_script(GetParam().text, "s.yaml");
  ASSERT_FALSE(script);
  EXPECT_EQ(script.error().reason(), Reason::ScriptInvalid);
  EXPECT_THAT(script.error().message(), HasSubstr(std::string("s.yaml:") + GetParam().line));
  EXPECT_THAT(script.error().message(), HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadScripts,
    testing::Values(
        BadScript{"", "1", "must be a map"}, BadScript{"steps: [", "2", ""},
        BadScript{"deadline_ms: 5\n", "1", "needs `steps`"},
        BadScript{"steps: []\nstepps: []\n", "2", "valid keys: deadline_ms, start, steps"},
        BadScript{"steps: 5\n", "1", "`steps` must be a list"},
        BadScript{"steps:\n  - payload: x\n", "2", "needs `operation`"},
        BadScript{"steps:\n  - operation: a\n    payloads: x\n", "3",
                  "valid keys: operation, payload, payload_hex, deadline_ms, replies, expect"},
        BadScript{"steps:\n  - operation: [a]\n", "2", "must be text"},
        BadScript{"steps:\n  - { operation: a, payload: x, payload_hex: '00' }\n", "2",
                  "exclude each other"},
        BadScript{"steps:\n  - operation: a\n    payload_hex: '0'\n", "3", "hex"},
        BadScript{"steps:\n  - operation: a\n    payload_hex: 'AB'\n", "3", "lower-case"},
        BadScript{"deadline_ms: 0\nsteps: []\n", "1", "deadline_ms"},
        BadScript{"deadline_ms: soon\nsteps: []\n", "1", "deadline_ms"},
        BadScript{"start: { reply: [] }\nsteps: []\n", "1", "valid keys: replies"},
        BadScript{"steps:\n  - operation: a\n    replies:\n      - { reply: x, error: y }\n", "4",
                  "not two of them"},
        BadScript{"steps:\n  - operation: a\n    replies:\n      - { contract: x }\n", "4",
                  "valid keys: binding, namespace, operation, payload_hex, reply"},
        BadScript{"steps:\n  - operation: a\n    expect: { trap: maybe }\n", "3", "true or false"},
        BadScript{"steps:\n  - operation: a\n    expect: { console_log: x }\n", "3", "a list"},
        BadScript{"steps:\n  - operation: a\n    expect:\n      respons: x\n", "4",
                  "valid keys: response, response_hex, error, error_contains, trap"}));

abi::StepReport succeeded(std::string_view response) {
  abi::StepReport report;
  set_outcome(report, core::Buffer::copy(as_bytes(response)), std::nullopt);
  return report;
}

abi::StepReport ended(Reason reason, std::optional<std::string> guest_text) {
  abi::StepReport report;
  set_outcome(report, fail(reason, guest_text.value_or("ours")), guest_text);
  return report;
}

bool passes(abi::StepReport report, const Expectation& expect) {
  judge(report, expect);
  EXPECT_EQ(report.ok, report.mismatch.empty());
  return report.ok;
}

TEST(Judge, WithoutExpectTheCallHasToSucceed) {
  EXPECT_TRUE(passes(succeeded(""), {}));
  EXPECT_FALSE(passes(ended(Reason::GuestError, "no"), {}));
  EXPECT_FALSE(passes(ended(Reason::EngineDeadline, {}), {}));
}

TEST(Judge, AResponseIsComparedExactly) {
  const Expectation expect{.response = to_bytes("hi")};
  EXPECT_TRUE(passes(succeeded("hi"), expect));
  EXPECT_FALSE(passes(succeeded("hi "), expect));
  EXPECT_FALSE(passes(ended(Reason::GuestError, "hi"), expect));
}

TEST(Judge, AnErrorIsTheGuestsOwnText) {
  const Expectation exact{.error = "key not found"};
  EXPECT_TRUE(passes(ended(Reason::GuestError, "key not found"), exact));
  EXPECT_TRUE(passes(ended(Reason::EngineTrapAbort, "key not found"), exact));
  EXPECT_FALSE(passes(ended(Reason::GuestError, "key not found!"), exact));
  EXPECT_FALSE(passes(ended(Reason::EngineTrapUnreachable, {}), {.error = "ours"}));
  EXPECT_FALSE(passes(succeeded("key not found"), exact));
  const Expectation part{.error_contains = "not found"};
  EXPECT_TRUE(passes(ended(Reason::GuestError, "key not found"), part));
  EXPECT_FALSE(passes(ended(Reason::GuestError, "key"), part));
}

TEST(Judge, ATrapIsATrapAndADeadlineIsNot) {
  EXPECT_TRUE(passes(ended(Reason::EngineTrapUnreachable, {}), {.trap = true}));
  EXPECT_FALSE(passes(ended(Reason::EngineDeadline, {}), {.trap = true}));
  EXPECT_FALSE(passes(succeeded(""), {.trap = true}));
  EXPECT_TRUE(passes(succeeded(""), {.trap = false}));
}

TEST(Judge, LogAndStdoutAreCompared) {
  abi::StepReport report = succeeded("");
  report.console_log = {"a", "b"};
  report.stdout_bytes = to_bytes("out");
  EXPECT_TRUE(passes(report, {.console_log = {{"a", "b"}}, .stdout_text = "out"}));
  EXPECT_FALSE(passes(report, {.console_log = {{"a"}}}));
  EXPECT_FALSE(passes(report, {.stdout_text = "ou"}));
}

TEST(Judge, WhatTheHostFoundStillFailsTheStep) {
  abi::StepReport report = succeeded("hi");
  report.mismatch.emplace_back("host call was not announced");
  EXPECT_FALSE(passes(report, {.response = to_bytes("hi")}));
}

TEST(NamesAFile, ByItsForm) {
  EXPECT_TRUE(names_a_file("a.wasm"));
  EXPECT_TRUE(names_a_file("./counter"));
  EXPECT_FALSE(names_a_file("no-such-file-counter"));
}

}  // namespace
}  // namespace trellis::apps::modes
