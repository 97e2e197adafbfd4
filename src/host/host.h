// The composition root: builds everything in order, starts it, stops it in the opposite order.
//
//   system limits -> engine -> cores -> providers -> modules -> actors -> routes -> listeners
//
// create() checks everything before anything serves; on an error nothing is left running. Members
// block and may be called from any thread that is no core, unless they say otherwise; those that
// change something work one at a time, and the others need not wait for them.
#pragma once

#include <chrono>
#include <future>
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
  codec::json::Array actors() const { return actors_->describe(); }

  /// What relative paths of a request are relative to.
  const std::string& folder() const noexcept { return options_.manifest.folder; }

  /// Starts one more actor; on an error nothing has changed.
  Result<codec::json::Object> start_actor(ActorRequest request);
  /// actor.unknown.
  Result<void> stop_actor(std::string_view name);

  /// actor.unknown.
  Result<Actors::CallLine> line_to(std::string_view actor) const { return actors_->line_to(actor); }

  /// Runs on control_core(); the views outlive the task. What the call ended with is in the report.
  async::Task<abi::StepReport> call(const Actors::CallLine& line, std::string_view operation,
                                    ByteView payload, async::CancelScope& scope) {
    return actors_->call(line, operation, payload, scope);
  }

  /// Closes the listeners at once and begins to drain their connections, for at most `drain`. Does
  /// not block. Once, by the thread that calls stop().
  void stop_listening(Duration drain);

  /// Waits for the drain, then stops everything. Idempotent.
  void stop();

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
  Result<void> check_loaded(const std::vector<std::vector<ResolvedLink>>& links,
                            std::vector<Result<LoadedModule>>& loaded);
  std::vector<std::string> urls_of(const std::vector<ResolvedLink>& links) const;

  HostOptions options_;
  std::string id_;
  std::unique_ptr<ModuleLoader> loader_;
  std::unique_ptr<telemetry::AuditSink> audit_;
  async::Cores cores_;  // outlives the pools, whose last jobs post to it
  std::unique_ptr<async::OffloadPool> control_pool_;
  async::OffloadPool offload_;
  std::vector<std::unique_ptr<provider::Provider>> providers_;
  std::vector<HttpSite> http_;
  std::unique_ptr<Actors> actors_;
  std::mutex change_;  // held while actors are started and stopped
  bool stopping_ = false;
  bool stopped_ = false;
  std::vector<std::future<void>> drained_;
};

}  // namespace trellis::host
