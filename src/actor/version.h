// One version of an actor: what its token says, its program, its limits. Immutable and shared by
// all cores; a call holds it through its lease, so replacing an actor is replacing one pointer.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "trellis/abi/common/guest.h"
#include "trellis/base/clock.h"
#include "trellis/core/environment.h"

namespace trellis::actor {

enum class InstanceMode : std::uint8_t {
  Warm,    // kept per core and used again
  Fresh,   // a new one for every call
  Pinned,  // one in the whole host; calls wait for each other
};

struct ActorLimits {
  Duration call = std::chrono::seconds(5);
  Duration start = std::chrono::seconds(5);
  /// An instance whose memory stands above this after a call is dropped, not kept warm.
  std::uint64_t warm_max_bytes = std::uint64_t{8} << 20;
  /// Live instances on one core (pinned: one in all).
  std::size_t max_instances = 64;
  /// Calls that wait for an instance on one core; more are refused as actor.busy.
  std::size_t max_waiting = 1024;
  /// An instance that no call has used for so long is dropped, but for the last one of the core
  /// when it has not grown.
  Duration idle = std::chrono::seconds(2);
  /// That last one is dropped after this.
  Duration keep = std::chrono::minutes(5);
  abi::GuestLimits guest;
};

struct ActorVersion {
  std::string name;     // in the manifest
  std::string subject;  // M...: the identity
  std::string alias;    // call alias; empty: none
  std::string tenant;
  std::uint32_t revision = 0;
  std::vector<std::string> capabilities;
  InstanceMode mode = InstanceMode::Warm;
  ActorLimits limits;
  std::shared_ptr<const abi::Program> program;
};

}  // namespace trellis::actor
