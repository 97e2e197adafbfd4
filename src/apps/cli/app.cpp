#include "trellis/apps/cli/app.h"

#include <charconv>
#include <cstdio>
#include <exception>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "trellis/base/text.h"

namespace trellis::apps::cli {
namespace {

/// The command that the user was in: the deepest one that was named.
const CLI::App& chosen_command(const CLI::App& root) {
  const CLI::App* at = &root;
  while (true) {
    const std::vector<CLI::App*> chosen = at->get_subcommands();
    if (chosen.empty()) return *at;
    at = chosen.front();
  }
}

std::string full_name(const CLI::App& command) {
  if (command.get_parent() == nullptr) return "trellis";
  return full_name(*command.get_parent()) + " " + command.get_name();
}

int report_parse_error(const CLI::App& root, const CLI::ParseError& error) {
  const std::string line = escape_line(error.what());
  const std::string text =
      "trellis: " + line + "; try: " + full_name(chosen_command(root)) + " --help\n";
  std::fwrite(text.data(), 1, text.size(), stderr);
  return kExitUsage;
}

/// A result that could not be written is no success, whatever the command did.
int report_lost_output() {
  print_failure(Error(Reason::FileUnwritable, "cannot write to the standard output"));
  return kExitRefused;
}

}  // namespace

int parse_and_run(CLI::App& root, int argc, const char* const* argv, int& exit_code) {
  try {
    root.parse(argc, argv);
    return std::ferror(stdout) == 0 ? exit_code : report_lost_output();
  } catch (const CLI::CallForHelp&) {
    print_text(root.help());
    return kExitDone;
  } catch (const CLI::CallForVersion& version) {
    print_text(std::string(version.what()) + "\n");
    return kExitDone;
  } catch (const CLI::ParseError& error) {
    return report_parse_error(root, error);
  } catch (const std::exception& error) {
    print_failure(Error(Reason::Internal, error.what()));
    return kExitRefused;
  }
}

void add_format_option(CLI::App& command, Format& format) {
  const CLI::Validator known(
      [](const std::string& name) {
        return name == "text" || name == "json" ? std::string() : name + " is not text or json";
      },
      "");
  command
      .add_option_function<std::string>(
          "--format",
          [&format](const std::string& name) {
            format = name == "json" ? Format::Json : Format::Text;
          },
          "text for people, or one JSON object")
      ->type_name("text|json")
      ->check(known);
}

void set_example(CLI::App& command, std::string_view lines) {
  command.footer("Example:\n  " + std::string(lines));
}

std::optional<std::int64_t> parse_seconds(std::string_view text) noexcept {
  if (text.size() < 2 || text.front() < '0' || text.front() > '9') return std::nullopt;
  constexpr std::int64_t kMax = (std::int64_t{1} << 53) - 1;
  std::int64_t unit = 0;
  switch (text.back()) {
    case 's': unit = 1; break;
    case 'm': unit = 60; break;
    case 'h': unit = 60 * 60; break;
    case 'd': unit = 24 * 60 * 60; break;
    default: return std::nullopt;
  }
  std::int64_t count = 0;
  text.remove_suffix(1);
  const auto [at, code] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (code != std::errc{} || at != text.data() + text.size() || count > kMax / unit)
    return std::nullopt;
  return count * unit;
}

int report_usage(Format format, std::string message) {
  return report_failure(format, Error(Reason::UsageInvalid, std::move(message)), kExitUsage);
}

}  // namespace trellis::apps::cli
