// `trellis call ACTOR`: one call of an actor of a running host, over its control socket.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "trellis/abi/common/step_report.h"
#include "trellis/base/bytes.h"
#include "trellis/base/error.h"

namespace trellis::apps::modes {

/// `socket`: of the host; without it, the only host of this user that runs. control.unreachable,
/// actor.unknown; how the call itself ended is in the report. Blocks.
Result<abi::StepReport> call_actor(const std::optional<std::string>& socket, std::string_view actor,
                                   std::string_view operation, ByteView payload);

}  // namespace trellis::apps::modes
