// `trellis call FILE`: one call of a module, without a host. (`trellis call ACTOR` asks a running
// host over its control socket.)
#pragma once

#include <string>
#include <string_view>

#include "trellis/abi/common/step_report.h"
#include "trellis/apps/cli/output.h"
#include "trellis/apps/modes/script.h"
#include "trellis/base/bytes.h"
#include "trellis/base/error.h"

namespace trellis::apps::modes {

/// A payload of the command line: TEXT, @FILE or - (standard input). At most 64 MiB are read.
Result<Bytes> read_payload(const std::string& argument);

/// True when `target` names a module's file rather than an actor: it has a slash, ends in `.wasm`,
/// or such a file is there.
bool names_a_file(const std::string& target);

/// Loads `path`, runs its start functions and one call. A refusal is a report with its reason.
abi::StepReport call_file(const std::string& path, std::string_view operation, ByteView payload,
                          std::chrono::milliseconds deadline = kDefaultDeadline);

/// Prints a report as `trellis call` does, wherever it came from: the response raw on stdout and
/// the error on stderr, or the step object. Returns the exit code.
int print_call(const abi::StepReport& report, cli::Format format);

}  // namespace trellis::apps::modes
