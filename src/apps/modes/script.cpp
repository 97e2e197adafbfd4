#include "trellis/apps/modes/script.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>

#include "trellis/base/file.h"
#include "trellis/base/text.h"
#include "trellis/codec/yaml.h"

namespace trellis::apps::modes {
namespace {

using codec::yaml::Node;

constexpr std::int64_t kMaxDeadlineMs = std::int64_t{3'600'000};

constexpr std::string_view kScriptKeys[] = {"deadline_ms", "start", "steps"};
constexpr std::string_view kStartKeys[] = {"replies"};
constexpr std::string_view kStepKeys[] = {"operation",   "payload", "payload_hex",
                                          "deadline_ms", "replies", "expect"};
constexpr std::string_view kReplyKeys[] = {"binding", "namespace", "operation", "payload_hex",
                                           "reply",   "reply_hex", "error"};
constexpr std::string_view kExpectKeys[] = {"response", "response_hex", "error", "error_contains",
                                            "trap",     "console_log",  "stdout"};

// Turns nodes into values; every error carries the file and the line.
class Reader {
 public:
  explicit Reader(std::string name) : name_(std::move(name)) {}

  std::unexpected<Error> wrong(std::uint32_t line, const std::string& what) const {
    return fail(Reason::ScriptInvalid, name_ + ":" + std::to_string(line) + ": " + what);
  }

  Result<void> keys(const Node& node, std::string_view what,
                    std::span<const std::string_view> valid) const {
    if (!node.is_map()) {
      return wrong(node.line, std::string(what) + " must be a map, not " +
                                  std::string(codec::yaml::kind_text(node.kind)));
    }
    for (const auto& member : node.members) {
      if (std::ranges::find(valid, member.key) != valid.end()) continue;
      std::string message = "unknown key `" + escape_line(cut_utf8(member.key, 64)) + "` in " +
                            std::string(what) + "; valid keys: ";
      for (std::size_t i = 0; i < valid.size(); ++i) {
        message += (i == 0 ? "" : ", ") + std::string(valid[i]);
      }
      return wrong(member.line, message);
    }
    return {};
  }

  Result<std::string> text(const Node& node, std::string_view key) const {
    if (node.is_null()) return std::string();
    if (!node.is_scalar()) {
      return wrong(node.line, "`" + std::string(key) + "` must be text, not " +
                                  std::string(codec::yaml::kind_text(node.kind)));
    }
    return node.text;
  }

  Result<std::optional<std::string>> optional_text(const Node& map, std::string_view key) const {
    const Node* node = map.find(key);
    if (node == nullptr) return std::nullopt;
    TR_TRY(auto value, text(*node, key));
    return std::optional(std::move(value));
  }

  Result<std::optional<Bytes>> optional_hex(const Node& map, std::string_view key) const {
    const Node* node = map.find(key);
    if (node == nullptr) return std::nullopt;
    TR_TRY(const auto value, text(*node, key));
    auto bytes = from_hex(value);
    const bool lower = std::ranges::none_of(value, [](char c) { return c >= 'A' && c <= 'F'; });
    if (!bytes || !lower) {
      return wrong(node->line,
                   "`" + std::string(key) + "` must be bytes as lower-case hex, two digits a byte");
    }
    return bytes;
  }

  /// The bytes of `key` (text) or `key`_hex; both at once are an error.
  Result<std::optional<Bytes>> optional_bytes(const Node& map, const std::string& key) const {
    TR_TRY(auto plain, optional_text(map, key));
    TR_TRY(auto hex, optional_hex(map, key + "_hex"));
    if (plain && hex) {
      return wrong(map.find(key + "_hex")->line,
                   "`" + key + "` and `" + key + "_hex` exclude each other");
    }
    if (plain) return std::optional(to_bytes(*plain));
    return hex;
  }

  Result<std::chrono::milliseconds> deadline(const Node& map,
                                             std::chrono::milliseconds fallback) const {
    const Node* node = map.find("deadline_ms");
    if (node == nullptr) return fallback;
    const auto value = codec::yaml::integer(*node);
    if (!value || *value < 1 || *value > kMaxDeadlineMs) {
      return wrong(node->line,
                   "`deadline_ms` must be an integer from 1 to " + std::to_string(kMaxDeadlineMs));
    }
    return std::chrono::milliseconds(*value);
  }

  /// The items of a list; none when the key is absent or empty.
  Result<std::span<const Node>> list(const Node& map, std::string_view key) const {
    const Node* node = map.find(key);
    if (node == nullptr || node->is_null()) return std::span<const Node>();
    if (!node->is_list()) {
      return wrong(node->line, "`" + std::string(key) + "` must be a list, not " +
                                   std::string(codec::yaml::kind_text(node->kind)));
    }
    return std::span<const Node>(node->items);
  }

