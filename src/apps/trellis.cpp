// The one binary: every command and every process of Trellis is a mode of it.
#include <CLI/CLI.hpp>

#include "trellis/apps/cli/app.h"
#include "trellis/apps/cli/commands.h"

int main(int argc, char** argv) {
  namespace cli = trellis::apps::cli;
  CLI::App root("Trellis runs signed WebAssembly actors", "trellis");
  root.require_subcommand(1);
  cli::set_example(root, "trellis keys dev");
  int exit_code = cli::kExitDone;
  cli::add_keys(root, exit_code);
  cli::add_sign(root, exit_code);
  cli::add_verify(root, exit_code);
  cli::add_inspect(root, exit_code);
  return cli::parse_and_run(root, argc, argv, exit_code);
}
