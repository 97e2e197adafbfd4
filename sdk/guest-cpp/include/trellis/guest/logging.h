// The logging contract. console_log (host.h) needs no capability; this goes to the provider that
// the link names, with a level.
#pragma once

#include "trellis/guest/contracts.h"
#include "trellis/guest/host.h"
#include "trellis/guest/msgpack.h"

namespace trellis::guest {

enum class Level : uint8_t { Error = 1, Warn = 2, Info = 3, Debug = 4, Trace = 5 };

// Writes a line. `target` names a part of the actor; the 2020 contract has no field for it.
inline Result<bool> log(Level level, Text line, Text target = "", Text binding = "default") {
  msgpack::Writer writer;
  if constexpr (kGeneration2021) {
    constexpr Text kLevels[] = {"error", "warn", "info", "debug", "trace"};
    writer.map(3)
        .field("target", target)
        .field("level", kLevels[static_cast<size_t>(level) - 1])
        .field("text", line);
  } else {
    writer.map(2).field("level", static_cast<uint32_t>(level)).field("body", line);
  }
  Result<Bytes> reply = host_call(binding, kLogging, "WriteLog", writer.bytes());
  if (!reply) {
    return reply.error();
  }
  return true;
}

}  // namespace trellis::guest
