// Which actor answers a request: host and longest path prefix.
//
// A route is a path and what is below it: `/a` answers `/a` and `/a/x`, not `/ab`. Paths are
// compared as received, undecoded. Routes that name the request's host go before those that name
// none. A table never changes: whoever routes holds it by shared_ptr and gets a new one.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "trellis/base/clock.h"
#include "trellis/base/error.h"
#include "trellis/core/grant.h"

namespace trellis::providers::http_server {

struct Route {
  std::string host = {};   // without a port; empty: every host
  std::string path = "/";  // "/", "/counter"
  /// The authority to call the actor, for the core that serves; nullptr: the actor was refused.
  std::shared_ptr<const core::Grant> grant = nullptr;
  /// Why the actor was refused; answered with 503.
  std::optional<Error> refusal = std::nullopt;
  /// The actor's call_ms.
  Duration call_limit = std::chrono::seconds(5);
};

/// What a table tells routes apart by: equal texts are the same route. Reason::ManifestInvalid for
/// a path or a host that no route can have.
Result<std::string> route_key(std::string_view host, std::string_view path);

class RouteTable {
 public:
  /// Reason::ManifestInvalid for a path without a leading slash or with a character that no
  /// request target has, and for two routes with the same host and path.
  static Result<std::shared_ptr<const RouteTable>> create(std::vector<Route> routes);

  RouteTable(const RouteTable&) = delete;
  RouteTable& operator=(const RouteTable&) = delete;

  /// `host`: as received, maybe with a port; `path`: without the query. nullptr: no route.
  const Route* find(std::string_view host, std::string_view path) const noexcept;

 private:
  struct TextHash {
    using is_transparent = void;

    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };

  template <class Value>
  using Map = std::unordered_map<std::string, Value, TextHash, std::equal_to<>>;

  /// The routes of one host.
  struct Paths {
    Map<const Route*> by_path;         // without a trailing slash: "" is the root
    std::vector<std::size_t> lengths;  // of the keys, longest first, each once

    const Route* find(std::string_view path) const noexcept;
  };

  RouteTable() = default;
  Result<void> add(const Route& route);

  std::vector<Route> routes_;
  Paths any_host_;
  Map<Paths> by_host_;
};

}  // namespace trellis::providers::http_server
