// The one binary: every command and every process of Trellis is a mode of it.
#include <string_view>

#include <CLI/CLI.hpp>

#include "trellis/apps/cli/app.h"
#include "trellis/apps/cli/commands.h"
#include "trellis/apps/modes/modes.h"
#include "trellis/engine/compiler.h"

int main(int argc, char** argv) {
  namespace cli = trellis::apps::cli;
  // The compile worker is sandboxed and knows no other command: nothing else may run before it.
  if (argc > 1 && std::string_view(argv[1]) == trellis::engine::kCompileWorkerMode) {
    return trellis::engine::compile_worker_main();
  }
  CLI::App root("Trellis runs signed WebAssembly actors", "trellis");
  root.set_version_flag("--version", "trellis " TRELLIS_VERSION);
  root.require_subcommand(1);
  cli::set_example(root, "trellis keys dev");
  int exit_code = cli::kExitDone;
  cli::add_keys(root, exit_code);
  cli::add_sign(root, exit_code);
  cli::add_verify(root, exit_code);
  cli::add_inspect(root, exit_code);
  trellis::apps::modes::add_up(root, exit_code);
  trellis::apps::modes::add_test(root, exit_code);
  trellis::apps::modes::add_call(root, exit_code);
  return cli::parse_and_run(root, argc, argv, exit_code);
}
