// The commands that need no host, one function a noun: each adds its command to `root`, and the
// command stores its exit code in `exit_code`, which must live until parse_and_run() returns.
#pragma once

namespace CLI {
class App;
}

namespace trellis::apps::cli {

/// trellis keys gen|show|dev
void add_keys(CLI::App& root, int& exit_code);
/// trellis sign
void add_sign(CLI::App& root, int& exit_code);
/// trellis verify
void add_verify(CLI::App& root, int& exit_code);
/// trellis inspect
void add_inspect(CLI::App& root, int& exit_code);

}  // namespace trellis::apps::cli
