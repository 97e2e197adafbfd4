#include "trellis/apps/modes/call.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <utility>

#include "trellis/apps/modes/local_runtime.h"
#include "trellis/apps/modes/recording_host.h"
#include "trellis/apps/modes/test.h"
#include "trellis/base/file.h"
#include "trellis/base/text.h"

namespace trellis::apps::modes {
namespace {

constexpr std::uint64_t kMaxPayloadBytes = std::uint64_t{64} << 20;

Result<Bytes> read_standard_input() {
  Bytes bytes;
  std::array<std::byte, 65'536> chunk{};
  for (;;) {
    const ssize_t got = ::read(STDIN_FILENO, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      return fail(Reason::FileUnreadable, "cannot read standard input: " + errno_text(errno));
    }
    if (got == 0) return bytes;
    bytes.insert(bytes.end(), chunk.begin(), chunk.begin() + got);
    if (bytes.size() > kMaxPayloadBytes) {
      return fail(Reason::EngineLimitMessage, "standard input holds more than 64 MiB");
    }
  }
}

async::Task<abi::StepReport> call_program(const abi::Program& program, async::Core& core,
                                          std::string_view operation, ByteView payload,
                                          std::chrono::milliseconds deadline) {
  abi::StepReport report;
  RecordingHost host(RecordingHost::Mode::Alone);
  host.begin(report, {});
  auto guest = program.create(core);
  if (!guest) {
    set_outcome(report, std::unexpected(std::move(guest).error()), std::nullopt);
    co_return report;
  }
  auto started = co_await start_locally(**guest, host, core, deadline);
  if (!started) {
    set_outcome(report, std::unexpected(std::move(started).error()), (*guest)->guest_error());
    co_return report;
  }
  const auto begun = std::chrono::steady_clock::now();
  auto outcome = co_await call_locally(**guest, host, core, operation, payload, deadline);
  const auto spent = std::chrono::steady_clock::now() - begun;
  report.duration_us = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(spent).count());
  set_outcome(report, outcome, (*guest)->guest_error());
  host.end();
  co_return report;
}

abi::StepReport refused(Error error) {
  abi::StepReport report;
  set_outcome(report, std::unexpected(std::move(error)), std::nullopt);
  return report;
}

void print_lines(std::string_view text) {
  const std::string line = "  " + escape_line(text) + "\n";
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace

Result<Bytes> read_payload(const std::string& argument) {
  if (argument == "-") return read_standard_input();
  if (argument.starts_with('@')) return read_file(argument.substr(1), kMaxPayloadBytes);
  return to_bytes(argument);
}

bool names_a_file(const std::string& target) {
  struct stat status{};
  return target.find('/') != std::string::npos || target.ends_with(".wasm") ||
         (::stat(target.c_str(), &status) == 0 && S_ISREG(status.st_mode));
}

abi::StepReport call_file(const std::string& path, std::string_view operation, ByteView payload,
                          std::chrono::milliseconds deadline) {
  auto runtime = LocalRuntime::create();
  if (!runtime) return refused(std::move(runtime).error());
  auto program = (*runtime)->load(path);
  if (!program) return refused(std::move(program).error());
  return (*runtime)->run(call_program(**program, (*runtime)->core(), operation, payload, deadline));
}

int print_call(const abi::StepReport& report, cli::Format format) {
  if (format == cli::Format::Json) {
    cli::print_json(abi::to_json(report));
    return report.ok ? cli::kExitDone : cli::kExitRefused;
  }
  for (const std::string& line : report.console_log) print_lines(line);
  if (!report.stdout_bytes.empty()) print_lines(as_text(report.stdout_bytes));
  if (!report.ok) {
    const std::string text =
        "trellis: " +
        escape_line(report.error ? *report.error : report.message.value_or("the call failed")) +
        " (" + report.reason.value_or("unknown") + ")\n";
    std::fwrite(text.data(), 1, text.size(), stderr);
    return cli::kExitRefused;
  }
  if (report.response) {
    std::fwrite(report.response->data(), 1, report.response->size(), stdout);
    if (std::fflush(stdout) != 0) return cli::kExitRefused;
  }
  return cli::kExitDone;
}

}  // namespace trellis::apps::modes
