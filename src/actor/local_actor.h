// An actor on one core: takes invocations, leases an instance, runs the call, and carries what the
// guest asks of the outside to the router. One object per (actor version, core); one core only.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "trellis/abi/common/guest.h"
#include "trellis/actor/instances.h"
#include "trellis/actor/version.h"
#include "trellis/async/cancel.h"
#include "trellis/async/core.h"
#include "trellis/async/gate.h"
#include "trellis/core/grant_source.h"
#include "trellis/core/invocation.h"
#include "trellis/telemetry/audit.h"

namespace trellis::actor {

class LocalActor final : public core::Dispatcher, private abi::HostInterface {
 public:
  /// What an actor needs of the host; all outlive it.
  struct Surroundings {
    core::GrantSource& grants;  // what this actor may call, on this core
    core::Dispatcher& router;
    core::Environment& environment;
    telemetry::AuditSink& audit;
  };

  LocalActor(async::Core& core, std::shared_ptr<const ActorVersion> version,
             const Surroundings& surroundings);
  ~LocalActor() override;

  const ActorVersion& version() const noexcept { return *version_; }

  async::Task<Result<core::Reply>> dispatch(const core::Invocation& invocation) override;

  /// Starts one instance and keeps it: what a host does before it says that an actor runs.
  async::Task<Result<void>> start_first();

  /// Takes no more calls; gives running ones `grace`, then cancels them; returns when the last
  /// instance is gone.
  async::Task<void> stop(Duration grace);

  std::size_t live_instances() const noexcept { return instances_.live(); }

 private:
  async::Task<Result<void>> start_guest(abi::Guest& guest, async::CancelScope& scope);
  async::Task<Result<core::Buffer>> host_call(const abi::HostRequest& request,
                                              abi::CallFrame& frame) override;
  void guest_output(abi::OutputKind kind, std::string_view bytes) noexcept override;
  void guest_output_dropped(std::uint64_t records, std::uint64_t bytes) noexcept override;
  bool reentrant(const core::CallContext& context) const noexcept;
  Error shown_to_guest(Error error, const core::Grant& grant, const abi::HostRequest& request);

  async::Core& core_;
  std::shared_ptr<const ActorVersion> version_;
  Surroundings surroundings_;
  async::CancelScope stopping_;
  async::Gate gate_;
  Instances instances_;
};

}  // namespace trellis::actor
