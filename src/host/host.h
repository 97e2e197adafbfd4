// The composition root: builds everything in order, starts it, stops it in the opposite order.
//
//   system limits -> engine -> cores -> providers -> modules -> actors -> routes -> listeners
//
// create() checks everything before anything serves; on an error nothing is left running. All
// members block and may be called from any thread that is no core; one works at a time.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "trellis/abi/common/step_report.h"
#include "trellis/async/cores.h"
#include "trellis/async/offload.h"
#include "trellis/base/error.h"
#include "trellis/claims/verify.h"
#include "trellis/codec/json.h"
#include "trellis/host/actors.h"
#include "trellis/host/manifest.h"
#include "trellis/host/module_loader.h"
#include "trellis/providers/http_server/http_server.h"
#include "trellis/telemetry/audit.h"

namespace trellis::host {

struct HostOptions {
  Manifest manifest;
  claims::TrustList trust;
  /// An actor that is refused does not stop the others; its routes answer 503.
  bool keep_going = false;
};

class Host {
 public:
  /// A missing module file is module.unreadable also with keep_going.
  static Result<std::unique_ptr<Host>> create(HostOptions options);

  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;
  /// Stops without a drain what still runs.
  ~Host();

  /// The server key of this process, "N...".
  const std::string& id() const noexcept { return id_; }

  /// A core and threads for whoever serves the host's control plane.
  async::Core& control_core() noexcept { return cores_[0]; }

  async::OffloadPool& control_pool() noexcept { return *control_pool_; }

  /// `[{"provider","address","port"}]`
  codec::json::Array listeners() const;
  /// `[{"name","file","subject","status","reason","urls"}]`
  codec::json::Array actors() const;

  /// Starts one more actor; on an error nothing has changed.
  Result<codec::json::Object> start_actor(ActorRequest request);
  /// actor.unknown.
  Result<void> stop_actor(std::string_view name);
  /// actor.unknown; what the call itself ended with is in the report.
  Result<abi::StepReport> call(std::string_view actor, std::string_view operation, ByteView payload,
                               Duration deadline);

  /// Closes the listeners at once, drains for at most `drain`, then stops everything. Idempotent.
  void stop(Duration drain);

 private:
  struct HttpSite {
    ProviderSpec spec;
    std::unique_ptr<providers::http_server::HttpServer> server;
    bool serving = false;
  };

  Host(HostOptions options, std::unique_ptr<ModuleLoader> loader,
       std::unique_ptr<telemetry::AuditSink> audit);

  Result<void> open_providers();
  Result<void> start_actors();
  Result<void> start_listeners();
  Result<void> publish_routes();
  Result<std::vector<ResolvedLink>> resolve(const std::vector<LinkSpec>& links,
                                            const ActorSpec& spec);
  std::vector<Result<LoadedModule>> load_all(const std::vector<ActorSpec>& specs);
  void fill_urls(ActorEntry& entry) const;
  static codec::json::Object describe(const ActorEntry& entry);

  HostOptions options_;
  std::string id_;
  std::unique_ptr<ModuleLoader> loader_;
  std::unique_ptr<telemetry::AuditSink> audit_;
  std::unique_ptr<async::OffloadPool> control_pool_;
  async::OffloadPool offload_;
  async::Cores cores_;
  std::vector<std::unique_ptr<provider::Provider>> providers_;
  std::vector<HttpSite> http_;
  std::unique_ptr<Actors> actors_;
  mutable std::mutex control_;
  bool stopped_ = false;
};

}  // namespace trellis::host
