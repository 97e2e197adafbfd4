#include "trellis/codec/yaml.h"

#include <algorithm>
#include <charconv>
#include <exception>
#include <sstream>
#include <unordered_set>
#include <utility>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "trellis/base/text.h"

namespace trellis::codec::yaml {
namespace {

std::uint32_t one_based(int number) noexcept {
  return number < 0 ? 1U : static_cast<std::uint32_t>(number) + 1U;
}

bool is_null_text(std::string_view text) noexcept {
  return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

/// Builds the tree from the parser's events. After the first error it only waits for the end.
class TreeBuilder final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    line_ = one_based(mark.line);
    column_ = one_based(mark.column);
  }

  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (refused(mark, "", anchor)) return;
    add(make(Kind::Null, mark), mark);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    refuse(mark, "aliases are not supported; write the value again");
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    if (refused(mark, tag, anchor)) return;
    const bool plain = tag.empty() || tag == "?";
    if (plain && is_null_text(value) && !expects_key()) return add(make(Kind::Null, mark), mark);
    Node node = make(Kind::Scalar, mark);
    node.quoted = !plain;
    node.text = value;
    add(std::move(node), mark);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Kind::List, mark, tag, anchor);
  }

  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Kind::Map, mark, tag, anchor);
  }

  void OnMapEnd() override { close(); }

  const std::optional<ParseError>& error() const noexcept { return error_; }

  /// An error at the start of the document.
  ParseError at_start(std::string message) const { return {line_, column_, std::move(message)}; }

  Node take() { return std::move(root_); }

 private:
  /// A collection that is still open, with what its next child needs.
  struct Open {
    Node node;
    std::unordered_set<std::string> keys;
    std::optional<Member> pending;  // a key that waits for its value
  };

  static Node make(Kind kind, const YAML::Mark& mark) {
    Node node;
    node.kind = kind;
    node.line = one_based(mark.line);
    node.column = one_based(mark.column);
    return node;
  }

  void refuse(const YAML::Mark& mark, std::string message) {
    if (!error_) error_ = {one_based(mark.line), one_based(mark.column), std::move(message)};
  }

  bool refused(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (error_) return true;
    if (anchor != 0) refuse(mark, "anchors are not supported; write the value again");
    const bool known = tag.empty() || tag == "?" || tag == "!" || tag == "tag:yaml.org,2002:str";
    if (!known) refuse(mark, "tags are not supported");
    return error_.has_value();
  }

  bool expects_key() const noexcept {
    return !open_.empty() && open_.back().node.is_map() && !open_.back().pending;
  }

  void open(Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (refused(mark, tag, anchor)) return;
    if (expects_key()) return refuse(mark, "a key must be a text");
    if (open_.size() == kMaxDepth)
      return refuse(mark, "nested deeper than " + std::to_string(kMaxDepth) + " levels");
    open_.push_back({make(kind, mark), {}, std::nullopt});
  }

  void close() {
    if (error_ || open_.empty()) return;
    Node node = std::move(open_.back().node);
    open_.pop_back();
    attach(std::move(node));
  }

  void add(Node node, const YAML::Mark& mark) {
    if (!expects_key()) return attach(std::move(node));
    if (!node.is_scalar() || node.text.empty()) return refuse(mark, "a key must be a text");
    if (!open_.back().keys.insert(node.text).second)
      return refuse(mark, "the key " + node.text + " stands twice");
    open_.back().pending = Member{std::move(node.text), node.line, node.column, {}};
  }

  void attach(Node node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.is_list()) {
      parent.node.items.push_back(std::move(node));
      return;
    }
    parent.pending->value = std::move(node);
    parent.node.members.push_back(*std::move(parent.pending));
    parent.pending.reset();
  }

  std::vector<Open> open_;
  Node root_;
  std::optional<ParseError> error_;
  std::uint32_t line_ = 1;  // of the document's start
  std::uint32_t column_ = 1;
};

std::optional<ParseError> run_parser(std::string_view text, TreeBuilder& builder) {
  // The parser takes the end of the file for the closing quote of a scalar; a document end does
  // not get past it.
  std::string closed(text);
  if (!closed.empty() && closed.back() != '\n') closed.push_back('\n');
  closed += "...\n";
  std::istringstream stream{closed};
  YAML::Parser parser(stream);
  if (!parser.HandleNextDocument(builder) || builder.error()) return std::nullopt;
  TreeBuilder second;
  if (!parser.HandleNextDocument(second)) return std::nullopt;
  return second.at_start("a second document starts here; a file holds one");
}

}  // namespace

const Node* Node::find(std::string_view key) const noexcept {
  const auto at = std::ranges::find(members, key, &Member::key);
  return at == members.end() ? nullptr : &at->value;
}

std::optional<std::int64_t> integer(const Node& node) noexcept {
  if (!node.is_scalar() || node.quoted) return std::nullopt;
  std::int64_t value = 0;
  const char* end = node.text.data() + node.text.size();
  const auto [at, code] = std::from_chars(node.text.data(), end, value);
  if (code != std::errc{} || at != end) return std::nullopt;
  return value;
}

std::optional<bool> boolean(const Node& node) noexcept {
  if (!node.is_scalar() || node.quoted) return std::nullopt;
  const std::string& text = node.text;
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  return std::nullopt;
}

std::string_view kind_text(Kind kind) noexcept {
  switch (kind) {
    case Kind::Null: return "nothing";
    case Kind::Scalar: return "a scalar";
    case Kind::List: return "a list";
    case Kind::Map: return "a map";
  }
  return "nothing";
}

std::expected<Node, ParseError> parse(std::string_view text, std::size_t max_bytes) {
  if (text.size() > max_bytes)
    return std::unexpected(ParseError{1, 1, "larger than " + std::to_string(max_bytes) + " bytes"});
  if (!is_utf8(text)) return std::unexpected(ParseError{1, 1, "not UTF-8"});
  TreeBuilder builder;
  std::optional<ParseError> error;
  try {
    error = run_parser(text, builder);
  } catch (const YAML::Exception& e) {
    error = {one_based(e.mark.line), one_based(e.mark.column), e.msg};
  } catch (const std::exception& e) {
    error = {1, 1, e.what()};
  }
  // What the builder refused comes first in the file: the parser failed later, if at all.
  if (builder.error()) return std::unexpected(*builder.error());
  if (error) return std::unexpected(*std::move(error));
  return builder.take();
}

}  // namespace trellis::codec::yaml
