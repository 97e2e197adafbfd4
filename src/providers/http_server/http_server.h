// The http_server provider (wascc.md 5.2): turns HTTP requests into HandleRequest invocations.
//
//   request -> route (host, path) -> one MessagePack in a reused buffer -> router -> actor
//           -> status, header lines, body
//
// One Site on each core, which owns its route table and touches nothing of another core.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "trellis/async/core.h"
#include "trellis/base/error.h"
#include "trellis/core/invocation.h"
#include "trellis/net/http/handler.h"
#include "trellis/net/http/server.h"
#include "trellis/provider/provider.h"
#include "trellis/providers/http_server/payload.h"
#include "trellis/providers/http_server/routes.h"

namespace trellis::providers::http_server {

/// An answer of an actor that streams is gathered up to this.
inline constexpr std::size_t kMaxReplyBytes = std::size_t{8} << 20U;

/// What serves the requests of one core. Outlives its connections.
class Site final : public http::Handler {
 public:
  /// `name`: the provider's; `router` gets the invocations. Both outlive the site.
  Site(std::string_view name, core::Dispatcher& router);
  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;
  ~Site() override;

  /// On the site's core, or before it serves. Requests that run keep the table they began with.
  void set_routes(std::shared_ptr<const RouteTable> routes) noexcept {
    routes_ = std::move(routes);
  }

  async::Task<void> handle(const http::Request& request, http::Response& response,
                           async::CancelScope& scope) override;

 private:
  class Encoder;

  std::string_view name_;
  core::Dispatcher& router_;
  std::shared_ptr<const RouteTable> routes_;
  std::vector<std::unique_ptr<RequestEncoder>> idle_encoders_;
};

struct Options {
  std::string name;     // the manifest's
  std::string address;  // "127.0.0.1:0"
  http::ServerLimits limits;
};

/// The provider: a listener, and a site on each of its cores. Its operations go to actors, so as a
/// Dispatcher it answers only the host's control operations.
class HttpServer final : public provider::Provider {
 public:
  /// Opens the listening sockets; nothing is accepted before start(). `cores` and `router` outlive
  /// the server.
  static Result<std::unique_ptr<HttpServer>> create(const Options& options,
                                                    const std::vector<async::Core*>& cores,
                                                    core::Dispatcher& router);

  /// "127.0.0.1:8080".
  const std::string& address() const noexcept { return server_->address(); }

  std::uint16_t port() const noexcept { return server_->port(); }

  std::uint32_t connections() const noexcept { return server_->connections(); }

  /// The site of a core that was given to create().
  Site& site(const async::Core& core);

  Result<void> start() override { return server_->start(); }

  /// As http::Server::stop; once, after start().
  void stop_serving(Duration drain, std::move_only_function<void()> done) {
    server_->stop(drain, std::move(done));
  }

  async::Task<Result<core::Reply>> dispatch(const core::Invocation& invocation) override;

 private:
  explicit HttpServer(std::string name)
      : Provider(std::move(name), *provider::find_contract("http_server")) {}

  std::vector<std::pair<const async::Core*, std::unique_ptr<Site>>> sites_;
  std::unique_ptr<http::Server> server_;
};

}  // namespace trellis::providers::http_server
