#include "trellis/apps/modes/test.h"

#include <chrono>
#include <memory>
#include <utility>

#include <CLI/CLI.hpp>

#include "trellis/apps/cli/app.h"
#include "trellis/apps/modes/local_runtime.h"
#include "trellis/apps/modes/modes.h"
#include "trellis/apps/modes/recording_host.h"
#include "trellis/base/text.h"

namespace trellis::apps::modes {
namespace {

// One run of a script: the instance that the steps share, and its replacement after a trap.
class ScriptRun {
 public:
  ScriptRun(const abi::Program& program, const Script& script, async::Core& core)
      : program_(program), script_(script), core_(core), host_(RecordingHost::Mode::Scripted) {}

  async::Task<TestReport> run() {
    TestReport report;
    auto started = co_await fresh_guest();
    if (!started) {
      report.load_error = LoadError{"start", std::move(started).error()};
      report.failed = script_.steps.size();
      co_return report;
    }
    for (const ScriptStep& step : script_.steps) {
      auto done = co_await run_step(step);
      ++(done.ok ? report.passed : report.failed);
      report.steps.push_back(std::move(done));
    }
    guest_.reset();
    co_return report;
  }

 private:
  // The start functions are judged like a step: an announced host call must come, no other may.
  async::Task<Result<void>> fresh_guest() {
    guest_.reset();
    auto guest = program_.create(core_);
    if (!guest) co_return std::unexpected(std::move(guest).error());
    guest_ = std::move(*guest);
    abi::StepReport report;
    host_.begin(report, script_.start_replies);
    auto started = co_await start_locally(*guest_, host_, core_, script_.start_deadline);
    host_.end();
    if (started && !report.mismatch.empty()) {
      started = fail(Reason::ScriptMismatch, "start functions: " + report.mismatch.front());
    }
    co_return started;
  }

  async::Task<abi::StepReport> run_step(const ScriptStep& step) {
    abi::StepReport report;
    if (guest_ == nullptr || !guest_->usable()) {
      auto started = co_await fresh_guest();
      if (!started) {
        guest_.reset();
        set_outcome(report, std::unexpected(started.error()), std::nullopt);
        report.mismatch.push_back("starting a new instance: " + started.error().message());
        co_return report;
      }
    }
    host_.begin(report, step.replies);
    const auto begun = std::chrono::steady_clock::now();
    auto outcome =
        co_await call_locally(*guest_, host_, core_, step.operation, step.payload, step.deadline);
    const auto spent = std::chrono::steady_clock::now() - begun;
    host_.end();
    report.duration_us = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(spent).count());
    set_outcome(report, outcome, guest_->guest_error());
    judge(report, step.expect);
    co_return report;
  }

  const abi::Program& program_;
  const Script& script_;
  async::Core& core_;
  RecordingHost host_;
  std::unique_ptr<abi::Guest> guest_;
};

TestReport refused(const Script& script, Error error) {
  TestReport report;
  report.failed = script.steps.size();
  report.load_error = LoadError{"load", std::move(error)};
  return report;
}

struct TestCommand {
  cli::Format format = cli::Format::Text;
  std::string module;
  std::string script;
};

void print_report(const TestReport& report, const Script& script) {
  std::string text;
  for (std::size_t i = 0; i < report.steps.size(); ++i) {
    const abi::StepReport& step = report.steps[i];
    text += cli::toned(step.ok ? cli::Tone::Good : cli::Tone::Bad, step.ok ? "ok  " : "FAIL");
    text += " " + std::to_string(i + 1) + " " +
            escape_line(cut_utf8(script.steps[i].operation, 80)) + " " +
            cli::toned(cli::Tone::Faint, std::to_string(step.duration_us) + " us") + "\n";
    for (const std::string& line : step.mismatch) {
      std::string indented = "       ";
      for (const char c : escape_controls(line))
        indented += c == '\n' ? "\n       " : std::string(1, c);
      text += indented + "\n";
    }
  }
  text += std::to_string(report.passed) + " passed, " + std::to_string(report.failed) + " failed\n";
  std::fwrite(text.data(), 1, text.size(), stdout);
}

int run_test(const TestCommand& command) {
  const bool json = command.format == cli::Format::Json;
  const auto script = read_script(command.script);
  if (!script) {
    cli::print_failure(script.error());
    if (json) cli::print_json(to_json(refused({}, script.error())));
    return cli::kExitUsage;
  }
  const TestReport report = run_script(command.module, *script);
  if (report.load_error) cli::print_failure(report.load_error->error);
  if (json) {
    cli::print_json(to_json(report));
  } else {
    print_report(report, *script);
  }
  return report.load_error || report.failed > 0 ? cli::kExitRefused : cli::kExitDone;
}

}  // namespace

TestReport run_script(const std::string& path, const Script& script) {
  auto runtime = LocalRuntime::create();
  if (!runtime) return refused(script, std::move(runtime).error());
  auto program = (*runtime)->load(path);
  if (!program) return refused(script, std::move(program).error());
  ScriptRun run(**program, script, (*runtime)->core());
  return (*runtime)->run(run.run());
}

codec::json::Object to_json(const TestReport& report) {
  codec::json::Object object;
  object["passed"] = report.passed;
  object["failed"] = report.failed;
  object["load_error"] = nullptr;
  if (report.load_error) {
    const Error& error = report.load_error->error;
    object["load_error"] = codec::json::Object{
        {"stage", report.load_error->stage},
        {"reason", std::string(error.reason_text())},
        {"message", to_utf8_lossy(cut_utf8(error.message(), kMaxErrorTextBytes))}};
  }
  codec::json::Array steps;
  for (const abi::StepReport& step : report.steps) steps.emplace_back(abi::to_json(step));
  object["steps"] = std::move(steps);
  return object;
}

void add_test(CLI::App& root, int& exit_code) {
  const auto command = std::make_shared<TestCommand>();
  CLI::App& test = *root.add_subcommand("test", "Run a script of calls against a module");
  test.add_option("FILE", command->module, "the module, signed or not")->required();
  test.add_option("SCRIPT", command->script, "what to call and what to expect (YAML)")->required();
  cli::add_format_option(test, command->format);
  cli::set_example(test, "trellis test counter.wasm counter.test.yaml --format json");
  test.callback([command, &exit_code] { exit_code = run_test(*command); });
}

}  // namespace trellis::apps::modes
