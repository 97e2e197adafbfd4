// The host of `trellis test` and `trellis call FILE`: answers host calls from a script, or refuses
// them, and records into a StepReport what the guest did. One call at a time, one core.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "trellis/abi/common/guest.h"
#include "trellis/abi/common/step_report.h"
#include "trellis/apps/modes/script.h"

namespace trellis::apps::modes {

/// What a report keeps of one step (interfaces.md, section test).
inline constexpr std::size_t kMaxRecordedHostCalls = 1'000;
inline constexpr std::size_t kMaxRecordedBytes = std::size_t{1} << 20;
/// Empty log records cost no bytes, so they are counted too.
inline constexpr std::size_t kMaxRecordedLines = 65'536;
/// Differences beyond this are only counted.
inline constexpr std::size_t kMaxMismatches = 20;

class RecordingHost final : public abi::HostInterface {
 public:
  enum class Mode : std::uint8_t {
    Scripted,  // a host call that the script does not announce is a mismatch
    Alone,     // there is no host: every host call is answered with an error
  };

  explicit RecordingHost(Mode mode) noexcept : mode_(mode) {}

  /// The next call records into `report` and is answered from `replies`; both outlive it.
  void begin(abi::StepReport& report, std::span<const ScriptReply> replies) noexcept;
  /// Notes the announced host calls that did not come, and lets go of both.
  void end();

  async::Task<Result<core::Buffer>> host_call(const abi::HostRequest& request,
                                              abi::CallFrame& frame) override;
  void guest_output(abi::OutputKind kind, std::string_view bytes) noexcept override;
  void guest_output_dropped(std::uint64_t records, std::uint64_t bytes) noexcept override;

 private:
  void record(const abi::HostRequest& request);
  Result<core::Buffer> answer(const abi::HostRequest& request);
  void mismatch(std::string text);

  Mode mode_;
  abi::StepReport* report_ = nullptr;
  std::span<const ScriptReply> replies_;
  std::size_t next_reply_ = 0;
  std::size_t mismatches_ = 0;
  std::size_t payload_bytes_ = 0;
  std::size_t console_bytes_ = 0;
};

}  // namespace trellis::apps::modes
