#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "trellis/apps/modes/test.h"
#include "trellis/base/text.h"

namespace trellis::apps::modes {
namespace {

constexpr std::size_t kShownBytes = 400;

std::string shown(std::string_view text) {
  const std::string_view kept = cut_utf8(text, kShownBytes);
  return codec::json::quote(escape_controls(kept)) + (kept.size() < text.size() ? "..." : "");
}

// Text where the bytes are text, hex where they are not.
std::string shown(ByteView bytes) {
  if (is_utf8(as_text(bytes))) return shown(as_text(bytes));
  const std::size_t kept = std::min(bytes.size(), kShownBytes / 2);
  return "hex " + to_hex(bytes.first(kept)) + (kept < bytes.size() ? "..." : "");
}

std::string shown(const std::optional<std::string>& text) {
  return text ? shown(std::string_view(*text)) : "none";
}

std::string how_it_failed(const abi::StepReport& report) {
  std::string text = "the call failed: " + report.reason.value_or("unknown");
  const auto& detail = report.error ? report.error : report.message;
  if (detail) text += " " + shown(std::string_view(*detail));
  return text;
}

void differs(abi::StepReport& report, std::string_view what, const std::string& expected,
             const std::string& got) {
  report.mismatch.push_back(std::string(what) + ": expected " + expected + "\n" +
                            std::string(what.size(), ' ') + "       got " + got);
}

void judge_log(abi::StepReport& report, const std::vector<std::string>& expected) {
  if (report.console_log == expected) return;
  const auto lines = [](const std::vector<std::string>& log) {
    std::string text = "[";
    for (std::size_t i = 0; i < log.size() && text.size() < kShownBytes; ++i) {
      text += (i == 0 ? "" : ", ") + shown(std::string_view(log[i]));
    }
    return text + "] (" + std::to_string(log.size()) + ")";
  };
  differs(report, "console_log", lines(expected), lines(report.console_log));
}

}  // namespace

void judge(abi::StepReport& report, const Expectation& expect) {
  const bool succeeded = report.response.has_value();
  if (expect.empty() && !succeeded) report.mismatch.push_back(how_it_failed(report));
  if (expect.response) {
    if (!succeeded) {
      differs(report, "response", shown(*expect.response), how_it_failed(report));
    } else if (*report.response != *expect.response) {
      differs(report, "response", shown(*expect.response), shown(*report.response));
    }
  }
  if (expect.error && report.error != expect.error) {
    differs(report, "error", shown(expect.error),
            succeeded ? "a response" : shown(report.error) + ", " + how_it_failed(report));
  }
  if (expect.error_contains &&
      (!report.error || report.error->find(*expect.error_contains) == std::string::npos)) {
    differs(report, "error", "text that contains " + shown(expect.error_contains),
            succeeded ? "a response" : shown(report.error) + ", " + how_it_failed(report));
  }
  if (expect.trap && *expect.trap != report.trap.has_value()) {
    differs(report, "trap", *expect.trap ? "a trap" : "no trap",
            succeeded ? "a response" : how_it_failed(report));
  }
  if (expect.console_log) judge_log(report, *expect.console_log);
  if (expect.stdout_text && as_text(report.stdout_bytes) != *expect.stdout_text) {
    differs(report, "stdout", shown(std::string_view(*expect.stdout_text)),
            shown(report.stdout_bytes));
  }
  report.ok = report.mismatch.empty();
}

}  // namespace trellis::apps::modes
