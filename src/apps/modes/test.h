// `trellis test`: runs a script of calls against one module, without a host.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "trellis/abi/common/step_report.h"
#include "trellis/apps/modes/script.h"
#include "trellis/base/error.h"
#include "trellis/codec/json.h"

namespace trellis::apps::modes {

/// Why no step could run.
struct LoadError {
  std::string stage;  // "load" or "start"
  Error error;
};

struct TestReport {
  std::size_t passed = 0;
  std::size_t failed = 0;
  std::optional<LoadError> load_error;
  std::vector<abi::StepReport> steps;
};

/// Compares what happened with what was expected: adds to report.mismatch and sets report.ok.
void judge(abi::StepReport& report, const Expectation& expect);

/// Runs `script` against the module in `path`. Blocks until all steps are done.
TestReport run_script(const std::string& path, const Script& script);

codec::json::Object to_json(const TestReport& report);

}  // namespace trellis::apps::modes
