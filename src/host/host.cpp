#include "trellis/host/host.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <map>
#include <optional>
#include <thread>
#include <utility>

#include "trellis/base/file.h"
#include "trellis/base/log.h"
#include "trellis/crypto/nkeys.h"
#include "trellis/engine/system_limits.h"
#include "trellis/host/on_core.h"
#include "trellis/providers/extras/extras.h"
#include "trellis/providers/keyvalue/keyvalue.h"
#include "trellis/providers/logging/logging.h"

namespace trellis::host {
namespace {

namespace http_server = providers::http_server;

constexpr unsigned kControlThreads = 4;
constexpr unsigned kOffloadThreads = 4;
constexpr std::size_t kMaxQueuedControl = 64;
constexpr std::size_t kMaxQueuedOffload = 4096;
/// What a running call may still take when its actor is stopped through the control socket.
constexpr std::chrono::seconds kStopGrace{5};

Result<std::unique_ptr<provider::Provider>> make_provider(const ProviderSpec& spec,
                                                          async::OffloadPool& offload) {
  if (spec.contract->name == "keyvalue") {
    return providers::keyvalue::create({.name = spec.name, .file = spec.file, .limits = {}},
                                       offload);
  }
  if (spec.contract->name == "logging") return providers::logging::create(spec.name);
  if (spec.contract->name == "extras") return providers::extras::create(spec.name);
  return fail(Reason::ManifestInvalid,
              "this host has no provider for " + std::string(spec.contract->name));
}

std::string url_of(const http_server::HttpServer& server, const RouteSpec& route) {
  std::string address = server.address();
  if (address.starts_with("0.0.0.0:")) address.replace(0, 7, "127.0.0.1");
  if (address.starts_with("[::]:")) address.replace(0, 4, "[::1]");
  if (!route.host.empty()) address = route.host + ":" + std::to_string(server.port());
  return "http://" + address + route.path;
}

/// What the server serves on core `index`, one route for each path that a link gives it.
std::vector<http_server::Route> routes_to(const Actors& actors, const provider::Provider* server,
                                          std::size_t index) {
  std::vector<http_server::Route> routes;
  for (const auto& entry : actors.all()) {
    for (const ResolvedLink& link : entry->links) {
      if (link.provider != server) continue;
      for (const RouteSpec& spec : link.spec.routes) {
        http_server::Route route{.host = spec.host, .path = spec.path};
        route.refusal = entry->refusal;
        route.call_limit = entry->spec.limits.call;
        if (entry->running()) {
          route.grant = Actors::transport_grant(*entry, index, "http_server", link.spec.name(),
                                                link.spec.allow);
        }
        routes.push_back(std::move(route));
      }
    }
  }
  return routes;
}

std::unexpected<Error> refused(const ActorSpec& spec, Error error) {
  return std::unexpected(
      std::move(error).context("actor " + spec.name + " (" + spec.file + ") is refused"));
}

/// The first module file that is missing, else the first refusal when nothing may be refused.
Result<void> refuse_or_go_on(const HostOptions& options,
                             std::vector<Result<LoadedModule>>& loaded) {
  const std::vector<ActorSpec>& specs = options.manifest.actors;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    if (!loaded[i] && loaded[i].error().reason() == Reason::ModuleUnreadable) {
      return refused(specs[i], std::move(loaded[i]).error());
    }
  }
  if (options.keep_going) return {};
  for (std::size_t i = 0; i < specs.size(); ++i) {
    if (!loaded[i]) return refused(specs[i], std::move(loaded[i]).error());
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Host>> Host::create(HostOptions options) {
  const engine::SystemLimits system = engine::read_system_limits();
  for (const engine::Verdict& verdict : engine::verdicts(system)) {
    if (verdict.good) {
      log::debug(verdict.text);
    } else {
      log::warn(verdict.text);
    }
  }
  TR_CHECK(make_directories(data_directory()));
  TR_TRY(auto audit, telemetry::open_audit_file(data_directory() + "/audit.jsonl"));
  TR_TRY(auto loader, ModuleLoader::create(system, system.cores, options.manifest.actors.size()));
  std::unique_ptr<Host> host(new Host(std::move(options), std::move(loader), std::move(audit)));
  TR_CHECK(host->open_providers());
  host->cores_.start([](async::Core&) { engine::prepare_thread(); });
  TR_CHECK(host->start_actors());
  TR_CHECK(host->start_listeners());
  return host;
}

Host::Host(HostOptions options, std::unique_ptr<ModuleLoader> loader,
           std::unique_ptr<telemetry::AuditSink> audit)
    : options_(std::move(options)),
      id_(crypto::KeyPair::generate(crypto::KeyKind::Server).public_text()),
      loader_(std::move(loader)),
      audit_(std::move(audit)),
      control_pool_(std::make_unique<async::OffloadPool>(kControlThreads, kMaxQueuedControl)),
      offload_(kOffloadThreads, kMaxQueuedOffload),
      actors_(std::make_unique<Actors>(cores_, *audit_)) {}

Host::~Host() {
  stop_listening(Duration(0));
  stop();
}

Result<void> Host::open_providers() {
  std::vector<async::Core*> cores;
  cores.reserve(cores_.size());
  for (std::size_t i = 0; i < cores_.size(); ++i) cores.push_back(&cores_[i]);
  for (const ProviderSpec& spec : options_.manifest.providers) {
    if (spec.contract->name == "http_server") {
      TR_TRY(auto server, http_server::HttpServer::create(
                              {.name = spec.name, .address = spec.listen, .limits = spec.limits},
                              cores, actors_->router()));
      http_.push_back({spec, std::move(server)});
      continue;
    }
    TR_TRY(auto provider, make_provider(spec, offload_));
    TR_CHECK(provider->start());
    providers_.push_back(std::move(provider));
  }
  return {};
}

Result<std::vector<ResolvedLink>> Host::resolve(const std::vector<LinkSpec>& links,
                                                const ActorSpec& spec) {
  std::vector<ResolvedLink> resolved;
  for (const LinkSpec& link : links) {
    if (link.actor != spec.name) continue;
    ResolvedLink found{link, nullptr};
    for (const auto& provider : providers_) {
      if (provider->name() == link.provider) found.provider = provider.get();
    }
    for (const HttpSite& site : http_) {
      if (site.spec.name == link.provider) found.provider = site.server.get();
    }
    if (found.provider == nullptr) {
      return fail(Reason::ManifestInvalid,
                  "link " + link.name() + ": there is no provider '" + link.provider + "'");
    }
    resolved.push_back(std::move(found));
  }
  return resolved;
}

/// Modules compile in parallel, as many at once as there are cores.
std::vector<Result<LoadedModule>> Host::load_all(const std::vector<ActorSpec>& specs) {
  std::vector<std::optional<Result<LoadedModule>>> loaded(specs.size());
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < specs.size(); i = next++) {
      loaded[i].emplace(loader_->load(specs[i].file, options_.trust));
    }
  };
  std::vector<std::thread> helpers;
  const std::size_t count = std::min(cores_.size(), specs.size());
  for (std::size_t i = 1; i < count; ++i) helpers.emplace_back(work);
  work();
  for (std::thread& helper : helpers) helper.join();
  std::vector<Result<LoadedModule>> out;
  out.reserve(loaded.size());
  for (auto& result : loaded) out.push_back(*std::move(result));
  return out;
}

/// Refuses what cannot run whatever its start functions do: a subject that is taken, a link to a
/// contract that the token does not claim.
Result<void> Host::check_loaded(const std::vector<std::vector<ResolvedLink>>& links,
                                std::vector<Result<LoadedModule>>& loaded) {
  const std::vector<ActorSpec>& specs = options_.manifest.actors;
  std::map<std::string, std::string> name_of_subject;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    if (!loaded[i]) continue;
    const std::string& subject = loaded[i]->verified.subject();
    auto checked = actors_->check(specs[i], links[i], *loaded[i]);
    if (const auto other = name_of_subject.find(subject);
        checked && other != name_of_subject.end()) {
      checked = fail(Reason::ActorDuplicate, "actor " + specs[i].name + " has the subject " +
                                                 subject + " of actor " + other->second +
                                                 "; sign one of them with another subject");
    }
    if (checked) {
      name_of_subject.emplace(subject, specs[i].name);
    } else {
      loaded[i] = std::unexpected(std::move(checked).error());
    }
  }
  return refuse_or_go_on(options_, loaded);
}

