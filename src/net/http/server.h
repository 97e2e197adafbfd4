// An HTTP/1.1 server on one address: a listening socket, and the connections it brings, on each of
// its cores; or on one Unix socket, on one core.
//
// create, then start, then stop; the cores run until `done` of stop() was called, and then the
// server may be destroyed. A server that was never started may be destroyed at once.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "trellis/async/core.h"
#include "trellis/base/error.h"
#include "trellis/base/unique_fd.h"
#include "trellis/net/http/handler.h"
#include "trellis/net/http/limits.h"

namespace trellis::http {

class Server {
 public:
  /// The handler that serves the connections of a core; outlives the server.
  using HandlerOf = std::function<Handler&(async::Core&)>;

  /// `address`: as net::listen_tcp; from now on the kernel queues connections.
  static Result<std::unique_ptr<Server>> on_address(const std::vector<async::Core*>& cores,
                                                    std::string_view address,
                                                    const ServerLimits& limits,
                                                    const HandlerOf& handler_of);
  /// `path`: as net::listen_unix; the file is removed by stop().
  static Result<std::unique_ptr<Server>> on_socket(async::Core& core, const std::string& path,
                                                   const ServerLimits& limits, Handler& handler);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  /// "127.0.0.1:8080" or the path of the socket.
  const std::string& address() const noexcept { return address_; }

  /// 0 for a Unix socket.
  std::uint16_t port() const noexcept { return port_; }

  /// Open connections of all cores. Any thread.
  std::uint32_t connections() const noexcept {
    return connections_.load(std::memory_order_relaxed);
  }

  /// Begins to accept. Any thread, once. An error means that a core could not be set up.
  Result<void> start();

  /// Closes the listening sockets at once; answers what is under way or already on the wire, each
  /// answer with `Connection: close`; after `drain` cancels calls and cuts connections. `done` runs
  /// on one of the cores when the last connection has ended. Any thread, once, after start().
  void stop(Duration drain, std::move_only_function<void()> done);

 private:
  class Lane;

  Server() = default;
  Result<void> add_lane(async::Core& core, UniqueFd listener, Handler& handler);
  void lane_ended();

  ServerLimits limits_;
  std::string address_;
  std::string socket_path_;
  std::uint64_t socket_inode_ = 0;
  std::uint16_t port_ = 0;
  std::atomic<std::uint32_t> connections_{0};
  std::atomic<std::size_t> lanes_open_{0};
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::move_only_function<void()> done_;
};

}  // namespace trellis::http
