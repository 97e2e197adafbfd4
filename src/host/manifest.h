// The manifest: which actors run, which providers serve, who may use what. One schema for the YAML
// file of `trellis up` and for the JSON of the control socket; unknown keys are errors, and every
// error names file, line, key and the valid choices.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trellis/actor/version.h"
#include "trellis/base/error.h"
#include "trellis/codec/json.h"
#include "trellis/net/http/limits.h"
#include "trellis/provider/contract.h"
#include "trellis/router/grant_issuer.h"

namespace trellis::host {

/// A line of 0: from elsewhere than a manifest.
using Line = std::uint32_t;

struct ActorSpec {
  Line line = 0;
  std::string name;  // default: the file's stem
  std::string file;  // absolute, or relative to the working directory
  actor::InstanceMode mode = actor::InstanceMode::Warm;
  actor::ActorLimits limits;
};

struct ProviderSpec {
  Line line = 0;
  std::string name;
  const provider::Contract* contract = nullptr;
  std::string listen;               // http_server: "ADDRESS:PORT"
  http::ServerLimits limits;        // http_server
  std::optional<std::string> file;  // keyvalue: SQLite; absent: in memory
};

struct RouteSpec {
  Line line = 0;
  std::string path;  // starts with '/'
  std::string host;  // empty: any
};

struct LinkSpec {
  Line line = 0;
  std::string actor;
  std::string provider;
  std::string binding = "default";
  std::optional<std::string> store;  // keyvalue: a named key space instead of the actor's own
  std::optional<router::Allow> allow;
  std::vector<RouteSpec> routes;  // http_server

  /// "counter -> store": for logs.
  std::string name() const { return actor + " -> " + provider; }
};

struct Manifest {
  std::string folder;  // that relative paths are relative to, ends with '/'; empty: the working one
  std::vector<std::string> trusted_accounts;
  std::vector<ActorSpec> actors;
  std::vector<ProviderSpec> providers;
  std::vector<LinkSpec> links;
};

/// Reads an environment variable: nullopt when it is not set.
using Variables = std::function<std::optional<std::string>(std::string_view name)>;

/// The variables of this process. Reads the environment: only while no thread changes it.
Variables process_variables();

/// `file` is for messages; relative paths in the text become relative to `folder`.
/// manifest.invalid.
Result<Manifest> parse_manifest(std::string_view text, const std::string& file,
                                const std::string& folder, const Variables& variables);

/// Reads and parses; manifest.unreadable or manifest.invalid.
Result<Manifest> read_manifest(const std::string& path);

/// What `trellis up FILE.wasm` runs: one listener on a free loopback port, all paths.
Manifest manifest_of_file(const std::string& file);

/// The body of POST /v1/actors: `{"actor": {...}, "links": [...]}`, without variables; relative
/// paths are relative to `folder`.
struct ActorRequest {
  ActorSpec actor;
  std::vector<LinkSpec> links;
};

Result<ActorRequest> parse_actor_request(const codec::json::Value& body, std::string_view folder);

/// Checks links against the actors and providers that there are: names, bindings, routes,
/// operations. `known_actors` and `providers` hold all of them, old and new. `file`: the manifest
/// that messages name with the line; empty: there is none.
Result<void> check_links(const std::vector<LinkSpec>& links,
                         const std::vector<std::string>& known_actors,
                         const std::vector<ProviderSpec>& providers, std::string_view file);

}  // namespace trellis::host
