#include "trellis/host/actors.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "trellis/base/log.h"
#include "trellis/core/environment.h"
#include "trellis/host/call_report.h"
#include "trellis/host/on_core.h"

namespace trellis::host {
namespace {

constexpr std::string_view kSystem = "system";

bool is_http(const ResolvedLink& link) {
  return link.provider->contract().name == "http_server";
}

/// The id under which the token claims the contract, in the spelling of its generation.
std::optional<std::string> claimed_id(const claims::Claims& claims,
                                      const provider::Contract& contract) {
  for (const std::string& capability : claims.capabilities) {
    if (contract.has_id(capability)) return capability;
  }
  return std::nullopt;
}

std::shared_ptr<actor::ActorVersion> make_version(const ActorSpec& spec,
                                                  const LoadedModule& module) {
  const claims::Claims& claims = module.verified.claims();
  auto version = std::make_shared<actor::ActorVersion>();
  version->name = spec.name;
  version->subject = module.verified.subject();
  version->alias = claims.call_alias.value_or("");
  version->tenant = core::kLocalTenant;
  version->revision = static_cast<std::uint32_t>(std::max(claims.revision.value_or(0), 0));
  version->capabilities = claims.capabilities;
  version->mode = spec.mode;
  version->limits = spec.limits;
  version->program = module.program;
  return version;
}

}  // namespace

Actors::Actors(async::Cores& cores, telemetry::AuditSink& audit) : cores_(cores), audit_(audit) {
  for (std::size_t i = 0; i < cores.size(); ++i) {
    directories_.push_back(std::make_unique<router::Directory>());
  }
}

Actors::~Actors() = default;

void Actors::add(std::unique_ptr<ActorEntry> entry) {
  const std::lock_guard lock(mutex_);
  entries_.push_back(std::move(entry));
}

std::unique_ptr<ActorEntry> Actors::take(std::string_view name) {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find_if(
      entries_, [name](const auto& entry) { return entry->spec.name == name; });
  if (found == entries_.end()) return nullptr;
  std::unique_ptr<ActorEntry> entry = std::move(*found);
  entries_.erase(found);
  return entry;
}

Result<void> Actors::check(const ActorSpec& spec, const std::vector<ResolvedLink>& links,
                           const LoadedModule& module) const {
  const std::string& subject = module.verified.subject();
  for (const auto& other : entries_) {
    if (other->running() && other->subject == subject) {
      return fail(Reason::ActorDuplicate, "actor " + spec.name + " has the subject " + subject +
                                              " of actor " + other->spec.name +
                                              ", which runs already; stop that one first");
    }
  }
  for (const ResolvedLink& link : links) {
    if (claimed_id(module.verified.claims(), link.provider->contract())) continue;
    const std::string_view id = link.provider->contract().ids.front();
    return fail(Reason::PolicyDenied, "link " + link.spec.name() + ": the token of actor " +
                                          spec.name + " does not claim " +
                                          std::string(link.provider->contract().name) +
                                          "; sign it with --cap " + std::string(id));
  }
  return {};
}

Result<ActorEntry*> Actors::start(ActorSpec spec, std::vector<ResolvedLink> links,
                                  const LoadedModule& module, std::vector<std::string> urls) {
  TR_CHECK(check(spec, links, module));
  auto entry = std::make_unique<ActorEntry>();
  entry->version = make_version(spec, module);
  entry->subject = module.verified.subject();
  entry->spec = std::move(spec);
  entry->links = std::move(links);
  entry->urls = std::move(urls);
  entry->home = next_home_++ % cores_.size();
  TR_CHECK(build(*entry));
  log::info("actor started", {{"actor", entry->spec.name}, {"subject", entry->subject}});
  audit_.record("actor.started", {{"actor", entry->spec.name},
                                  {"subject", entry->subject},
                                  {"issuer", module.verified.issuer()},
                                  {"hash", module.verified.hash()}});
  ActorEntry* const started = entry.get();
  add(std::move(entry));
  return started;
}

void Actors::add_refused(ActorSpec spec, std::vector<ResolvedLink> links, std::string subject,
                         Error error) {
  log::error("actor refused", {{"actor", spec.name},
                               {"file", spec.file},
                               {"reason", error.reason_text()},
                               {"message", error.message()}});
  audit_.record(
      "actor.refused",
      {{"actor", spec.name}, {"reason", error.reason_text()}, {"message", error.message()}});
  auto entry = std::make_unique<ActorEntry>();
  entry->spec = std::move(spec);
  entry->links = std::move(links);
  entry->subject = std::move(subject);
  entry->refusal = std::move(error);
  add(std::move(entry));
}

codec::json::Object Actors::describe(const ActorEntry& entry) {
  codec::json::Object one;
  one["name"] = entry.spec.name;
  one["file"] = entry.spec.file;
  one["subject"] = nullptr;
  if (!entry.subject.empty()) one["subject"] = entry.subject;
  one["status"] = entry.running() ? "running" : "refused";
  one["reason"] = nullptr;
  if (entry.refusal) one["reason"] = std::string(entry.refusal->reason_text());
  codec::json::Array urls;
  for (const std::string& url : entry.urls) urls.emplace_back(url);
  one["urls"] = std::move(urls);
  return one;
}

codec::json::Array Actors::describe() const {
  const std::lock_guard lock(mutex_);
  codec::json::Array all;
  for (const auto& entry : entries_) all.emplace_back(describe(*entry));
  return all;
}

Result<std::vector<router::LinkTerms>> Actors::terms_of(const ActorEntry& entry) const {
  std::vector<router::LinkTerms> all;
  for (const ResolvedLink& link : entry.links) {
    if (is_http(link)) continue;  // that one calls the actor
    for (const std::string& capability : entry.version->capabilities) {
      if (!link.provider->contract().has_id(capability)) continue;
      router::LinkTerms terms;
      terms.contract = capability;
      terms.binding = link.spec.binding;
      terms.tenant = entry.version->tenant;
      terms.name = link.spec.name();
      if (link.spec.store) terms.values.emplace("store", *link.spec.store);
      terms.allow = link.spec.allow;
      terms.revocation = entry.own_calls;
      all.push_back(std::move(terms));
    }
  }
  return all;
}

/// Runs on core `index`.
void Actors::build_on(ActorEntry& entry, std::size_t index, Result<void>& outcome) {
  async::Core& core = cores_[index];
  auto on_core = std::make_unique<ActorEntry::OnCore>(entry.subject, entry.version->capabilities,
                                                      *directories_[index]);
  for (const router::LinkTerms& terms : entry.terms) {
    const auto link = std::ranges::find_if(entry.links, [&terms](const ResolvedLink& candidate) {
      return candidate.spec.name() == terms.name && candidate.spec.binding == terms.binding;
    });
    if (auto added = on_core->grants.add_link(*link->provider, terms); !added) {
      outcome = std::move(added);
      return;
    }
  }
  const bool pinned = entry.version->mode == actor::InstanceMode::Pinned;
  if (!pinned || index == entry.home) {
    on_core->local = std::make_unique<actor::LocalActor>(
        core, entry.version,
        actor::LocalActor::Surroundings{on_core->grants, router_, core::system_environment(),
                                        audit_});
    on_core->target = on_core->local.get();
  } else {
    on_core->crossing = std::make_unique<actor::Crossing>(core, cores_[entry.home],
                                                          *entry.cores[entry.home]->local);
    on_core->target = on_core->crossing.get();
  }
  directories_[index]->add(entry.subject, entry.version->alias, *on_core->target, entry.revocation);
  entry.cores[index] = std::move(on_core);
}

Result<void> Actors::build(ActorEntry& entry) {
  TR_TRY(entry.terms, terms_of(entry));
  for (const router::LinkTerms& terms : entry.terms) {
    const auto link = std::ranges::find_if(entry.links, [&terms](const ResolvedLink& candidate) {
      return candidate.spec.name() == terms.name && candidate.spec.binding == terms.binding;
    });
    TR_TRY(auto grant, router::GrantIssuer::from_link(entry.subject, entry.version->capabilities,
                                                      *link->provider, terms));
    TR_CHECK(link->provider->bind(*grant));
    entry.bound.push_back(std::move(grant));
  }
  entry.cores.resize(cores_.size());
  Result<void> outcome;
  for (std::size_t step = 0; step < cores_.size() && outcome; ++step) {
    const std::size_t index = (entry.home + step) % cores_.size();  // home first
    on_core(cores_[index], [&] { build_on(entry, index, outcome); });
  }
  if (outcome) {
    actor::LocalActor& first = *entry.cores[entry.home]->local;
    outcome =
        run_on_core<Result<void>>(cores_[entry.home], [&first] { return first.start_first(); });
    if (!outcome) {
      outcome =
          std::unexpected(std::move(outcome).error().context("starting actor " + entry.spec.name));
    }
  }
  if (!outcome) dismantle(entry);
  return outcome;
}

namespace {

async::Task<bool> stop_local(actor::LocalActor& local, Duration grace) {
  co_await local.stop(grace);
  co_return true;
}

}  // namespace

/// Takes the actor off every core; running calls have ended or are cancelled here.
void Actors::dismantle(ActorEntry& entry) {
  entry.revocation.revoke();
  for (std::size_t index = 0; index < entry.cores.size(); ++index) {
    on_core(cores_[index], [&] { directories_[index]->remove(entry.subject); });
  }
  const Duration grace = std::chrono::seconds(0);
  for (std::size_t index = 0; index < entry.cores.size(); ++index) {
    if (entry.cores[index] == nullptr || entry.cores[index]->local == nullptr) continue;
    actor::LocalActor& local = *entry.cores[index]->local;
    run_on_core<bool>(cores_[index], [&local, grace] { return stop_local(local, grace); });
  }
  entry.own_calls.revoke();
  // Crossings first: they refer to the local actor of the home core.
  for (std::size_t step = 1; step <= entry.cores.size(); ++step) {
    const std::size_t index = (entry.home + step) % entry.cores.size();
    on_core(cores_[index], [&] { entry.cores[index].reset(); });
  }
  for (const ResolvedLink& link : entry.links) {
    for (const auto& grant : entry.bound) {
      if (&grant->target() == link.provider) link.provider->unbind(*grant);
    }
  }
}

void Actors::stop(std::unique_ptr<ActorEntry> entry, Duration grace) {
  if (!entry->running()) return;
  entry->revocation.revoke();
  for (std::size_t index = 0; index < entry->cores.size(); ++index) {
    if (entry->cores[index]->local == nullptr) continue;
    actor::LocalActor& local = *entry->cores[index]->local;
    run_on_core<bool>(cores_[index], [&local, grace] { return stop_local(local, grace); });
  }
  dismantle(*entry);
  log::info("actor stopped", {{"actor", entry->spec.name}, {"subject", entry->subject}});
  audit_.record("actor.stopped", {{"actor", entry->spec.name}, {"subject", entry->subject}});
}

std::shared_ptr<const core::Grant> Actors::transport_grant(
    const ActorEntry& entry, std::size_t index, std::string_view contract, std::string_view link,
    const std::optional<router::Allow>& allow) {
  return router::GrantIssuer::for_host(*entry.cores[index]->target, contract, entry.version->tenant,
                                       link, entry.revocation, allow);
}

Result<Actors::CallLine> Actors::line_to(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find_if(
      entries_, [name](const auto& entry) { return entry->spec.name == name; });
  if (found == entries_.end()) {
    return fail(Reason::ActorUnknown, "there is no actor with the name " + std::string(name));
  }
  const ActorEntry& entry = **found;
  if (!entry.running()) return CallLine{};
  return CallLine{transport_grant(entry, entry.home, "control", "control socket", std::nullopt),
                  &cores_[entry.home]};
}

async::Task<abi::StepReport> Actors::call(const CallLine& line, std::string_view operation,
                                          ByteView payload, async::CancelScope& scope) {
  CallReport report;
  if (line.grant == nullptr) {
    const Result<core::Buffer> refused =
        fail(Reason::ActorRefused, "the actor was refused at start");
    co_return std::move(report).finish(refused, Duration(0));
  }
  const core::CallContext context{.id = core::CallId::make(),
                                  .deadline = scope.deadline(),
                                  .principal = {.tenant = line.grant->tenant(),
                                                .caller = {.key = kSystem},
                                                .origin = core::Origin::User,
                                                .link = line.grant->link()},
                                  .cancel = scope,
                                  .observer = &report};
  const core::Invocation invocation{*line.grant, operation, payload, nullptr, context};
  actor::Crossing crossing(scope.core(), *line.core, router_);
  core::Dispatcher* way = &router_;
  if (line.core != &scope.core()) way = &crossing;
  const TimePoint started = SteadyClock::now();
  auto reply = co_await way->dispatch(invocation);
  const Duration spent = SteadyClock::now() - started;
  Result<core::Buffer> outcome;
  if (reply) {
    outcome = std::move(reply->payload);
  } else {
    outcome = std::unexpected(std::move(reply).error());
  }
  co_return std::move(report).finish(outcome, spent);
}

}  // namespace trellis::host
