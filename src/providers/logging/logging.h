// The logging provider (wascc.md 5.6): WriteLog of both generations, and `write` as the
// AssemblyScript actors of 2020 call it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "trellis/core/call.h"
#include "trellis/provider/provider.h"

namespace trellis::providers::logging {

enum class Level : std::uint8_t { Error = 1, Warn, Info, Debug, Trace };

/// One record of an actor. Views: valid during write() only. The texts are the guest's: the sink
/// escapes and bounds them.
struct Record {
  Level level = Level::Info;
  std::string_view actor;  // its subject
  std::string_view name;   // its name, for people
  std::string_view tenant;
  core::CallId call;
  std::string_view target;  // what part of the actor says it (2021), or empty
  std::string_view text;
};

/// Where records go. Called on every core at once; must not block.
class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual void write(const Record& record) = 0;
};

/// The log of the host itself (trellis/base/log.h); lives for the whole process.
LogSink& host_log() noexcept;

/// `sink` outlives the provider.
std::unique_ptr<provider::Provider> create(std::string name, LogSink& sink = host_log());

}  // namespace trellis::providers::logging
