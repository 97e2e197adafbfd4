// The live registry: which actors run in this host, and what each core needs to call them.
//
// Control plane: the functions block and are called by one thread at a time (Host sees to that),
// never by a core.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trellis/abi/common/step_report.h"
#include "trellis/actor/crossing.h"
#include "trellis/actor/local_actor.h"
#include "trellis/actor/version.h"
#include "trellis/async/cores.h"
#include "trellis/base/error.h"
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
  std::vector<ResolvedLink> retired_links;  // of an actor that is being stopped
  std::optional<Error> refusal;             // why it does not run
  std::string subject;                      // empty if the token could not be read
  std::vector<std::string> urls;

  // only of a running actor
  std::shared_ptr<const actor::ActorVersion> version;
  router::Revocation revocation;
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

  /// Checks the links against the token, builds the actor on every core and runs its start
  /// functions once. On an error nothing of it is left.
  Result<ActorEntry*> start(ActorSpec spec, std::vector<ResolvedLink> links,
                            const LoadedModule& module);

  /// Remembers an actor that was refused (--keep-going).
  ActorEntry& add_refused(ActorSpec spec, std::vector<ResolvedLink> links, Error error);

  /// Refuses new calls, gives running ones `grace`, then cancels them; forgets the actor.
  void stop(ActorEntry& entry, Duration grace);

  ActorEntry* find(std::string_view name) noexcept;

  const std::vector<std::unique_ptr<ActorEntry>>& all() const noexcept { return entries_; }

  core::Dispatcher& router() noexcept { return router_; }

  /// What a transport on core `index` needs to call the actor; the grant dies with the actor.
  static std::shared_ptr<const core::Grant> transport_grant(const ActorEntry& entry,
                                                            std::size_t index,
                                                            std::string_view contract,
                                                            std::string_view link);

  /// What one call for a person at the control socket needs; it stays valid, and refuses the call,
  /// once the actor is stopped.
  struct Line {
    std::shared_ptr<const core::Grant> grant;  // absent: the actor was refused
    async::Core* core = nullptr;
  };

  Line line_to(const ActorEntry& entry) const;

  /// Needs no lock: the registry may change meanwhile.
  abi::StepReport call(const Line& line, std::string_view operation, ByteView payload,
                       Duration deadline);

 private:
  Result<std::vector<router::LinkTerms>> terms_of(const ActorEntry& entry) const;
  Result<void> build(ActorEntry& entry);
  void build_on(ActorEntry& entry, std::size_t index, Result<void>& outcome);
  void dismantle(ActorEntry& entry);

  async::Cores& cores_;
  telemetry::AuditSink& audit_;
  router::Router router_;
  std::vector<std::unique_ptr<router::Directory>> directories_;  // one per core
  std::vector<std::unique_ptr<ActorEntry>> entries_;
  std::size_t next_home_ = 0;
};

}  // namespace trellis::host
