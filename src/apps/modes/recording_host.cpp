#include "trellis/apps/modes/recording_host.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "trellis/base/text.h"

namespace trellis::apps::modes {
namespace {

std::string quoted(std::string_view text) {
  constexpr std::size_t kShown = 80;
  return "\"" + escape_line(cut_utf8(text, kShown)) + (text.size() > kShown ? "...\"" : "\"");
}

std::string described(const abi::HostRequest& request) {
  return "binding " + quoted(request.binding) + ", namespace " + quoted(request.contract) +
         ", operation " + quoted(request.operation);
}

std::string hex_shown(ByteView bytes) {
  constexpr std::size_t kShown = 64;
  return to_hex(bytes.first(std::min(bytes.size(), kShown))) + (bytes.size() > kShown ? "..." : "");
}

// How a host call differs from what was announced; empty: it does not.
std::string difference(const ScriptReply& announced, const abi::HostRequest& request) {
  std::string text;
  const auto compare = [&text](const char* what, const std::optional<std::string>& wanted,
                               std::string_view got) {
    if (!wanted || *wanted == got) return;
    text += (text.empty() ? "" : ", ") + std::string(what) + " expected " + quoted(*wanted) +
            " got " + quoted(got);
  };
  compare("binding", announced.binding, request.binding);
  compare("namespace", announced.contract, request.contract);
  compare("operation", announced.operation, request.operation);
  if (announced.payload && !equal(*announced.payload, request.payload)) {
    text += (text.empty() ? "" : ", ") + std::string("payload expected ") +
            hex_shown(*announced.payload) + " got " + hex_shown(request.payload);
  }
  return text;
}

}  // namespace

void RecordingHost::begin(abi::StepReport& report, std::span<const ScriptReply> replies) noexcept {
  report_ = &report;
  replies_ = replies;
  next_reply_ = 0;
  mismatches_ = 0;
  payload_bytes_ = 0;
  console_bytes_ = 0;
}

void RecordingHost::end() {
  for (std::size_t i = next_reply_; i < replies_.size(); ++i) {
    mismatch("host call " + std::to_string(i + 1) + " was announced and did not come (operation " +
             quoted(replies_[i].operation.value_or("any")) + ")");
  }
  if (mismatches_ > kMaxMismatches) {
    report_->mismatch.push_back("and " + std::to_string(mismatches_ - kMaxMismatches) + " more");
  }
  report_ = nullptr;
  replies_ = {};
}

void RecordingHost::mismatch(std::string text) {
  if (++mismatches_ <= kMaxMismatches) report_->mismatch.push_back(std::move(text));
}

void RecordingHost::record(const abi::HostRequest& request) {
  if (report_->host_calls.size() >= kMaxRecordedHostCalls) {
    report_->truncated = true;
    return;
  }
  const std::size_t room = kMaxRecordedBytes - payload_bytes_;
  const ByteView kept = request.payload.first(std::min(request.payload.size(), room));
  if (kept.size() < request.payload.size()) report_->truncated = true;
  payload_bytes_ += kept.size();
  report_->host_calls.push_back({std::string(request.binding), std::string(request.contract),
                                 std::string(request.operation), to_bytes(kept)});
}

Result<core::Buffer> RecordingHost::answer(const abi::HostRequest& request) {
  if (mode_ == Mode::Alone) {
    return fail(Reason::PolicyDenied,
                "no host stands behind this call: " + described(request) +
                    " cannot be answered; use trellis test with replies, or a running host");
  }
  if (next_reply_ >= replies_.size()) {
    mismatch("host call was not announced: " + described(request));
    return fail(Reason::PolicyDenied, "host call was not announced by the script");
  }
  const ScriptReply& announced = replies_[next_reply_++];
  if (const std::string text = difference(announced, request); !text.empty()) {
    mismatch("host call " + std::to_string(next_reply_) + " differs: " + text);
    return fail(Reason::PolicyDenied, "host call differs from what the script announced");
  }
  if (announced.error) return fail(Reason::ProviderFailed, *announced.error);
  return core::Buffer::borrow(announced.reply);
}

async::Task<Result<core::Buffer>> RecordingHost::host_call(const abi::HostRequest& request,
                                                           abi::CallFrame&) {
  record(request);
  co_return answer(request);
}

void RecordingHost::guest_output(abi::OutputKind kind, std::string_view bytes) noexcept {
  if (kind != abi::OutputKind::Console) {
    Bytes& into = report_->stdout_bytes;
    const std::size_t kept = std::min(bytes.size(), kMaxRecordedBytes - into.size());
    const ByteView view = as_bytes(bytes).first(kept);
    into.insert(into.end(), view.begin(), view.end());
    report_->truncated = report_->truncated || kept < bytes.size();
    return;
  }
  const bool full = report_->console_log.size() >= kMaxRecordedLines;
  const std::string_view kept =
      full ? std::string_view() : cut_utf8(bytes, kMaxRecordedBytes - console_bytes_);
  if (full || kept.size() < bytes.size()) {
    report_->truncated = true;
    // What comes after a cut is not kept either, so that the record has no holes.
    console_bytes_ = kMaxRecordedBytes;
    if (kept.empty()) return;
  } else {
    console_bytes_ += kept.size();
  }
  report_->console_log.push_back(to_utf8_lossy(kept));
}

// The limits of a recorded call let everything through; the report bounds what it keeps.
void RecordingHost::guest_output_dropped(std::uint64_t, std::uint64_t) noexcept {
  report_->truncated = true;
}

}  // namespace trellis::apps::modes
