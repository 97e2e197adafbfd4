#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>

#include "trellis/apps/cli/app.h"
#include "trellis/apps/modes/call.h"
#include "trellis/apps/modes/call_actor.h"
#include "trellis/apps/modes/modes.h"

namespace trellis::apps::modes {
namespace {

struct CallCommand {
  cli::Format format = cli::Format::Text;
  std::string target;
  std::string operation;
  std::optional<std::string> payload;
  std::optional<std::string> payload_hex;
  std::optional<std::string> socket;
};

Result<Bytes> payload_of(const CallCommand& command) {
  if (command.payload) return read_payload(*command.payload);
  if (!command.payload_hex) return Bytes();
  auto bytes = from_hex(*command.payload_hex);
  if (!bytes) {
    return fail(Reason::UsageInvalid, "--payload-hex must be hex, two digits a byte");
  }
  return std::move(*bytes);
}

int run_call(const CallCommand& command) {
  const auto payload = payload_of(command);
  if (!payload) return cli::report_failure(command.format, payload.error(), cli::kExitUsage);
  if (!command.socket && names_a_file(command.target)) {
    return print_call(call_file(command.target, command.operation, *payload), command.format);
  }
  const auto report = call_actor(command.socket, command.target, command.operation, *payload);
  if (!report) return cli::report_failure(command.format, report.error());
  return print_call(*report, command.format);
}

}  // namespace

void add_call(CLI::App& root, int& exit_code) {
  const auto command = std::make_shared<CallCommand>();
  CLI::App& call =
      *root.add_subcommand("call", "Call one operation of a module or of a running actor");
  call.add_option("TARGET", command->target,
                  "a module's file, signed or not; or the name of an actor of a running host")
      ->type_name("FILE.wasm|ACTOR")
      ->required();
  call.add_option("OPERATION", command->operation, "what to call")->required();
  CLI::Option* text = call.add_option("--payload", command->payload,
                                      "the payload: text, @FILE, or - for standard input");
  call.add_option("--payload-hex", command->payload_hex, "the payload as hex")->excludes(text);
  call.add_option("--host", command->socket,
                  "the control socket of the host (default: the only one that runs)")
      ->type_name("SOCKET");
  cli::add_format_option(call, command->format);
  cli::set_example(call,
                   "trellis call echo.wasm HandleRequest --payload @request.bin\n"
                   "trellis call counter HandleRequest --payload-hex 80");
  call.callback([command, &exit_code] { exit_code = run_call(*command); });
}

}  // namespace trellis::apps::modes
