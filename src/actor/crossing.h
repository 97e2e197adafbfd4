// An actor that lives on another core: the visible hop that the callers of a pinned actor pay.
#pragma once

#include "trellis/async/core.h"
#include "trellis/core/invocation.h"

namespace trellis::actor {

/// Belongs to the core `home`; carries each invocation to `target` on the core `away` and its reply
/// back. The payload is copied, everything else is borrowed: the caller stays suspended until the
/// other core has answered, also when it is cancelled (the cancel is carried across).
class Crossing final : public core::Dispatcher {
 public:
  /// `target` outlives this object and is used only on `away`.
  Crossing(async::Core& home, async::Core& away, core::Dispatcher& target) noexcept
      : home_(home), away_(away), target_(target) {}

  async::Task<Result<core::Reply>> dispatch(const core::Invocation& invocation) override;

 private:
  async::Core& home_;
  async::Core& away_;
  core::Dispatcher& target_;
};

}  // namespace trellis::actor
