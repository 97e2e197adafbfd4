// The frame around the commands: parsing the command line, usage errors, options that many share.
//
//   CLI::App root("...");
//   int exit_code = kExitDone;
//   add_keys(root, exit_code);
//   ...
//   return parse_and_run(root, argc, argv, exit_code);
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "trellis/apps/cli/output.h"
#include "trellis/base/error.h"

namespace CLI {
class App;
}

namespace trellis::apps::cli {

/// Parses, runs the command that was chosen (its callback sets `exit_code`) and returns the exit
/// code: 0 after --help, 2 after one line on stderr for a usage error.
int parse_and_run(CLI::App& root, int argc, const char* const* argv, int& exit_code);

/// Adds `--format text|json`; the default is what `format` holds.
void add_format_option(CLI::App& command, Format& format);

/// The example of --help, one command line or several.
void set_example(CLI::App& command, std::string_view lines);

/// "90s", "15m", "12h", "30d" in seconds; nullopt for any other form or more than 2^53-1 seconds.
std::optional<std::int64_t> parse_seconds(std::string_view text) noexcept;

/// A usage error that the parser cannot see: prints it and returns 2.
int report_usage(Format format, std::string message);

}  // namespace trellis::apps::cli
