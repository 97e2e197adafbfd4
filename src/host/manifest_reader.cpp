#include "trellis/host/manifest_reader.h"

#include <algorithm>
#include <utility>

namespace trellis::host {
namespace {

using codec::yaml::Kind;
using codec::yaml::Node;

std::string listed(std::initializer_list<std::string_view> names) {
  std::string out;
  for (const std::string_view name : names) out.append(out.empty() ? "" : ", ").append(name);
  return out;
}

/// True for what wascc.md 4.9 expands: not empty, no white space, no '='.
bool is_variable_name(std::string_view name) {
  return !name.empty() && name.find_first_of(" \t\r\n=") == std::string_view::npos;
}

Result<std::string> expanded(const Context& context, const Node& node, const Variables& variables) {
  std::string_view rest = node.text;
  std::string out;
  while (true) {
    const std::size_t start = rest.find("${");
    const std::size_t end = start == std::string_view::npos ? start : rest.find('}', start);
    if (end == std::string_view::npos) break;
    out.append(rest.substr(0, start));
    const std::string_view inside = rest.substr(start + 2, end - start - 2);
    const std::size_t colon = inside.find(':');
    const std::string_view name = inside.substr(0, colon);
    if (!is_variable_name(name)) {
      out.append(rest.substr(start, end + 1 - start));
    } else if (auto value = variables(name)) {
      out += *value;
    } else if (colon != std::string_view::npos) {
      out.append(inside.substr(colon + 1));
    } else {
      return context.error(node.line, "${" + std::string(name) + "}",
                           "the environment variable is not set; set it, or give a default: ${" +
                               std::string(name) + ":value}");
    }
    rest.remove_prefix(end + 1);
  }
  out.append(rest);
  return out;
}

}  // namespace

std::unexpected<Error> Context::error(std::uint32_t line, std::string_view key,
                                      std::string_view what) const {
  std::string message(file);
  message.append(":")
      .append(std::to_string(line))
      .append(": ")
      .append(key)
      .append(": ")
      .append(what);
  return fail(Reason::ManifestInvalid, std::move(message));
}

Result<void> expand_variables(const Context& context, Node& node, const Variables& variables) {
  if (node.is_scalar()) {
    TR_TRY(std::string text, expanded(context, node, variables));
    // In a flow map a variable must stand in quotes, whatever its value is.
    if (text != node.text) node.quoted = false;
    node.text = std::move(text);
  }
  for (Node& item : node.items) TR_CHECK(expand_variables(context, item, variables));
  for (codec::yaml::Member& member : node.members) {
    TR_CHECK(expand_variables(context, member.value, variables));
  }
  return {};
}

Node node_of(const codec::json::Value& value) {
  Node node;
  if (const auto* object = value.if_object()) {
    node.kind = Kind::Map;
    for (const auto& item : *object) {
      codec::yaml::Member member;
      member.key = item.key();
      member.value = node_of(item.value());
      node.members.push_back(std::move(member));
    }
  } else if (const auto* array = value.if_array()) {
    node.kind = Kind::List;
    for (const auto& item : *array) node.items.push_back(node_of(item));
  } else if (const auto* text = value.if_string()) {
    node.kind = Kind::Scalar;
    node.quoted = true;
    node.text = codec::json::text_of(*text);
  } else if (!value.is_null()) {
    node.kind = Kind::Scalar;
    node.text = codec::json::to_text(value);
  }
  return node;
}

Result<MapReader> MapReader::open(const Context& context, const Node& node, std::string_view what,
                                  std::initializer_list<std::string_view> keys) {
  if (!node.is_map()) {
    return context.error(node.line, what,
                         "must be a map with the keys " + listed(keys) + ", not " +
                             std::string(codec::yaml::kind_text(node.kind)));
  }
  for (const codec::yaml::Member& member : node.members) {
    if (std::ranges::find(keys, member.key) != keys.end()) continue;
    return context.error(member.line, std::string(what) + "." + member.key,
                         "unknown key; valid: " + listed(keys));
  }
  return MapReader(context, node, what);
}

const Node* MapReader::node(std::string_view key) const noexcept {
  const Node* found = node_->find(key);
  return found == nullptr || found->is_null() ? nullptr : found;
}

std::unexpected<Error> MapReader::error(std::string_view key, std::string_view what) const {
  const Node* found = node_->find(key);
  return context_->error(found == nullptr ? node_->line : found->line,
                         std::string(what_) + "." + std::string(key), what);
}

Result<void> MapReader::required(std::string_view key) const {
  if (has(key)) return {};
  return error(key, "is missing");
}

Result<void> MapReader::forbidden(std::string_view key, std::string_view why) const {
  if (!has(key)) return {};
  return error(key, why);
}

Result<void> MapReader::text(std::string_view key, std::string& out) const {
  const Node* found = node(key);
  if (found == nullptr) return {};
  if (!found->is_scalar()) return error(key, "must be a text");
  out = found->text;
  return {};
}

Result<void> MapReader::texts(std::string_view key,
                              std::optional<std::vector<std::string>>& out) const {
  const Node* found = node_->find(key);
  if (found == nullptr) return {};
  out.emplace();  // a key without a value is an empty list, and that grants nothing
  if (found->is_null()) return {};
  if (!found->is_list()) return error(key, "must be a list of texts");
  for (const Node& item : found->items) {
    if (!item.is_scalar()) return error(key, "must be a list of texts");
    out->push_back(item.text);
  }
  return {};
}

Result<void> MapReader::integer(std::string_view key, std::int64_t low, std::int64_t high,
                                std::int64_t& out) const {
  const Node* found = node(key);
  if (found == nullptr) return {};
  const auto value = codec::yaml::integer(*found);
  if (!value || *value < low || *value > high) {
    return error(key,
                 "must be an integer from " + std::to_string(low) + " to " + std::to_string(high));
  }
  out = *value;
  return {};
}

Result<void> MapReader::choice(std::string_view key, std::initializer_list<std::string_view> valid,
                               std::string& out) const {
  TR_CHECK(text(key, out));
  if (std::ranges::find(valid, out) != valid.end()) return {};
  return error(key, "'" + out + "' is not valid; valid: " + listed(valid));
}

}  // namespace trellis::host
