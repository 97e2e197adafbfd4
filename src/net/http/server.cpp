#include "trellis/net/http/server.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <unordered_set>
#include <utility>

#include "trellis/async/gate.h"
#include "trellis/base/assert.h"
#include "trellis/base/file.h"
#include "trellis/base/log.h"
#include "trellis/net/http/connection.h"
#include "trellis/net/listen.h"
#include "trellis/net/poller.h"

namespace trellis::http {
namespace {

constexpr int kMaxAcceptedInTurn = 64;
constexpr Duration kAcceptPause = std::chrono::milliseconds(50);

constexpr std::string_view kFull =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
    "Content-Length: 75\r\nConnection: close\r\n\r\n"
    "{\"reason\":\"host.resource\",\"message\":\"the server has too many connections\"}\n";

UniqueFd open_reserve() {
  return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

/// Tells the client why, as far as that goes without waiting.
void turn_away(UniqueFd fd) {
  (void)::send(fd.get(), kFull.data(), kFull.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  ::shutdown(fd.get(), SHUT_WR);
}

}  // namespace

/// The part of a server that belongs to one core. Made by create on any thread, used on the core.
class Server::Lane final : public net::Poller::Watch {
 public:
  Lane(Server& server, async::Core& core, std::unique_ptr<net::Poller> poller, UniqueFd listener,
       Handler& handler)
      : server_(server),
        core_(core),
        poller_(std::move(poller)),
        listener_(std::move(listener)),
        reserve_(open_reserve()),
        around_{core, *poller_, handler, server.limits_, DateLine(core.clock())},
        gate_(core),
        retry_([this] { listen(); }),
        cut_([this] { cut(); }) {}

  async::Core& core() noexcept { return core_; }

  void listen() noexcept {
    if (!listener_) return;
    paused_ = false;
    if (!poller_->add(listener_.get(), EPOLLIN, *this)) pause();
  }

  void stop(Duration drain) {
    accept_some();  // what the kernel has already accepted would be reset by the close
    if (!paused_) poller_->forget(listener_.get(), *this);
    listener_.reset();
    retry_.disarm();
    around_.stopping = true;
    for (Connection* connection : open_) connection->stop_soon();
    core_.arm(cut_, core_.clock().now() + drain);
    gate_.close([this] {
      cut_.disarm();
      poller_.reset();
      server_.lane_ended();
    });
  }

  void on_events(std::uint32_t) noexcept override {
    if (listener_) accept_some();
  }

 private:
  static async::Task<void> serve(Lane& lane, std::unique_ptr<Connection> connection) {
    co_await connection->run();
    lane.open_.erase(connection.get());
    connection.reset();
    lane.server_.connections_.fetch_sub(1, std::memory_order_relaxed);
  }

  void cut() {
    for (Connection* connection : open_) connection->abort();
  }

  /// Nothing can be accepted now (memory, descriptors): looks again a little later instead of
  /// spinning on a listener that stays ready.
  void pause() noexcept {
    paused_ = true;
    core_.arm(retry_, core_.clock().now() + kAcceptPause);
  }

  void accept_some() noexcept {
    for (int i = 0; i < kMaxAcceptedInTurn; ++i) {
      sockaddr_storage peer{};
      socklen_t size = sizeof(peer);
      UniqueFd fd(::accept4(listener_.get(), reinterpret_cast<sockaddr*>(&peer), &size,
                            SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (fd) {
        take(std::move(fd), peer);
      } else if (errno == EMFILE || errno == ENFILE) {
        if (!shed()) return;
      } else if (errno != EINTR && errno != ECONNABORTED) {
        if (errno != EAGAIN) leave_listener();
        return;
      }
    }
  }

  void leave_listener() noexcept {
    poller_->forget(listener_.get(), *this);
    pause();
  }

  /// Out of descriptors: accepts with the one held in reserve, only to turn the client away.
  bool shed() noexcept {
    say_full("out of file descriptors");
    reserve_.reset();
    UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    const bool got = static_cast<bool>(fd);
    if (got) turn_away(std::move(fd));
    reserve_ = open_reserve();
    if (got && reserve_) return true;
    leave_listener();
    return false;
  }

  void say_full(std::string_view why) noexcept {
    const TimePoint now = core_.clock().now();
    if (now < silent_until_) return;
    silent_until_ = now + std::chrono::seconds(10);
    log::warn("connections are turned away", {{"address", server_.address_}, {"why", why}});
  }

  void take(UniqueFd fd, const sockaddr_storage& peer) {
    if (server_.connections_.fetch_add(1, std::memory_order_relaxed) >=
        server_.limits_.max_connections) {
      server_.connections_.fetch_sub(1, std::memory_order_relaxed);
      say_full("max_connections is reached");
      turn_away(std::move(fd));
      return;
    }
    const auto transport = peer.ss_family == AF_UNIX ? Transport::Unix : Transport::Tcp;
    auto connection =
        std::make_unique<Connection>(around_, std::move(fd), transport, net::peer_text(peer));
    open_.insert(connection.get());
    auto task = serve(*this, std::move(connection));
    gate_.spawn(std::move(task));
  }

  Server& server_;
  async::Core& core_;
  std::unique_ptr<net::Poller> poller_;
  UniqueFd listener_;
  UniqueFd reserve_;
  Surroundings around_;
  async::Gate gate_;
  std::unordered_set<Connection*> open_;
  async::CallbackTimer retry_;
  async::CallbackTimer cut_;
  TimePoint silent_until_ = TimePoint::min();
  bool paused_ = false;
};

Result<void> Server::add_lane(async::Core& core, UniqueFd listener, Handler& handler) {
  TR_TRY(auto poller, net::Poller::create(core));
  lanes_.push_back(
      std::make_unique<Lane>(*this, core, std::move(poller), std::move(listener), handler));
  return {};
}

Result<std::unique_ptr<Server>> Server::on_address(const std::vector<async::Core*>& cores,
                                                   std::string_view address,
                                                   const ServerLimits& limits,
                                                   const HandlerOf& handler_of) {
  TR_TRY(auto listeners, net::listen_tcp(address, cores.size()));
  std::unique_ptr<Server> server(new Server());
  server->limits_ = limits;
  server->limits_.max_header_bytes = std::min(limits.max_header_bytes, kMaxHeaderBytesLimit);
  server->address_ = listeners.address;
  server->port_ = listeners.port;
  for (std::size_t i = 0; i < cores.size(); ++i) {
    TR_CHECK(server->add_lane(*cores[i], std::move(listeners.sockets[i]), handler_of(*cores[i])));
  }
  return server;
}

Result<std::unique_ptr<Server>> Server::on_socket(async::Core& core, const std::string& path,
                                                  const ServerLimits& limits, Handler& handler) {
  TR_TRY(auto listener, net::listen_unix(path));
  std::unique_ptr<Server> server(new Server());
  server->limits_ = limits;
  server->limits_.max_header_bytes = std::min(limits.max_header_bytes, kMaxHeaderBytesLimit);
  server->address_ = server->socket_path_ = path;
  struct stat found{};
  if (::lstat(path.c_str(), &found) == 0) server->socket_inode_ = found.st_ino;
  TR_CHECK(server->add_lane(core, std::move(listener), handler));
  return server;
}

Server::~Server() {
  TR_ASSERT(lanes_open_.load() == 0);
}

Result<void> Server::start() {
  lanes_open_ = lanes_.size();
  for (const auto& lane : lanes_) {
    lane->core().post([target = lane.get()] { target->listen(); });
  }
  return {};
}

void Server::stop(Duration drain, std::move_only_function<void()> done) {
  done_ = std::move(done);
  struct stat found{};
  if (!socket_path_.empty() && ::lstat(socket_path_.c_str(), &found) == 0 &&
      found.st_ino == socket_inode_) {
    ::unlink(socket_path_.c_str());  // only our own: another process may have taken the name
  }
  for (const auto& lane : lanes_) {
    lane->core().post([target = lane.get(), drain] { target->stop(drain); });
  }
}

void Server::lane_ended() {
  if (lanes_open_.fetch_sub(1) > 1) return;
  auto done = std::exchange(done_, nullptr);
  if (done) done();
}

}  // namespace trellis::http
