// A server on a thread of its own and a blocking client, for the tests of this module.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <gtest/gtest.h>

#include "trellis/async/cores.h"
#include "trellis/async/one_shot.h"
#include "trellis/base/bytes.h"
#include "trellis/base/unique_fd.h"
#include "trellis/net/http/server.h"

namespace trellis::http::testing {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Answers with what it saw. Special paths: /wait suspends until the call is cancelled, /pause for
/// 20 ms, /big answers 3 MB, /status/NNN that status.
class EchoHandler final : public Handler {
 public:
  async::Task<void> handle(const Request& request, Response& response,
                           async::CancelScope& scope) override {
    ++calls;
    response.set_status(200);
    if (request.path() == "/wait" || request.path() == "/pause") {
      const bool pause = request.path() == "/pause";
      async::CancelScope child(
          scope, pause ? scope.core().clock().now() + milliseconds(20) : TimePoint::max());
      async::OneShot<int> never(scope.core());
      waiting = true;
      auto result = co_await never.wait(child);
      cancelled_at = SteadyClock::now();
      waiting = false;
      cancelled = !pause || scope.cancelled();
      response.set_body_copy(as_bytes(pause ? "paused" : "cancelled"));
      co_return;
    }
    if (request.path() == "/big") {
      response.set_body(Bytes(3'000'000, std::byte{'x'}));
    } else if (request.path().starts_with("/status/")) {
      response.set_status(std::stoi(std::string(request.path().substr(8))));
      response.set_body_copy(as_bytes("body"));
    } else {
      std::string text = std::string(request.method()) + " " + std::string(request.path());
      if (!request.query().empty()) text += "?" + std::string(request.query());
      text += " host=" + std::string(request.host()) + " body=";
      text += request.body().size() > 200 ? std::to_string(request.body().size())
                                          : std::string(as_text(request.body()));
      response.add_header("Connection", "upgrade");
      response.add_header("Content-Length", "1");
      response.add_header("X-Echo", "1");
      response.set_body_copy(as_bytes(text));
    }
  }

  std::atomic<int> calls{0};
  std::atomic<bool> waiting{false};
  std::atomic<bool> cancelled{false};
  std::atomic<TimePoint> cancelled_at{TimePoint::min()};
};

/// Serves on a free port (or a Unix socket) until it is destroyed.
class TestServer {
 public:
  explicit TestServer(ServerLimits limits = {}, const std::string& socket = "", unsigned cores = 1)
      : cores_(cores) {
    std::vector<async::Core*> all;
    for (std::size_t i = 0; i < cores_.size(); ++i) all.push_back(&cores_[i]);
    auto made = socket.empty()
                    ? Server::on_address(all, "127.0.0.1:0", limits,
                                         [this](async::Core&) -> Handler& { return handler; })
                    : Server::on_socket(cores_[0], socket, limits, handler);
    EXPECT_TRUE(made.has_value()) << made.error().message();
    server = std::move(*made);
    EXPECT_TRUE(server->start().has_value());
    cores_.start();
  }

  ~TestServer() {
    if (!stopping_) stop(milliseconds(0));
    wait_stopped();
    cores_.stop();
  }

  void stop(Duration drain) {
    stopping_ = true;
    server->stop(drain, [this] { stopped_ = true; });
  }

  bool stopped() const { return stopped_; }

  void wait_stopped() const {
    while (!stopped_.load()) std::this_thread::yield();
  }

  EchoHandler handler;
  std::unique_ptr<Server> server;

 private:
  async::Cores cores_;
  std::atomic<bool> stopped_{false};
  bool stopping_ = false;
};

/// A blocking TCP client.
class Client {
 public:
  explicit Client(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ =
        ::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  }

  bool connected() const { return connected_; }

  int fd() const { return fd_.get(); }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
  }

  void finish() { ::shutdown(fd_.get(), SHUT_WR); }

  void close() { fd_.reset(); }

  /// Reads until the peer closes, or 3 s; `closed` tells which.
  std::string read_all() {
    std::string all;
    while (read_some(all, seconds(3))) {
    }
    return all;
  }

  /// Reads until `text` has come, the peer closes, or 3 s.
  std::string read_until(std::string_view text) {
    std::string all;
    while (all.find(text) == std::string::npos && read_some(all, seconds(3))) {
    }
    return all;
  }

  /// False at the end of the stream (closed is set), or when nothing comes in `limit`.
  bool read_some(std::string& to, milliseconds limit) {
    pollfd one{fd_.get(), POLLIN, 0};
    if (::poll(&one, 1, static_cast<int>(limit.count())) <= 0) return false;
    char part[65536];
    const ssize_t count = ::recv(fd_.get(), part, sizeof(part), 0);
    if (count <= 0) {
      closed = true;
      was_reset = count < 0;
      return false;
    }
    to.append(part, static_cast<std::size_t>(count));
    return true;
  }

  bool closed = false;
  bool was_reset = false;

 private:
  UniqueFd fd_;
  bool connected_ = false;
};

inline std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos;
       at = text.find(part, at + part.size())) {
    ++count;
  }
  return count;
}

/// Waits (at most 3 s) for something that another thread does.
inline bool eventually(const std::function<bool()>& condition) {
  const auto end = SteadyClock::now() + seconds(3);
  while (SteadyClock::now() < end) {
    if (condition()) return true;
    std::this_thread::yield();
  }
  return false;
}

}  // namespace trellis::http::testing
