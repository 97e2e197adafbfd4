#include "trellis/claims/verify.h"

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
#include "trellis/claims/key_file.h"

namespace trellis::apps::cli {
namespace {

namespace json = codec::json;
using claims::Claims;
using claims::Judgement;

struct VerifyCommand {
  Format format = Format::Text;
  std::string file;
  std::vector<std::string> trusted;
  bool dev = false;
};

template <class T>
json::Value or_null(const std::optional<T>& value) {
  if (!value) return nullptr;
  return json::Value(*value);
}

json::Array list(const std::vector<std::string>& texts) {
  json::Array array;
  for (const std::string& text : texts) array.emplace_back(text);
  return array;
}

json::Object describe(const std::string& file, const Judgement& judgement) {
  const Claims claims = judgement.claims.value_or(Claims{});
  const auto text = [](const std::string& value) {
    return value.empty() ? json::Value(nullptr) : json::Value(value);
  };
  json::Object object;
  object["ok"] = true;
  object["file"] = file;
  object["reason"] = nullptr;
  object["message"] = nullptr;
  object["section"] = text(judgement.section);
  object["issuer"] = text(claims.issuer);
  object["subject"] = text(claims.subject);
  object["hash"] = or_null(claims.hash);
  object["name"] = or_null(claims.name);
  object["capabilities"] = list(claims.capabilities);
  object["tags"] = list(claims.tags);
  object["revision"] = or_null(claims.revision);
  object["version"] = or_null(claims.version);
  object["call_alias"] = or_null(claims.call_alias);
  object["provider"] = or_null(claims.provider);
  object["issued_at"] = or_null(claims.issued_at);
  object["not_before"] = or_null(claims.not_before);
  object["expires"] = or_null(claims.expires);
  return object;
}

Result<claims::TrustList> trust_list(const VerifyCommand& command) {
  claims::TrustList trust;
  for (const std::string& account : command.trusted) {
    Result<void> added = trust.add(account);
    if (!added) return std::unexpected(std::move(added).error().context("--trust"));
  }
  if (command.dev) {
    TR_TRY(const crypto::KeyPair account, claims::dev_account());
    TR_CHECK(trust.add(account.public_key()));
  }
  return trust;
}

std::string joined(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : "\n") + text;
  return out;
}

int print_accepted(const VerifyCommand& command, const Claims& claims) {
  Table table;
  table.add("file", command.file);
  if (claims.name) table.add("name", *claims.name);
  table.add("subject", claims.subject);
  table.add("issuer", claims.issuer);
  table.add("hash", claims.hash.value_or(""));
  table.add("capabilities", joined(claims.capabilities));
  // The verdict's colour is ours; the table's text comes from outside and is escaped.
  const std::string verdict = toned(Tone::Good, "verified") + "\n";
  std::fwrite(verdict.data(), 1, verdict.size(), stdout);
  print_text(table.text());
  return kExitDone;
}

int run_verify(const VerifyCommand& command) {
  const Result<claims::TrustList> trust = trust_list(command);
  if (!trust) {
    const Reason reason = trust.error().reason();
    const bool usage = !command.dev || reason == Reason::KeyMissing;
    return report_failure(command.format, trust.error(), usage ? kExitUsage : kExitRefused,
                          describe(command.file, {}));
  }
  const Result<Bytes> module = read_module(command.file);
  if (!module)
    return report_failure(command.format, module.error(), kExitRefused, describe(command.file, {}));
  Judgement judgement = claims::judge(*module, *trust, system_clock().wall_seconds());
  if (judgement.error) {
    json::Object found = describe(command.file, judgement);
    const Error error = std::move(*judgement.error).context(command.file);
    return report_failure(command.format, error, kExitRefused, std::move(found));
  }
  if (command.format == Format::Text) return print_accepted(command, *judgement.claims);
  print_json(describe(command.file, judgement));
  return kExitDone;
}

}  // namespace

void add_verify(CLI::App& root, int& exit_code) {
  const auto command = std::make_shared<VerifyCommand>();
  CLI::App& verify = *root.add_subcommand("verify", "Judge the token of a module as a host would");
  verify.add_option("FILE", command->file, "the signed module")->required();
  verify.add_option("--trust", command->trusted, "an account to trust; repeats")
      ->type_name("ACCOUNT")
      ->allow_extra_args(false);
  verify.add_flag("--dev", command->dev, "trust the local development account too");
  add_format_option(verify, command->format);
  set_example(verify,
              "trellis verify counter_s.wasm --trust "
              "ACODERUVFFAWZQDSS6SBIACUA5O6SXF7HJ3YTYXBALHZP3P7R4BUO4J2");
  verify.callback([command, &exit_code] { exit_code = run_verify(*command); });
}

}  // namespace trellis::apps::cli
