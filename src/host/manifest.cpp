#include "trellis/host/manifest.h"

#include <algorithm>
#include <cstdlib>
#include <set>
#include <span>
#include <tuple>
#include <utility>

#include "trellis/base/file.h"
#include "trellis/base/text.h"
#include "trellis/claims/verify.h"
#include "trellis/codec/yaml.h"
#include "trellis/host/manifest_reader.h"
#include "trellis/net/listen.h"
#include "trellis/providers/http_server/routes.h"

namespace trellis::host {
namespace {

using codec::yaml::Node;

constexpr std::size_t kMaxManifestBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxNameBytes = 63;
constexpr std::int64_t kMaxMilliseconds = 24LL * 3600 * 1000;

std::string joined(std::span<const std::string> names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out.empty() ? "none" : out;
}

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
}

/// An error of the whole: `key` at `line` of the manifest `file`, or of a request without lines.
std::unexpected<Error> wrong(std::string_view file, Line line, std::string_view key,
                             const std::string& what) {
  if (!file.empty() && line != 0) return Context{file, ""}.error(line, key, what);
  return fail(Reason::ManifestInvalid, std::string(key) + ": " + what);
}

std::string stem_of(const std::string& file) {
  const std::size_t slash = file.rfind('/');
  std::string stem = slash == std::string::npos ? file : file.substr(slash + 1);
  const std::size_t dot = stem.rfind('.');
  if (dot != std::string::npos && dot > 0) stem.resize(dot);
  return stem;
}

Result<void> read_name(MapReader& map, std::string_view key, std::string& out) {
  TR_CHECK(map.text(key, out));
  if (out.empty() && !map.has(key)) return {};
  if (is_name(out)) return {};
  return map.error(key, "must be 1 to 63 letters, digits, '-', '_' or '.'");
}

Result<void> read_milliseconds(MapReader& map, std::string_view key, Duration& out) {
  std::int64_t value = std::chrono::duration_cast<std::chrono::milliseconds>(out).count();
  TR_CHECK(map.integer(key, 1, kMaxMilliseconds, value));
  out = std::chrono::milliseconds(value);
  return {};
}

template <class T>
Result<void> read_count(MapReader& map, std::string_view key, std::int64_t low, std::int64_t high,
                        T& out) {
  auto value = static_cast<std::int64_t>(out);
  TR_CHECK(map.integer(key, low, high, value));
  out = static_cast<T>(value);
  return {};
}

Result<void> read_actor_limits(const Context& context, const Node& node,
                               actor::ActorLimits& limits) {
  TR_TRY(MapReader map, MapReader::open(context, node, "limits",
                                        {"call_ms", "start_ms", "warm_max_bytes", "max_instances",
                                         "max_waiting"}));
  TR_CHECK(read_milliseconds(map, "call_ms", limits.call));
  TR_CHECK(read_milliseconds(map, "start_ms", limits.start));
  TR_CHECK(read_count(map, "warm_max_bytes", 0, std::int64_t{1} << 40, limits.warm_max_bytes));
  TR_CHECK(read_count(map, "max_instances", 1, 100'000, limits.max_instances));
  TR_CHECK(read_count(map, "max_waiting", 0, 1'000'000, limits.max_waiting));
  return {};
}

Result<ActorSpec> read_actor(const Context& context, const Node& node) {
  TR_TRY(MapReader map,
         MapReader::open(context, node, "actor", {"name", "file", "limits", "instances"}));
  ActorSpec spec;
  spec.line = node.line;
  TR_CHECK(map.required("file"));
  TR_CHECK(map.text("file", spec.file));
  if (spec.file.empty()) return map.error("file", "must name a signed module");
  spec.file = context.resolve(spec.file);
  TR_CHECK(read_name(map, "name", spec.name));
  if (spec.name.empty()) spec.name = stem_of(spec.file);
  if (!is_name(spec.name)) {
    return map.error("file",
                     "gives the actor a name with other characters than letters, digits, "
                     "'-', '_' and '.': add a `name`");
  }
  std::string mode = "warm";
  TR_CHECK(map.choice("instances", {"warm", "fresh", "pinned"}, mode));
  if (mode == "fresh") spec.mode = actor::InstanceMode::Fresh;
  if (mode == "pinned") spec.mode = actor::InstanceMode::Pinned;
  if (const Node* limits = map.node("limits")) {
    TR_CHECK(read_actor_limits(context, *limits, spec.limits));
  }
  return spec;
}

Result<void> read_http_limits(const Context& context, const Node& node,
                              http::ServerLimits& limits) {
  TR_TRY(MapReader map,
         MapReader::open(context, node, "limits",
                         {"max_connections", "max_header_bytes", "max_body_bytes",
                          "header_timeout_ms", "body_timeout_ms", "idle_timeout_ms"}));
  TR_CHECK(read_count(map, "max_connections", 1, 1'000'000, limits.max_connections));
  TR_CHECK(read_count(map, "max_header_bytes", 256, 1 << 20, limits.max_header_bytes));
  TR_CHECK(read_count(map, "max_body_bytes", 0, 8 << 20, limits.max_body_bytes));
  TR_CHECK(read_milliseconds(map, "header_timeout_ms", limits.header_timeout));
  TR_CHECK(read_milliseconds(map, "body_timeout_ms", limits.body_timeout));
  TR_CHECK(read_milliseconds(map, "idle_timeout_ms", limits.idle_timeout));
  return {};
}

Result<ProviderSpec> read_provider(const Context& context, const Node& node) {
  TR_TRY(MapReader map, MapReader::open(context, node, "provider",
                                        {"name", "contract", "listen", "limits", "file"}));
  ProviderSpec spec;
  spec.line = node.line;
  TR_CHECK(map.required("name"));
  TR_CHECK(map.required("contract"));
  TR_CHECK(read_name(map, "name", spec.name));
  std::string contract;
  TR_CHECK(map.text("contract", contract));
  spec.contract = provider::find_contract(contract);
  if (spec.contract == nullptr) {
    return map.error("contract", "'" + contract + "' is not a contract of this host; valid: " +
                                     provider::contract_names());
  }
  const bool http = spec.contract->name == "http_server";
  if (http) TR_CHECK(map.required("listen"));
  if (!http) TR_CHECK(map.forbidden("listen", "only an http_server listens"));
  if (!http) TR_CHECK(map.forbidden("limits", "only an http_server has limits"));
  if (spec.contract->name != "keyvalue") {
    TR_CHECK(map.forbidden("file", "only a keyvalue provider has a file"));
  }
  TR_CHECK(map.text("listen", spec.listen));
  if (auto fits = net::check_tcp_address(spec.listen); http && !fits) {
    return map.error("listen", fits.error().message());
  }
  if (const Node* limits = map.node("limits")) {
    TR_CHECK(read_http_limits(context, *limits, spec.limits));
  }
  if (map.has("file")) {
    std::string file;
    TR_CHECK(map.text("file", file));
    if (file.empty()) return map.error("file", "must name the SQLite file, or be left out");
    spec.file = context.resolve(file);
  }
  return spec;
}

Result<RouteSpec> read_route(const Context& context, const Node& node) {
  TR_TRY(MapReader map, MapReader::open(context, node, "route", {"path", "host"}));
  RouteSpec route;
  route.line = node.line;
  TR_CHECK(map.required("path"));
  TR_CHECK(map.text("path", route.path));
  TR_CHECK(map.text("host", route.host));
  if (auto key = providers::http_server::route_key("", route.path); !key) {
    return map.error("path", "must start with '/' and have no space, '?' or '#'");
  }
  if (auto key = providers::http_server::route_key(route.host, route.path); !key) {
    return map.error("host", "must be a host name or address, without a port");
  }
  std::ranges::transform(route.host, route.host.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return route;
}

Result<router::Allow> read_allow(const Context& context, const Node& node) {
  TR_TRY(MapReader map, MapReader::open(context, node, "allow", {"operations", "keys"}));
  router::Allow allow;
  TR_CHECK(map.texts("operations", allow.operations));
  TR_CHECK(map.texts("keys", allow.resources));
  return allow;
}

Result<LinkSpec> read_link(const Context& context, const Node& node,
                           const std::optional<std::string>& default_actor) {
  TR_TRY(MapReader map,
         MapReader::open(context, node, "link",
                         {"actor", "provider", "binding", "store", "allow", "routes"}));
  LinkSpec link;
  link.line = node.line;
  if (default_actor) link.actor = *default_actor;
  if (!default_actor) TR_CHECK(map.required("actor"));
  TR_CHECK(map.required("provider"));
  TR_CHECK(map.text("actor", link.actor));
  TR_CHECK(map.text("provider", link.provider));
  TR_CHECK(read_name(map, "binding", link.binding));
  if (map.has("store")) {
    link.store.emplace();
    TR_CHECK(read_name(map, "store", *link.store));
  }
  if (const Node* allow = map.node("allow")) {
    TR_TRY(link.allow, read_allow(context, *allow));
  }
  if (const Node* routes = map.node("routes")) {
    if (!routes->is_list()) return map.error("routes", "must be a list of routes");
    for (const Node& item : routes->items) {
      TR_TRY(RouteSpec route, read_route(context, item));
      link.routes.push_back(std::move(route));
    }
  }
  return link;
}

template <class T, class Read>
Result<void> read_list(const MapReader& map, std::string_view key, std::vector<T>& out, Read read) {
  const Node* list = map.node(key);
  if (list == nullptr) return {};
  if (!list->is_list()) return map.error(key, "must be a list");
  for (const Node& item : list->items) {
    TR_TRY(T value, read(item));
    out.push_back(std::move(value));
  }
  return {};
}

Result<void> check_unique_names(const Context& context, const Manifest& manifest) {
  std::set<std::string> seen;
  for (const ActorSpec& spec : manifest.actors) {
    if (seen.insert(spec.name).second) continue;
    return wrong(context.file, spec.line, "actor.name",
                 "two actors have the name " + spec.name + ": give one of them another `name`");
  }
  seen.clear();
  std::set<std::string> listening;
  for (const ProviderSpec& spec : manifest.providers) {
    if (!seen.insert(spec.name).second) {
      return wrong(context.file, spec.line, "provider.name",
                   "two providers have the name " + spec.name);
    }
    if (!spec.listen.empty() && !spec.listen.ends_with(":0") &&
        !listening.insert(spec.listen).second) {
      return wrong(context.file, spec.line, "provider.listen",
                   "two providers listen on " + spec.listen);
    }
  }
  return {};
}

/// `trust: { accounts: [...] }`, each a public key of an account.
Result<void> read_trust(const Context& context, const Node& node, Manifest& manifest) {
  TR_TRY(MapReader map, MapReader::open(context, node, "trust", {"accounts"}));
  std::optional<std::vector<std::string>> accounts;
  TR_CHECK(map.texts("accounts", accounts));
  if (!accounts) return {};
  claims::TrustList trust;
  for (std::size_t i = 0; i < accounts->size(); ++i) {
    if (auto added = trust.add((*accounts)[i]); !added) {
      return context.error(map.node("accounts")->items[i].line, "trust.accounts",
                           "'" + (*accounts)[i] + "': " + added.error().message());
    }
  }
  manifest.trusted_accounts = *std::move(accounts);
  return {};
}

Result<Manifest> read_root(const Context& context, const Node& root) {
  TR_TRY(MapReader map,
         MapReader::open(context, root, "manifest", {"trust", "actors", "providers", "links"}));
  Manifest manifest;
  manifest.folder = context.folder;
  if (const Node* trust = map.node("trust")) {
    TR_CHECK(read_trust(context, *trust, manifest));
  }
  TR_CHECK(read_list(map, "actors", manifest.actors,
                     [&](const Node& item) { return read_actor(context, item); }));
  TR_CHECK(read_list(map, "providers", manifest.providers,
                     [&](const Node& item) { return read_provider(context, item); }));
  TR_CHECK(read_list(map, "links", manifest.links,
                     [&](const Node& item) { return read_link(context, item, std::nullopt); }));
  TR_CHECK(check_unique_names(context, manifest));
  std::vector<std::string> names;
  names.reserve(manifest.actors.size());
  for (const ActorSpec& spec : manifest.actors) names.push_back(spec.name);
  TR_CHECK(check_links(manifest.links, names, manifest.providers, context.file));
  return manifest;
}

std::string no_operation(const provider::Contract& contract, const std::string& name) {
  std::string valid;
  for (const provider::Operation& known : contract.operations) {
    valid.append(valid.empty() ? "" : ", ").append(known.name);
  }
  return "'" + name + "' is not an operation of " + std::string(contract.name) +
         "; valid: " + valid;
}

/// What of the actor's or the provider's operations a link may name.
Result<void> check_allow(const LinkSpec& link, const provider::Contract& contract,
                         std::string_view file) {
  if (!link.allow) return {};
  if (link.allow->resources && contract.name != "keyvalue") {
    return wrong(file, link.line, "allow.keys", "belongs to a keyvalue");
  }
  for (const std::string& operation : link.allow->operations.value_or(std::vector<std::string>())) {
    if (contract.find_operation(operation) != nullptr) continue;
    return wrong(file, link.line, "allow.operations", no_operation(contract, operation));
  }
  return {};
}

Result<void> check_link_of(const LinkSpec& link, const ProviderSpec& spec, std::string_view file) {
  const bool http = spec.contract->name == "http_server";
  if (http && link.routes.empty()) {
    return wrong(file, link.line, "link.routes", "must name at least one path");
  }
  if (!http && !link.routes.empty()) {
    return wrong(file, link.line, "link.routes", "belong to an http_server, not to " + spec.name);
  }
  if (spec.contract->name != "keyvalue" && link.store) {
    return wrong(file, link.line, "link.store", "belongs to a keyvalue, not to " + spec.name);
  }
  return check_allow(link, *spec.contract, file);
}

using Seen = std::set<std::tuple<std::string, std::string, std::string>>;

Result<void> check_uniqueness(const LinkSpec& link, const ProviderSpec& spec, std::string_view file,
                              Seen& seen) {
  const std::string contract(spec.contract->name);
  if (contract != "http_server" && !seen.emplace(link.actor, contract, link.binding).second) {
    return wrong(file, link.line, "link.binding",
                 "actor " + link.actor + " has two links to a " + contract +
                     " under the binding '" + link.binding +
                     "': give one of them another `binding`");
  }
  for (const RouteSpec& route : link.routes) {
    TR_TRY(const std::string key, providers::http_server::route_key(route.host, route.path));
    if (seen.emplace("route", link.provider, key).second) continue;
    return wrong(file, route.line, "route.path",
                 route.host + route.path + " of " + link.provider + " is taken by another link");
  }
  return {};
}

}  // namespace

Result<void> check_links(const std::vector<LinkSpec>& links,
                         const std::vector<std::string>& known_actors,
                         const std::vector<ProviderSpec>& providers, std::string_view file) {
  std::vector<std::string> provider_names;
  provider_names.reserve(providers.size());
  for (const ProviderSpec& spec : providers) provider_names.push_back(spec.name);
  Seen seen;
  for (const LinkSpec& link : links) {
    if (std::ranges::find(known_actors, link.actor) == known_actors.end()) {
      return wrong(file, link.line, "link.actor",
                   "there is no actor '" + link.actor + "'; valid: " + joined(known_actors));
    }
    const auto spec = std::ranges::find(providers, link.provider, &ProviderSpec::name);
    if (spec == providers.end()) {
      return wrong(
          file, link.line, "link.provider",
          "there is no provider '" + link.provider + "'; valid: " + joined(provider_names));
    }
    TR_CHECK(check_link_of(link, *spec, file));
    TR_CHECK(check_uniqueness(link, *spec, file, seen));
  }
  return {};
}

Result<Manifest> parse_manifest(std::string_view text, const std::string& file,
                                const std::string& folder, const Variables& variables) {
  auto root = codec::yaml::parse(text);
  if (!root) {
    return fail(Reason::ManifestInvalid,
                file + ":" + std::to_string(root.error().line) + ": " + root.error().message);
  }
  const Context context{file, folder};
  TR_CHECK(expand_variables(context, *root, variables));
  return read_root(context, *root);
}

Result<Manifest> read_manifest(const std::string& path) {
  auto content = read_file(path, kMaxManifestBytes);
  if (!content) {
    return fail(Reason::ManifestUnreadable, std::string(content.error().message()));
  }
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "" : path.substr(0, slash + 1);
  return parse_manifest(as_text(*content), path, folder, process_variables());
}

Variables process_variables() {
  return [](std::string_view name) -> std::optional<std::string> {
    const char* value =
        std::getenv(std::string(name).c_str());  // NOLINT(concurrency-mt-unsafe): start-up only
    if (value == nullptr) return std::nullopt;
    return value;
  };
}

Manifest manifest_of_file(const std::string& file) {
  Manifest manifest;
  ActorSpec spec;
  spec.file = file;
  spec.name = stem_of(file);
  if (!is_name(spec.name)) spec.name = "actor";
  ProviderSpec web;
  web.name = "web";
  web.contract = provider::find_contract("http_server");
  web.listen = "127.0.0.1:0";
  LinkSpec link;
  link.actor = spec.name;
  link.provider = web.name;
  link.routes = {{.path = "/", .host = ""}};
  manifest.actors.push_back(std::move(spec));
  manifest.providers.push_back(std::move(web));
  manifest.links.push_back(std::move(link));
  return manifest;
}

Result<ActorRequest> parse_actor_request(const codec::json::Value& body, std::string_view folder) {
  const Node root = node_of(body);
  const Context context{"request", folder};
  TR_TRY(MapReader map, MapReader::open(context, root, "request", {"actor", "links"}));
  TR_CHECK(map.required("actor"));
  ActorRequest request;
  TR_TRY(request.actor, read_actor(context, *map.node("actor")));
  const std::string name = request.actor.name;
  TR_CHECK(read_list(map, "links", request.links,
                     [&](const Node& item) { return read_link(context, item, name); }));
  for (const LinkSpec& link : request.links) {
    if (link.actor != name) {
      return fail(Reason::ManifestInvalid, "link " + link.name() +
                                               " belongs to another actor than " + name +
                                               ", the one that is started");
    }
  }
  return request;
}

}  // namespace trellis::host
