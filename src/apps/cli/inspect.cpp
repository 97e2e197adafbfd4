#include <array>
#include <ctime>
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
#include "trellis/claims/claims.h"
#include "trellis/codec/wasm.h"
#include "trellis/crypto/jws.h"

namespace trellis::apps::cli {
namespace {

namespace json = codec::json;
namespace wasm = codec::wasm;

struct InspectCommand {
  Format format = Format::Text;
  std::string file;
};

/// The first section that holds a token; inspect shows, it does not judge.
Result<std::optional<wasm::Section>> first_token(ByteView module) {
  TR_TRY(wasm::SectionWalker walker, wasm::SectionWalker::open(module));
  while (true) {
    TR_TRY(const std::optional<wasm::Section> section, walker.next());
    if (!section) return std::nullopt;
    if (section->id == wasm::SectionId::Custom &&
        (section->name == claims::kSectionName || section->name == claims::kNewerSectionName))
      return section;
  }
}

/// Names for people of the contracts that everyone uses (wascc.md 2.5); empty for others.
std::string_view contract_title(std::string_view id) noexcept {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kTitles = {{
      {"messaging", "Messaging"},
      {"keyvalue", "K/V Store"},
      {"http_server", "HTTP Server"},
      {"http_client", "HTTP Client"},
      {"blobstore", "Blob Store"},
      {"eventstreams", "Event Streams"},
      {"extras", "Extras"},
      {"logging", "Logging"},
  }};
  const std::size_t colon = id.find(':');
  const std::string_view group = id.substr(0, colon);
  if (group != "wascap" && group != "wascc" && group != "wasmcloud") return {};
  std::string_view item = id.substr(colon == std::string_view::npos ? id.size() : colon + 1);
  if (item == "httpserver") item = "http_server";
  if (item == "httpclient") item = "http_client";
  for (const auto& [name, title] : kTitles)
    if (name == item) return title;
  return {};
}

std::string plain(const json::Value& value) {
  if (value.is_string()) return std::string(json::text_of(value.get_string()));
  return json::to_text(value);
}

std::string date_text(const json::Value& value) {
  const std::optional<std::int64_t> seconds = json::integer(value);
  const std::time_t time = seconds.value_or(0);
  std::tm parts{};
  std::array<char, 64> buffer{};
  if (!seconds || ::gmtime_r(&time, &parts) == nullptr ||
      std::strftime(buffer.data(), buffer.size(), "%Y-%m-%d %H:%M:%S UTC", &parts) == 0)
    return plain(value);
  return buffer.data();
}

std::string list_text(const json::Value& value) {
  const json::Array* array = value.if_array();
  if (array == nullptr) return plain(value);
  std::string out;
  for (const json::Value& item : *array) {
    if (!out.empty()) out.push_back('\n');
    // A newline of the token must not look like the start of another item.
    std::string text = plain(item);
    for (char& c : text) c = c == '\n' ? ' ' : c;
    const std::string_view title = contract_title(text);
    out += text;
    if (!title.empty()) out.append(" (").append(title).append(")");
  }
  return out.empty() ? "none" : out;
}

void add_row(Table& table, std::string_view label, const json::Object& object,
             std::string_view claim, std::string (*show)(const json::Value&),
             std::string_view absent) {
  const json::Value* value = json::find(object, claim);
  const bool there = value != nullptr && !value->is_null();
  if (there || !absent.empty()) table.add(label, there ? show(*value) : std::string(absent));
}

std::string claims_table(const std::string& file, std::string_view section,
                         const json::Value& payload) {
  const json::Object none;
  const json::Object& claims = payload.is_object() ? payload.get_object() : none;
  const json::Value* block_value = json::find(claims, "wascap");
  const bool has_block = block_value != nullptr && block_value->is_object();
  const json::Object& block = has_block ? block_value->get_object() : none;
  Table table;
  table.add("file", file);
  table.add("section", section);
  add_row(table, "name", block, "name", plain, "");
  add_row(table, "module", claims, "sub", plain, "none");
  add_row(table, "account", claims, "iss", plain, "none");
  add_row(table, "issued", claims, "iat", date_text, "unknown");
  add_row(table, "expires", claims, "exp", date_text, "never");
  add_row(table, "can be used", claims, "nbf", date_text, "at once");
  add_row(table, "version", block, "ver", plain, "none");
  add_row(table, "revision", block, "rev", plain, "0");
  add_row(table, "call alias", block, "call_alias", plain, "");
  add_row(table, "capabilities", block, "caps", list_text, "none");
  add_row(table, "tags", block, "tags", list_text, "none");
  add_row(table, "hash", block, "hash", plain, "none");
  return table.text();
}

int show_unsigned(const InspectCommand& command) {
  if (command.format == Format::Json)
    print_json({{"file", command.file}, {"signed", false}});
  else
    print_text(command.file + ": not signed\n");
  return kExitDone;
}

int run_inspect(const InspectCommand& command) {
  json::Object found = {{"file", command.file}};
  const Result<Bytes> module = read_module(command.file);
  if (!module) return report_failure(command.format, module.error(), kExitRefused, found);
  Result<std::optional<wasm::Section>> section = first_token(*module);
  if (!section)
    return report_failure(command.format, std::move(section).error().context(command.file),
                          kExitRefused, found);
  if (!*section) return show_unsigned(command);
  const std::string name((*section)->name);
  found["signed"] = true;
  found["section"] = name;
  Result<crypto::UncheckedJws> token = crypto::peek_jws(as_text((*section)->payload));
  if (!token)
    return report_failure(command.format, std::move(token).error().context(command.file),
                          kExitRefused, found);
  if (command.format == Format::Json) {
    found["header"] = std::move(token->header);
    found["claims"] = std::move(token->payload);
    print_json(found);
  } else {
    print_text(claims_table(command.file, name, token->payload));
    print_text("Nothing was checked; to check, use: trellis verify\n");
  }
  return kExitDone;
}

}  // namespace

void add_inspect(CLI::App& root, int& exit_code) {
  const auto command = std::make_shared<InspectCommand>();
  CLI::App& inspect =
      *root.add_subcommand("inspect", "Show what the token of a module says, without checking it");
  inspect.add_option("FILE", command->file, "the module")->required();
  add_format_option(inspect, command->format);
  set_example(inspect, "trellis inspect counter_s.wasm --format json");
  inspect.callback([command, &exit_code] { exit_code = run_inspect(*command); });
}

}  // namespace trellis::apps::cli
