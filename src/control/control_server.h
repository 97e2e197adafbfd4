// The control socket of a running host: HTTP/JSON on a Unix socket of mode 0600.
//
//   GET    /v1/actors         what runs
//   POST   /v1/actors         {"actor": {...}, "links": [...]}: starts one more
//   DELETE /v1/actors/NAME    stops it
//   POST   /v1/call           {"actor", "operation", "payload_hex", "deadline_ms"?}
//
// Requests are served on the host's control core; what blocks runs on its control threads. A call
// blocks nobody, and ends when the client goes away.
#pragma once

#include <memory>
#include <string>

#include "trellis/base/error.h"
#include "trellis/host/host.h"
#include "trellis/net/http/handler.h"
#include "trellis/net/http/server.h"

namespace trellis::control {

class ControlServer final : private http::Handler {
 public:
  /// Listens on `path` from now on. `host` outlives the server and is stopped after it.
  static Result<std::unique_ptr<ControlServer>> open(host::Host& host, const std::string& path);

  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;
  ~ControlServer() override;

  const std::string& path() const noexcept { return server_->address(); }

  /// Refuses new requests, waits at most `drain` for running ones, removes the socket. Idempotent;
  /// blocks.
  void stop(Duration drain);

 private:
  explicit ControlServer(host::Host& host) : host_(host) {}

  async::Task<void> handle(const http::Request& request, http::Response& response,
                           async::CancelScope& scope) override;
  async::Task<void> call_actor(const http::Request& request, http::Response& response,
                               async::CancelScope& scope);

  host::Host& host_;
  std::unique_ptr<http::Server> server_;
  bool stopped_ = false;
};

}  // namespace trellis::control
