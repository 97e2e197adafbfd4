// For the tests, benchmarks and the fuzz target of this module: a host that answers as it is told,
// and a call frame around it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "trellis/abi/common/guest.h"
#include "trellis/async/core.h"
#include "trellis/core/call.h"
#include "trellis/core/environment.h"

namespace trellis::abi::wapc::test {

class FakeHost final : public HostInterface {
 public:
  struct Call {
    std::string binding;
    std::string contract;
    std::string operation;
    std::string payload;

    bool operator==(const Call&) const = default;
  };

  async::Task<Result<core::Buffer>> host_call(const HostRequest& request, CallFrame&) override {
    calls.push_back({std::string(request.binding), std::string(request.contract),
                     std::string(request.operation), std::string(as_text(request.payload))});
    if (error) co_return fail(Reason::ProviderFailed, *error);
    co_return core::Buffer::copy(as_bytes(reply));
  }

  void guest_output(OutputKind kind, std::string_view bytes) noexcept override {
    if (kind == OutputKind::Console) {
      console.emplace_back(bytes);
    } else {
      streams += bytes;
    }
  }

  void guest_output_dropped(std::uint64_t records, std::uint64_t bytes) noexcept override {
    dropped_records += records;
    dropped_bytes += bytes;
  }

  std::string reply = "reply";
  std::optional<std::string> error;
  std::vector<Call> calls;
  std::vector<std::string> console;
  std::string streams;
  std::uint64_t dropped_records = 0;
  std::uint64_t dropped_bytes = 0;
};

/// Everything a call needs; one a call.
struct Frame {
  Frame(async::Core& core, HostInterface& host, const GuestLimits& limits,
        TimePoint deadline = TimePoint::max())
      : scope(core, deadline),
        context{.deadline = deadline, .cancel = scope},
        frame{context, host, core::system_environment(), limits} {}

  async::CancelScope scope;
  core::CallContext context;
  CallFrame frame;
};

}  // namespace trellis::abi::wapc::test
