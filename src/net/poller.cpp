#include "trellis/net/poller.h"

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <utility>

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>

#include "trellis/base/file.h"
#include "trellis/base/unique_fd.h"

namespace trellis::net {
namespace {

constexpr int kMaxEvents = 256;

/// A turn with this many events makes another one likely: look again without arming the outer
/// loop (one epoll_ctl less), after other work of the core had its turn.
constexpr int kBusyEvents = 4;

}  // namespace

struct Poller::Inner : std::enable_shared_from_this<Inner> {
  Inner(async::Core& owner, int epoll) : core(owner), descriptor(owner.executor(), epoll) {}

  void wait() {
    descriptor.async_wait(boost::asio::posix::descriptor_base::wait_read,
                          [self = shared_from_this()](const boost::system::error_code& error) {
                            if (!error && !self->closed) self->turn();
                          });
  }

  void turn() {
    count = ::epoll_wait(descriptor.native_handle(), events.data(), kMaxEvents, 0);
    const int found = count;
    for (at = 0; at < count; ++at) {
      const epoll_event event = events[static_cast<std::size_t>(at)];
      if (event.data.ptr != nullptr) static_cast<Watch*>(event.data.ptr)->on_events(event.events);
      if (closed) return;
    }
    count = at = 0;
    if (found >= kBusyEvents) {
      boost::asio::post(core.io(), [self = shared_from_this()] {
        if (!self->closed) self->turn();
      });
    } else {
      wait();
    }
  }

  async::Core& core;
  boost::asio::posix::basic_stream_descriptor<async::Executor> descriptor;
  std::array<epoll_event, kMaxEvents> events{};
  int at = 0;
  int count = 0;
  bool closed = false;
};

Result<std::unique_ptr<Poller>> Poller::create(async::Core& core) {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return fail(Reason::HostResource, "creating an event queue: " + errno_text(errno));
  auto inner = std::make_shared<Inner>(core, epoll.get());
  (void)epoll.release();
  inner->wait();
  return std::unique_ptr<Poller>(new Poller(std::move(inner)));
}

Poller::Poller(std::shared_ptr<Inner> inner) noexcept : inner_(std::move(inner)) {}

Poller::~Poller() {
  inner_->closed = true;
  boost::system::error_code ignored;
  inner_->descriptor.close(ignored);
}

bool Poller::add(int fd, std::uint32_t events, Watch& watch) noexcept {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &watch;
  return ::epoll_ctl(inner_->descriptor.native_handle(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void Poller::forget(int fd, const Watch& watch) noexcept {
  ::epoll_ctl(inner_->descriptor.native_handle(), EPOLL_CTL_DEL, fd, nullptr);
  for (int i = inner_->at + 1; i < inner_->count; ++i) {
    epoll_event& event = inner_->events[static_cast<std::size_t>(i)];
    if (event.data.ptr == &watch) event.data.ptr = nullptr;
  }
}

}  // namespace trellis::net
