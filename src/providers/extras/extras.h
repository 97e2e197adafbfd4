// The extras provider (wascc.md 4.8, 5.9): a UUID, a number of the actor's own sequence, a random
// number; the payloads of all three generations.
//
//   2020, early 2021   GeneratorRequest {guid, sequence, random, min, max}
//                      -> {guid, sequenceNumber, randomNumber, random_number}
//   2021-05            RequestGuid() -> str, RequestSequence() -> u64, RequestRandom(min, max) ->
//   u32
#pragma once

#include <memory>
#include <string>

#include "trellis/core/environment.h"
#include "trellis/provider/provider.h"

namespace trellis::providers::extras {

/// `environment` gives the randomness and outlives the provider. A sequence starts at 0, once for
/// each (tenant, actor) in the life of the provider.
std::unique_ptr<provider::Provider> create(
    std::string name, core::Environment& environment = core::system_environment());

}  // namespace trellis::providers::extras