  Result<ScriptReply> reply(const Node& node) const;
  Result<std::vector<ScriptReply>> replies(const Node& map) const;
  Result<Expectation> expectation(const Node& node) const;
  Result<ScriptStep> step(const Node& node, std::chrono::milliseconds fallback) const;
  Result<Script> script(const Node& node) const;

 private:
  std::string name_;
};

Result<ScriptReply> Reader::reply(const Node& node) const {
  TR_CHECK(keys(node, "a reply", kReplyKeys));
  ScriptReply read;
  TR_TRY(read.binding, optional_text(node, "binding"));
  TR_TRY(read.contract, optional_text(node, "namespace"));
  TR_TRY(read.operation, optional_text(node, "operation"));
  TR_TRY(read.payload, optional_hex(node, "payload_hex"));
  TR_TRY(auto bytes, optional_bytes(node, "reply"));
  TR_TRY(read.error, optional_text(node, "error"));
  if (bytes && read.error) {
    return wrong(node.line, "a reply has `reply`, `reply_hex` or `error`, not two of them");
  }
  if (bytes) read.reply = std::move(*bytes);
  return read;
}

Result<std::vector<ScriptReply>> Reader::replies(const Node& map) const {
  TR_TRY(const auto items, list(map, "replies"));
  std::vector<ScriptReply> read;
  for (const Node& item : items) {
    TR_TRY(auto one, reply(item));
    read.push_back(std::move(one));
  }
  return read;
}

Result<Expectation> Reader::expectation(const Node& node) const {
  Expectation read;
  if (node.is_null()) return read;
  TR_CHECK(keys(node, "`expect`", kExpectKeys));
  TR_TRY(read.response, optional_bytes(node, "response"));
  TR_TRY(read.error, optional_text(node, "error"));
  TR_TRY(read.error_contains, optional_text(node, "error_contains"));
  TR_TRY(read.stdout_text, optional_text(node, "stdout"));
  if (const Node* trap = node.find("trap")) {
    read.trap = codec::yaml::boolean(*trap);
    if (!read.trap) return wrong(trap->line, "`trap` must be true or false");
  }
  if (const Node* log = node.find("console_log")) {
    TR_TRY(const auto items, list(node, "console_log"));
    read.console_log.emplace();
    for (const Node& item : items) {
      TR_TRY(auto line, text(item, "console_log"));
      read.console_log->push_back(std::move(line));
    }
    static_cast<void>(log);
  }
  return read;
}

Result<ScriptStep> Reader::step(const Node& node, std::chrono::milliseconds fallback) const {
  TR_CHECK(keys(node, "a step", kStepKeys));
  const Node* operation = node.find("operation");
  if (operation == nullptr) return wrong(node.line, "a step needs `operation`");
  ScriptStep read;
  TR_TRY(read.operation, text(*operation, "operation"));
  TR_TRY(auto payload, optional_bytes(node, "payload"));
  if (payload) read.payload = std::move(*payload);
  TR_TRY(read.deadline, deadline(node, fallback));
  TR_TRY(read.replies, replies(node));
  if (const Node* expect = node.find("expect")) {
    TR_TRY(read.expect, expectation(*expect));
  }
  return read;
}

Result<Script> Reader::script(const Node& node) const {
  TR_CHECK(keys(node, "a script", kScriptKeys));
  Script read;
  TR_TRY(read.start_deadline, deadline(node, kDefaultDeadline));
  if (const Node* start = node.find("start"); start != nullptr && !start->is_null()) {
    TR_CHECK(keys(*start, "`start`", kStartKeys));
    TR_TRY(read.start_replies, replies(*start));
  }
  if (node.find("steps") == nullptr) return wrong(node.line, "a script needs `steps`");
  TR_TRY(const auto items, list(node, "steps"));
  for (const Node& item : items) {
    TR_TRY(auto one, step(item, read.start_deadline));
    read.steps.push_back(std::move(one));
  }
  return read;
}

}  // namespace

Result<Script> parse_script(std::string_view text, const std::string& name) {
  const Reader reader(escape_line(name));
  const auto document = codec::yaml::parse(text, kMaxScriptBytes);
  if (!document) return reader.wrong(document.error().line, document.error().message);
  return reader.script(*document);
}

Result<Script> read_script(const std::string& path) {
  auto bytes = read_file(path, kMaxScriptBytes);
  if (!bytes) return fail(Reason::ScriptInvalid, bytes.error().message());
  return parse_script(as_text(*bytes), path);
}

}  // namespace trellis::apps::modes