Result<void> Host::start_actors() {
  const std::vector<ActorSpec>& specs = options_.manifest.actors;
  auto loaded = load_all(specs);
  std::vector<std::string> subjects;
  std::vector<std::vector<ResolvedLink>> links;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    subjects.push_back(loaded[i] ? loaded[i]->verified.subject() : std::string());
    TR_TRY(auto resolved, resolve(options_.manifest.links, specs[i]));
    links.push_back(std::move(resolved));
  }
  // Every module is judged before the first actor starts.
  TR_CHECK(refuse_or_go_on(options_, loaded));
  TR_CHECK(check_loaded(links, loaded));
  for (std::size_t i = 0; i < specs.size(); ++i) {
    Result<ActorEntry*> started =
        loaded[i] ? actors_->start(specs[i], links[i], *loaded[i], urls_of(links[i]))
                  : std::unexpected(loaded[i].error());
    if (started) continue;
    if (!options_.keep_going) return refused(specs[i], std::move(started).error());
    actors_->add_refused(specs[i], std::move(links[i]), std::move(subjects[i]),
                         std::move(started).error());
  }
  return {};
}

std::vector<std::string> Host::urls_of(const std::vector<ResolvedLink>& links) const {
  std::vector<std::string> urls;
  for (const ResolvedLink& link : links) {
    for (const HttpSite& site : http_) {
      if (site.server.get() != link.provider) continue;
      for (const RouteSpec& route : link.spec.routes) urls.push_back(url_of(*site.server, route));
    }
  }
  return urls;
}

