#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>

#include "trellis/apps/cli/app.h"
#include "trellis/apps/cli/commands.h"
#include "trellis/apps/cli/output.h"
#include "trellis/claims/key_file.h"
#include "trellis/crypto/nkeys.h"

namespace trellis::apps::cli {
namespace {

namespace json = codec::json;
using crypto::KeyPair;
using crypto::PublicNkey;

/// Scripts read keys far more often than people do: text only on a terminal.
Format default_format() noexcept {
  return ::isatty(STDOUT_FILENO) == 1 ? Format::Text : Format::Json;
}

struct KeysOptions {
  Format format = default_format();
  std::string kind;
  std::string file;                   // show
  std::optional<std::string> output;  // gen
};

json::Object describe(const PublicNkey& key) {
  json::Object object;
  object["kind"] = std::string(crypto::key_kind_text(key.kind));
  object["public_key"] = crypto::encode_public(key);
  return object;
}

int print_key(Format format, const json::Object& key) {
  if (format == Format::Json) {
    print_json(key);
    return kExitDone;
  }
  Table table;
  for (const auto& member : key) {
    if (!member.value().is_string()) continue;
    std::string name(member.key().data(), member.key().size());
    for (char& c : name) c = c == '_' ? ' ' : c;
    table.add(name, json::text_of(member.value().get_string()));
  }
  print_text(table.text());
  if (json::find(key, "seed") != nullptr) print_text("The seed is secret: keep it.\n");
  return kExitDone;
}

int run_gen(const KeysOptions& options) {
  const std::optional<crypto::KeyKind> kind = crypto::parse_key_kind(options.kind);
  if (!kind)
    return report_usage(options.format,
                        "no kind of key is called " + options.kind +
                            "; choose from: " + std::string(crypto::key_kind_list()));
  const KeyPair key = KeyPair::generate(*kind);
  json::Object object = describe(key.public_key());
  if (!options.output) {
    object["seed"] = key.seed_text();
    return print_key(options.format, object);
  }
  const Result<void> written = claims::write_seed_file(*options.output, key);
  if (!written) return report_failure(options.format, written.error());
  object["file"] = *options.output;
  return print_key(options.format, object);
}

int run_show(const KeysOptions& options) {
  const Result<PublicNkey> key = claims::read_key_file(options.file);
  if (!key) return report_failure(options.format, key.error());
  return print_key(options.format, describe(*key));
}

int run_dev(const KeysOptions& options) {
  const Result<KeyPair> key = claims::make_dev_account();
  if (!key) return report_failure(options.format, key.error());
  json::Object object = describe(key->public_key());
  object["file"] = claims::dev_account_path();
  return print_key(options.format, object);
}

void add_gen(CLI::App& keys, int& exit_code) {
  const auto options = std::make_shared<KeysOptions>();
  CLI::App& gen = *keys.add_subcommand("gen", "Make a new key");
  gen.add_option("KIND", options->kind, std::string(crypto::key_kind_list()))->required();
  gen.add_option("-o,--output", options->output,
                 "write the seed to this new file (mode 0600) instead of printing it")
      ->type_name("FILE");
  add_format_option(gen, options->format);
  set_example(gen, "trellis keys gen account -o account.nk");
  gen.callback([options, &exit_code] { exit_code = run_gen(*options); });
}

void add_show(CLI::App& keys, int& exit_code) {
  const auto options = std::make_shared<KeysOptions>();
  CLI::App& show = *keys.add_subcommand("show", "Print kind and public key of a key file");
  show.add_option("FILE", options->file, "a seed or a public key")->required();
  add_format_option(show, options->format);
  set_example(show, "trellis keys show account.nk");
  show.callback([options, &exit_code] { exit_code = run_show(*options); });
}

void add_dev(CLI::App& keys, int& exit_code) {
  const auto options = std::make_shared<KeysOptions>();
  CLI::App& dev =
      *keys.add_subcommand("dev", "Make the local development account, or show it if there is one");
  add_format_option(dev, options->format);
  set_example(dev, "trellis keys dev");
  dev.callback([options, &exit_code] { exit_code = run_dev(*options); });
}

}  // namespace

void add_keys(CLI::App& root, int& exit_code) {
  CLI::App& keys = *root.add_subcommand("keys", "Make and show keys");
  keys.require_subcommand(1);
  set_example(keys, "trellis keys gen account -o account.nk");
  add_gen(keys, exit_code);
  add_show(keys, exit_code);
  add_dev(keys, exit_code);
}

}  // namespace trellis::apps::cli
