#include "trellis/router/router.h"

#include <optional>
#include <string>
#include <utility>

namespace trellis::router {
namespace {

std::optional<Error> objection(const core::Invocation& invocation) {
  const core::Grant& grant = invocation.grant;
  if (!grant.live()) {
    return Error(Reason::ActorStopped, "the link " + std::string(grant.link()) +
                                           " was removed, or what it led to was stopped");
  }
  if (!grant.permits_operation(invocation.operation)) {
    return Error(Reason::PolicyDenied, "actor " + std::string(grant.holder()) + " may not call " +
                                           std::string(invocation.operation) + " on " +
                                           std::string(grant.contract()) + " by the link " +
                                           std::string(grant.link()));
  }
  if (invocation.context.depth > core::kMaxCallDepth) {
    return Error(Reason::CallDepth, "the chain of calls is deeper than " +
                                        std::to_string(core::kMaxCallDepth) +
                                        ": do the actors call each other in a circle?");
  }
  if (invocation.context.cancel.cancelled()) return invocation.context.cancel.error();
  return std::nullopt;
}

async::Task<Result<core::Reply>> refuse(Error error) {
  co_return std::unexpected(std::move(error));
}

}  // namespace

async::Task<Result<core::Reply>> Router::dispatch(const core::Invocation& invocation) {
  if (auto error = objection(invocation)) return refuse(*std::move(error));
  return invocation.grant.target().dispatch(invocation);
}

}  // namespace trellis::router
