// The live registry: which actors run in this host, and what each core needs to call them.
//
// Control plane: the functions block and are never called by a core. Those that change the registry
// are called by one thread at a time (Host sees to that); what only reads it may run meanwhile.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trellis/abi/common/step_report.h"
#include "trellis/actor/crossing.h"
#include "trellis/actor/local_actor.h"
#include "trellis/actor/version.h"
#include "trellis/async/cores.h"
#include "trellis/async/task.h"
#include "trellis/base/error.h"
#include "trellis/codec/json.h"
#include "trellis/host/manifest.h"
#include "trellis/host/module_loader.h"
#include "trellis/provider/provider.h"
#include "trellis/router/directory.h"
#include "trellis/router/grant_issuer.h"
#include "trellis/router/grant_table.h"
#include "trellis/router/router.h"
#include "trellis/telemetry/audit.h"

namespace trellis::host {

/// A link with the provider it leads to.
struct ResolvedLink {
  LinkSpec spec;
  provider::Provider* provider = nullptr;
};

/// One actor of the host, running or refused.
struct ActorEntry {
  struct OnCore {
    OnCore(std::string subject, const std::vector<std::string>& capabilities,
           const router::Directory& directory)
        : grants(std::move(subject), std::string(core::kLocalTenant), capabilities, directory) {}

    router::GrantTable grants;
    std::unique_ptr<actor::LocalActor> local;   // absent on the other cores of a pinned actor
    std::unique_ptr<actor::Crossing> crossing;  // there instead
    core::Dispatcher* target = nullptr;
  };

  ActorSpec spec;
  std::vector<ResolvedLink> links;
  std::optional<Error> refusal;  // why it does not run
  std::string subject;           // empty if the token could not be read
  std::vector<std::string> urls;

  // only of a running actor
  std::shared_ptr<const actor::ActorVersion> version;
  router::Revocation revocation;         // of calls to the actor: set as soon as it is to stop
  router::Revocation own_calls;          // of its links: set when its last call has ended
  std::vector<router::LinkTerms> terms;  // of the links to anything but an http_server
  std::vector<std::shared_ptr<const core::Grant>> bound;  // what providers were told
  std::vector<std::unique_ptr<OnCore>> cores;
  std::size_t home = 0;  // the core of a pinned actor, and of calls by the control socket

  bool running() const noexcept { return !refusal.has_value(); }
};

class Actors {
 public:
  Actors(async::Cores& cores, telemetry::AuditSink& audit);
  Actors(const Actors&) = delete;
  Actors& operator=(const Actors&) = delete;
  ~Actors();

  /// What can be said before anything of it runs: its subject is free, and its token claims what
  /// its links lead to. actor.duplicate, policy.denied.
  Result<void> check(const ActorSpec& spec, const std::vector<ResolvedLink>& links,
                     const LoadedModule& module) const;

  /// Checks, builds the actor on every core and runs its start functions once. On an error nothing
  /// of it is left. `urls` are for people.
  Result<ActorEntry*> start(ActorSpec spec, std::vector<ResolvedLink> links,
                            const LoadedModule& module, std::vector<std::string> urls);

  /// Remembers an actor that was refused (--keep-going); `subject` is empty when unknown.
  void add_refused(ActorSpec spec, std::vector<ResolvedLink> links, std::string subject,
                   Error error);

  /// Takes an actor out of the registry: nobody finds it from now on. nullptr: there is none.
  std::unique_ptr<ActorEntry> take(std::string_view name);

  /// Refuses new calls, gives running ones `grace`, then cancels them.
  void stop(std::unique_ptr<ActorEntry> entry, Duration grace);

  /// Only for the thread that changes the registry.
  const std::vector<std::unique_ptr<ActorEntry>>& all() const noexcept { return entries_; }

  /// `[{"name","file","subject","status","reason","urls"}]`. Any thread.
  codec::json::Array describe() const;
  static codec::json::Object describe(const ActorEntry& entry);

  core::Dispatcher& router() noexcept { return router_; }

  /// What a transport on core `index` needs to call the actor; the grant dies with the actor.
  static std::shared_ptr<const core::Grant> transport_grant(
      const ActorEntry& entry, std::size_t index, std::string_view contract, std::string_view link,
      const std::optional<router::Allow>& allow);

  /// What one call for a person at the control socket needs; it stays valid, and refuses the call,
  /// once the actor is stopped.
  struct CallLine {
    std::shared_ptr<const core::Grant> grant;  // absent: the actor was refused
    async::Core* core = nullptr;
  };

  /// Any thread. actor.unknown.
  Result<CallLine> line_to(std::string_view name) const;

  /// Runs on the core of `scope`, which may be another than the line's. The views outlive the task.
  async::Task<abi::StepReport> call(const CallLine& line, std::string_view operation,
                                    ByteView payload, async::CancelScope& scope);

 private:
  Result<std::vector<router::LinkTerms>> terms_of(const ActorEntry& entry) const;
  Result<void> build(ActorEntry& entry);
  void build_on(ActorEntry& entry, std::size_t index, Result<void>& outcome);
  void dismantle(ActorEntry& entry);

  async::Cores& cores_;
  telemetry::AuditSink& audit_;
  router::Router router_;
  std::vector<std::unique_ptr<router::Directory>> directories_;  // one per core
  void add(std::unique_ptr<ActorEntry> entry);

  mutable std::mutex mutex_;  // for who reads entries_ while another thread may change it
  std::vector<std::unique_ptr<ActorEntry>> entries_;
  std::size_t next_home_ = 0;
};

}  // namespace trellis::host
