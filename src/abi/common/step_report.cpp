#include "trellis/abi/common/step_report.h"

#include <string_view>
#include <utility>

#include "trellis/base/text.h"

namespace trellis::abi {
namespace {

constexpr std::string_view kTrapPrefix = "engine.trap.";

codec::json::Value text_or_null(const std::optional<std::string>& text) {
  if (!text) return nullptr;
  return codec::json::Value(to_utf8_lossy(*text));
}

codec::json::Array texts(const std::vector<std::string>& from) {
  codec::json::Array array;
  for (const std::string& text : from) array.emplace_back(to_utf8_lossy(text));
  return array;
}

}  // namespace

std::optional<std::string> trap_kind(Reason reason) {
  const std::string_view text = reason_text(reason);
  if (!text.starts_with(kTrapPrefix)) return std::nullopt;
  return std::string(text.substr(kTrapPrefix.size()));
}

void set_outcome(StepReport& report, const Result<core::Buffer>& outcome,
                 const std::optional<std::string>& guest_error) {
  report.ok = outcome.has_value();
  if (outcome) {
    report.response = to_bytes(outcome->view());
    return;
  }
  const Error& error = outcome.error();
  report.reason = std::string(error.reason_text());
  report.trap = trap_kind(error.reason());
  report.message = std::string(cut_utf8(error.message(), kMaxErrorTextBytes));
  if (error.reason() == Reason::GuestError) {
    report.error = report.message;
  } else {
    report.error = guest_error;
  }
}

codec::json::Object to_json(const StepReport& report) {
  codec::json::Object object;
  object["ok"] = report.ok;
  object["response_hex"] = nullptr;
  if (report.response) object["response_hex"] = to_hex(*report.response);
  object["error"] = text_or_null(report.error);
  object["reason"] = text_or_null(report.reason);
  object["trap"] = text_or_null(report.trap);
  codec::json::Array calls;
  for (const RecordedHostCall& call : report.host_calls) {
    codec::json::Object entry;
    entry["binding"] = to_utf8_lossy(call.binding);
    entry["namespace"] = to_utf8_lossy(call.contract);
    entry["operation"] = to_utf8_lossy(call.operation);
    entry["payload_hex"] = to_hex(call.payload);
    calls.emplace_back(std::move(entry));
  }
  object["host_calls"] = std::move(calls);
  object["console_log"] = texts(report.console_log);
  object["stdout_hex"] = to_hex(report.stdout_bytes);
  object["duration_us"] = report.duration_us;
  object["mismatch"] = texts(report.mismatch);
  if (report.message) object["message"] = text_or_null(report.message);
  if (report.truncated) object["truncated"] = true;
  return object;
}

}  // namespace trellis::abi
