#include "trellis/host/call_report.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "trellis/base/text.h"

namespace trellis::host {

std::size_t CallReport::room(std::size_t kept, std::size_t size) {
  const std::size_t left = kMaxReportedBytes - std::min(kept, kMaxReportedBytes);
  if (size > left) report_.truncated = true;
  return std::min(size, left);
}

void CallReport::host_call(std::string_view binding, std::string_view contract,
                           std::string_view operation, ByteView payload) {
  if (report_.host_calls.size() >= kMaxReportedHostCalls) {
    report_.truncated = true;
    return;
  }
  const std::size_t kept = room(payload_bytes_, payload.size());
  payload_bytes_ += kept;
  report_.host_calls.push_back({std::string(binding), std::string(contract), std::string(operation),
                                to_bytes(payload.first(kept))});
}

void CallReport::console(std::string_view text) {
  const std::size_t kept = room(console_bytes_, text.size());
  // An empty line costs its entry.
  console_bytes_ += kept + sizeof(std::string);
  if (kept == 0 && !text.empty()) return;
  report_.console_log.push_back(to_utf8_lossy(cut_utf8(text, kept)));
}

void CallReport::output(std::string_view bytes) {
  const std::size_t kept = room(report_.stdout_bytes.size(), bytes.size());
  const ByteView view = as_bytes(bytes).first(kept);
  report_.stdout_bytes.insert(report_.stdout_bytes.end(), view.begin(), view.end());
}

abi::StepReport CallReport::finish(const Result<core::Buffer>& outcome, Duration spent) && {
  report_.duration_us = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(spent).count());
  abi::set_outcome(report_, outcome, guest_error_);
  return std::move(report_);
}

}  // namespace trellis::host
