// The straight line: what every call passes between whoever calls and whatever is called. Checks
// the grant's life, the operation, the depth and the deadline; then hands over. Adds no coroutine
// and no copy. Stateless: any core.
#pragma once

#include "trellis/core/invocation.h"

namespace trellis::router {

class Router final : public core::Dispatcher {
 public:
  async::Task<Result<core::Reply>> dispatch(const core::Invocation& invocation) override;
};

}  // namespace trellis::router
