#include "trellis/providers/http_server/routes.h"

#include <algorithm>
#include <array>

#include "trellis/base/text.h"
#include "trellis/net/http/syntax.h"

namespace trellis::providers::http_server {
namespace {

/// Hosts of requests are compared in a buffer of this size; a longer one matches no route.
constexpr std::size_t kMaxHostBytes = 255;

using HostBuffer = std::array<char, kMaxHostBytes>;

/// Lower case, without the port and without the dot at the end of an absolute name.
std::string_view normal_host(std::string_view host, HostBuffer& buffer) noexcept {
  const std::size_t bracket = host.rfind(']');
  const std::size_t colon = host.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  if (has_port) host = host.substr(0, colon);
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.size() > buffer.size()) return {};
  std::ranges::transform(host, buffer.begin(), http::to_lower);
  return {buffer.data(), host.size()};
}

/// Without slashes at the end: "/" becomes "".
std::string_view normal_path(std::string_view path) noexcept {
  while (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

std::unexpected<Error> bad_route(std::string_view path, std::string_view why) {
  return fail(Reason::ManifestInvalid, "the route " + escape_line(path) + ' ' + std::string(why));
}

Result<void> check_path(std::string_view path) {
  if (!path.starts_with('/')) return bad_route(path, "does not begin with a slash");
  const bool fits = http::is_visible(path) && path.find_first_of("?#") == std::string_view::npos;
  if (!fits) return bad_route(path, "holds a character that no request path has");
  return {};
}

/// The host as it is compared; empty for a route of every host.
Result<std::string_view> checked_host(std::string_view host, std::string_view path,
                                      HostBuffer& buffer) {
  if (host.empty()) return host;
  const std::string_view normal = normal_host(host, buffer);
  if (normal.empty() || !http::is_host(normal)) {
    return bad_route(path, "names the host " + escape_line(host) + ", which is none");
  }
  return normal;
}

}  // namespace

Result<std::string> route_key(std::string_view host, std::string_view path) {
  HostBuffer buffer;
  TR_TRY(const std::string_view normal, checked_host(host, path, buffer));
  TR_CHECK(check_path(path));
  return std::string(normal) + std::string(normal_path(path)) + "/";
}

Result<std::shared_ptr<const RouteTable>> RouteTable::create(std::vector<Route> routes) {
  std::shared_ptr<RouteTable> table(new RouteTable);
  table->routes_ = std::move(routes);
  for (const Route& route : table->routes_) TR_CHECK(table->add(route));
  return table;
}

Result<void> RouteTable::add(const Route& route) {
  HostBuffer buffer;
  TR_TRY(const std::string_view host, checked_host(route.host, route.path, buffer));
  TR_CHECK(check_path(route.path));
  Paths& paths = route.host.empty() ? any_host_ : by_host_[std::string(host)];
  const std::string_view key = normal_path(route.path);
  if (!paths.by_path.emplace(key, &route).second) {
    return bad_route(route.path, "is there twice for the same host");
  }
  const auto at = std::ranges::lower_bound(paths.lengths, key.size(), std::greater<>());
  if (at == paths.lengths.end() || *at != key.size()) paths.lengths.insert(at, key.size());
  return {};
}

const Route* RouteTable::Paths::find(std::string_view path) const noexcept {
  for (const std::size_t length : lengths) {
    if (length > path.size()) continue;
    if (length < path.size() && path[length] != '/') continue;
    const auto found = by_path.find(path.substr(0, length));
    if (found != by_path.end()) return found->second;
  }
  return nullptr;
}

const Route* RouteTable::find(std::string_view host, std::string_view path) const noexcept {
  if (!by_host_.empty()) {
    HostBuffer buffer;
    const auto named = by_host_.find(normal_host(host, buffer));
    if (named != by_host_.end()) {
      if (const Route* route = named->second.find(path)) return route;
    }
  }
  return any_host_.find(path);
}

}  // namespace trellis::providers::http_server
