// Reading maps of a manifest: every key is known or refused, every error names where and what.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trellis/base/error.h"
#include "trellis/codec/json.h"
#include "trellis/codec/yaml.h"
#include "trellis/host/manifest.h"

namespace trellis::host {

/// Where a node comes from. Views: outlived by what is read.
struct Context {
  std::string_view file;
  std::string_view folder;

  /// A path of the manifest: absolute as it is, else below the manifest's folder.
  std::string resolve(const std::string& path) const {
    return path.starts_with('/') ? path : std::string(folder) + path;
  }

  std::unexpected<Error> error(std::uint32_t line, std::string_view key,
                               std::string_view what) const;
};

/// Replaces `${NAME}` and `${NAME:default}` in all scalars below `node`.
Result<void> expand_variables(const Context& context, codec::yaml::Node& node,
                              const Variables& variables);

/// JSON as the same tree; lines are all 1.
codec::yaml::Node node_of(const codec::json::Value& value);

class MapReader {
 public:
  /// `what` names the map in messages; a key outside `keys` is an error that lists them.
  static Result<MapReader> open(const Context& context, const codec::yaml::Node& node,
                                std::string_view what,
                                std::initializer_list<std::string_view> keys);

  bool has(std::string_view key) const noexcept { return node(key) != nullptr; }

  /// nullptr when the key is absent or its value is empty.
  const codec::yaml::Node* node(std::string_view key) const noexcept;

  Result<void> required(std::string_view key) const;
  Result<void> forbidden(std::string_view key, std::string_view why) const;
  /// These leave `out` as it is when the key is absent.
  Result<void> text(std::string_view key, std::string& out) const;
  Result<void> texts(std::string_view key, std::optional<std::vector<std::string>>& out) const;
  Result<void> integer(std::string_view key, std::int64_t low, std::int64_t high,
                       std::int64_t& out) const;
  Result<void> choice(std::string_view key, std::initializer_list<std::string_view> valid,
                      std::string& out) const;

  std::unexpected<Error> error(std::string_view key, std::string_view what) const;

 private:
  MapReader(const Context& context, const codec::yaml::Node& node, std::string_view what) noexcept
      : context_(&context), node_(&node), what_(what) {}

  const Context* context_;
  const codec::yaml::Node* node_;
  std::string_view what_;
};

}  // namespace trellis::host
