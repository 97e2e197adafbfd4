#include "trellis/claims/sign.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "trellis/apps/cli/app.h"
#include "trellis/apps/cli/commands.h"
#include "trellis/apps/cli/module_file.h"
#include "trellis/apps/cli/output.h"
#include "trellis/base/clock.h"
#include "trellis/base/file.h"
#include "trellis/base/text.h"
#include "trellis/claims/claims.h"
#include "trellis/claims/key_file.h"

namespace trellis::apps::cli {
namespace {

namespace json = codec::json;
using crypto::KeyPair;
using crypto::PublicNkey;

struct SignCommand {
  Format format = Format::Text;
  std::string input;
  std::string output;
  std::string issuer;
  std::string subject;
  bool dev = false;
  std::vector<std::string> capabilities;
  std::vector<std::string> tags;
  std::optional<std::string> name;
  std::optional<std::string> version;
  std::optional<std::string> alias;
  std::optional<std::int32_t> revision;
  std::optional<std::string> expires_in;
  std::optional<std::string> not_before_in;
};

struct Signers {
  KeyPair issuer;
  PublicNkey subject;
};

Result<Signers> development_signers(const SignCommand& command) {
  TR_TRY(KeyPair account, claims::dev_account());
  const std::string stem = std::filesystem::path(command.output).stem().string();
  const KeyPair subject = claims::derive_module_key(account, command.name.value_or(stem));
  return Signers{std::move(account), subject.public_key()};
}

Result<Signers> file_signers(const SignCommand& command) {
  TR_TRY(KeyPair issuer, claims::read_seed_file(command.issuer));
  TR_TRY(const PublicNkey subject, claims::read_key_file(command.subject));
  return Signers{std::move(issuer), subject};
}

/// Seconds since the epoch, `duration` from `now`.
std::optional<UnixSeconds> moment(UnixSeconds now, const std::string& duration) noexcept {
  const std::optional<std::int64_t> seconds = parse_seconds(duration);
  if (!seconds || *seconds > claims::kMaxDate - now) return std::nullopt;
  return now + *seconds;
}

Result<claims::SignOptions> token_options(const SignCommand& command) {
  claims::SignOptions options;
  options.name = command.name;
  options.version = command.version;
  options.revision = command.revision;
  options.capabilities = command.capabilities;
  options.tags = command.tags;
  options.issued_at = system_clock().wall_seconds();
  if (command.alias) {
    options.call_alias = claims::normalise_alias(*command.alias);
    if (options.call_alias->empty())
      return fail(Reason::UsageInvalid, "--alias has no character that an alias may have");
  }
  const std::pair<const std::optional<std::string>&, std::optional<UnixSeconds>&> dates[] = {
      {command.expires_in, options.expires}, {command.not_before_in, options.not_before}};
  for (const auto& [duration, date] : dates) {
    if (!duration) continue;
    date = moment(options.issued_at, *duration);
    if (!date)
      return fail(Reason::UsageInvalid,
                  "a duration is a number followed by s, m, h or d, such as 30d; not " + *duration);
  }
  return options;
}

json::Object describe(const SignCommand& command, const Signers& signers) {
  json::Object object;
  object["ok"] = true;
  object["file"] = command.output;
  object["section"] = std::string(claims::kSectionName);
  object["issuer"] = signers.issuer.public_text();
  object["subject"] = crypto::encode_public(signers.subject);
  return object;
}

int run_sign(const SignCommand& command) {
  if (command.dev == (!command.issuer.empty() || !command.subject.empty()) ||
      command.issuer.empty() != command.subject.empty())
    return report_usage(command.format,
                        "sign needs --issuer FILE and --subject FILE, or --dev in their place");
  const Result<claims::SignOptions> options = token_options(command);
  if (!options) return report_failure(command.format, options.error(), kExitUsage);
  const Result<Signers> signers =
      command.dev ? development_signers(command) : file_signers(command);
  if (!signers) {
    const bool no_account = signers.error().reason() == Reason::KeyMissing;
    return report_failure(command.format, signers.error(), no_account ? kExitUsage : kExitRefused);
  }
  const Result<Bytes> module = read_module(command.input);
  if (!module) return report_failure(command.format, module.error());
  Result<Bytes> signed_module = claims::sign(*module, signers->issuer, signers->subject, *options);
  if (!signed_module)
    return report_failure(command.format,
                          std::move(signed_module).error().context("signing " + command.input));
  const Result<void> written = write_file_atomically(command.output, *signed_module, 0644);
  if (!written) return report_failure(command.format, written.error());
  const json::Object result = describe(command, *signers);
  if (command.format == Format::Json) {
    print_json(result);
    return kExitDone;
  }
  Table table;
  table.add("signed", command.output);
  table.add("issuer", json::find_text(result, "issuer").value_or(""));
  table.add("subject", json::find_text(result, "subject").value_or(""));
  print_text(table.text());
  return kExitDone;
}

void add_token_options(CLI::App& sign, SignCommand& command) {
  sign.add_option("--cap", command.capabilities,
                  "a contract that the actor may use, or another actor's key or alias; repeats")
      ->type_name("ID")
      ->allow_extra_args(false);
  sign.add_option("--name", command.name, "name for people");
  sign.add_option("--rev", command.revision, "revision, a number that grows");
  sign.add_option("--ver", command.version, "version, free text");
  sign.add_option("--tag", command.tags, "a tag; repeats")->allow_extra_args(false);
  sign.add_option("--alias", command.alias, "name by which other actors may call it");
  sign.add_option("--expires-in", command.expires_in, "N followed by s, m, h or d");
  sign.add_option("--not-before-in", command.not_before_in, "N followed by s, m, h or d");
}

}  // namespace

void add_sign(CLI::App& root, int& exit_code) {
  const auto command = std::make_shared<SignCommand>();
  CLI::App& sign = *root.add_subcommand("sign", "Put a signed token into a module");
  sign.add_option("IN", command->input, "the module")->required();
  sign.add_option("-o,--output", command->output, "where the signed module goes; may be IN")
      ->type_name("OUT")
      ->required();
  sign.add_option("--issuer", command->issuer, "key file of the account that signs")
      ->type_name("FILE");
  sign.add_option("--subject", command->subject, "key file of the module")->type_name("FILE");
  sign.add_flag("--dev", command->dev, "sign with the local development account");
  add_token_options(sign, *command);
  add_format_option(sign, command->format);
  set_example(sign,
              "trellis sign counter.wasm -o counter_s.wasm --issuer account.nk \\\n"
              "      --subject counter.nk --cap wascc:http_server --cap wascc:keyvalue");
  sign.callback([command, &exit_code] { exit_code = run_sign(*command); });
}

}  // namespace trellis::apps::cli
