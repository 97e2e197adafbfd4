// Socket readiness for one core: an epoll set of our own, nested in the core's event loop.
//
// A socket is added once, edge-triggered, and costs no further call: a request is one recv and one
// send, and a peer that goes away is reported by the event that comes anyway. (Asio's own sockets
// pay one more recv per request, or one epoll_ctl.) All members belong to the core.
#pragma once

#include <cstdint>
#include <memory>

#include "trellis/async/core.h"
#include "trellis/base/error.h"

namespace trellis::net {

class Poller {
 public:
  /// Something that waits for events. Must be forgotten, and its descriptor closed, before it dies.
  class Watch {
   public:
    virtual ~Watch() = default;
    /// `events`: EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLHUP, EPOLLERR. May add and forget watches and
    /// destroy this one.
    virtual void on_events(std::uint32_t events) noexcept = 0;
  };

  static Result<std::unique_ptr<Poller>> create(async::Core& core);
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;
  ~Poller();

  /// Reports `events` of `fd` to `watch` from now on; false when the system has no room for it.
  bool add(int fd, std::uint32_t events, Watch& watch) noexcept;
  /// No event reaches `watch` any more. The descriptor is still to be closed.
  void forget(int fd, const Watch& watch) noexcept;

 private:
  struct Inner;

  explicit Poller(std::shared_ptr<Inner> inner) noexcept;

  std::shared_ptr<Inner> inner_;
};

}  // namespace trellis::net
