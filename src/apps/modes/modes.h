// The commands that contain an engine: each adds its command to `root`, and the command stores its
// exit code in `exit_code`, which must live until cli::parse_and_run() returns.
#pragma once

namespace CLI {
class App;
}

namespace trellis::apps::modes {

/// trellis test FILE.wasm SCRIPT.yaml
void add_test(CLI::App& root, int& exit_code);
/// trellis up [MANIFEST|FILE.wasm]
void add_up(CLI::App& root, int& exit_code);
/// trellis call FILE.wasm|ACTOR OPERATION
void add_call(CLI::App& root, int& exit_code);

}  // namespace trellis::apps::modes