Result<void> Host::publish_routes() {
  for (const HttpSite& site : http_) {
    for (std::size_t index = 0; index < cores_.size(); ++index) {
      TR_TRY(auto table,
             http_server::RouteTable::create(routes_to(*actors_, site.server.get(), index)));
      on_core(cores_[index], [&] { site.server->site(cores_[index]).set_routes(table); });
    }
  }
  return {};
}

Result<void> Host::start_listeners() {
  TR_CHECK(publish_routes());
  for (HttpSite& site : http_) {
    TR_CHECK(site.server->start());
    site.serving = true;
  }
  return {};
}

codec::json::Array Host::listeners() const {
  codec::json::Array all;
  for (const HttpSite& site : http_) {
    const std::string& address = site.server->address();
    codec::json::Object one;
    one["provider"] = site.spec.name;
    std::string host = address.substr(0, address.rfind(':'));
    if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
    one["address"] = host;
    one["port"] = site.server->port();
    all.emplace_back(std::move(one));
  }
  return all;
}

Result<codec::json::Object> Host::start_actor(ActorRequest request) {
  // Reading and compiling takes long and changes nothing: not under the lock.
  TR_TRY(auto module, loader_->load(request.actor.file, options_.trust));
  const std::lock_guard lock(change_);
  if (stopping_) return fail(Reason::ActorStopped, "the host is stopping");
  std::vector<LinkSpec> links;
  std::vector<std::string> names{request.actor.name};
  for (const auto& entry : actors_->all()) {
    if (entry->spec.name == request.actor.name) {
      return fail(Reason::ActorDuplicate, "there is an actor with the name " + request.actor.name +
                                              " already; stop it first or choose another `name`");
    }
    names.push_back(entry->spec.name);
    for (const ResolvedLink& link : entry->links) links.push_back(link.spec);
  }
  links.insert(links.end(), request.links.begin(), request.links.end());
  TR_CHECK(check_links(links, names, options_.manifest.providers, ""));
  TR_TRY(auto resolved, resolve(request.links, request.actor));
  auto urls = urls_of(resolved);
  TR_TRY(ActorEntry* const entry,
         actors_->start(std::move(request.actor), std::move(resolved), module, std::move(urls)));
  if (auto published = publish_routes(); !published) {
    actors_->stop(actors_->take(entry->spec.name), Duration(0));
    TR_CHECK(publish_routes());
    return std::unexpected(std::move(published).error());
  }
  return Actors::describe(*entry);
}

Result<void> Host::stop_actor(std::string_view name) {
  const std::lock_guard lock(change_);
  auto entry = actors_->take(name);
  if (entry == nullptr) {
    return fail(Reason::ActorUnknown, "there is no actor with the name " + std::string(name));
  }
  // The routes first, so that a request finds none (404) rather than a stopped actor (503).
  auto published = publish_routes();
  actors_->stop(std::move(entry), kStopGrace);
  return published;
}

void Host::stop_listening(Duration drain) {
  for (HttpSite& site : http_) {
    if (!std::exchange(site.serving, false)) continue;
    auto done = std::make_shared<std::promise<void>>();
    drained_.push_back(done->get_future());
    site.server->stop_serving(drain, [done] { done->set_value(); });
  }
}

void Host::stop() {
  for (auto& drained : drained_) drained.wait();
  {
    const std::lock_guard lock(change_);
    stopping_ = true;
    if (std::exchange(stopped_, true)) return;
    while (!actors_->all().empty()) {
      actors_->stop(actors_->take(actors_->all().back()->spec.name), Duration(0));
    }
  }
  control_pool_.reset();  // its jobs need the cores, and the lock
  for (const auto& provider : providers_) provider->stop();
  http_.clear();
  cores_.stop();
}

}  // namespace trellis::host
