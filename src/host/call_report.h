// Fills the report of one call while an actor serves it (POST /v1/call), within the bounds that
// interfaces.md gives a report.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "trellis/abi/common/step_report.h"
#include "trellis/core/call.h"

namespace trellis::host {

inline constexpr std::size_t kMaxReportedHostCalls = 1'000;
/// Of console lines, of output and of host-call payloads, each.
inline constexpr std::size_t kMaxReportedBytes = std::size_t{1} << 20;

class CallReport final : public core::CallObserver {
 public:
  void host_call(std::string_view binding, std::string_view contract, std::string_view operation,
                 ByteView payload) override;
  void console(std::string_view text) override;
  void output(std::string_view bytes) override;

  void output_dropped() override { report_.truncated = true; }

  void guest_error(std::string_view text) override { guest_error_ = std::string(text); }

  /// The whole report, once the call has ended.
  abi::StepReport finish(const Result<core::Buffer>& outcome, Duration spent) &&;

 private:
  /// How much of `size` more bytes may be kept.
  std::size_t room(std::size_t kept, std::size_t size);

  abi::StepReport report_;
  std::optional<std::string> guest_error_;
  std::size_t payload_bytes_ = 0;
  std::size_t console_bytes_ = 0;
};

}  // namespace trellis::host
