// Phases of a connection (next() moves between them):
//
//   Head -> [Body | Chunks] -> Call -> Head ...          keep-alive
//                                   -> Closing -> Linger  after the last answer
//   any  -> refuse() -> Closing                           one error answer, then the end
//
// Output goes out before the connection waits for input, so answers to pipelined requests share one
// send; while output cannot go out, no input is read.
#include "trellis/net/http/connection.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <boost/asio/async_result.hpp>

namespace trellis::http {
namespace {

// The kernel's recv and send without glibc's wrapper: that is a cancellation point, which costs two
// atomic operations a call, and nobody cancels a core's thread.

ssize_t receive_now(int fd, char* to, std::size_t room) noexcept {
  return ::syscall(SYS_recvfrom, fd, to, room, MSG_DONTWAIT, nullptr, nullptr);
}

ssize_t send_now(int fd, const char* from, std::size_t size) noexcept {
  return ::syscall(SYS_sendto, fd, from, size, MSG_DONTWAIT | MSG_NOSIGNAL, nullptr, 0);
}

constexpr std::size_t kInputBytes = 4096;   // the first input buffer
constexpr std::size_t kMinHeadRoom = 1024;  // for one recv
constexpr std::size_t kMinChunkRoom = 16 * 1024;
constexpr std::size_t kBodyStep = 64 * 1024;     // a body's buffer grows from here, by doubling
constexpr std::size_t kInlineBody = 16 * 1024;   // a larger body is sent from where it is
constexpr std::size_t kMaxGathered = 64 * 1024;  // gathered answers are sent from here on
constexpr std::size_t kKeptBytes = 64 * 1024;    // buffers above this are given back
constexpr unsigned kMaxAnsweredInTurn = 64;

/// A client that sends a request and at once finishes its side may still want the answer: a short
/// call is let end. Well below the 10 ms within which a lost client's call is cancelled.
constexpr Duration kFinishGrace = std::chrono::milliseconds(3);

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

Connection::Connection(Surroundings& around, UniqueFd fd, Transport transport, std::string peer)
    : around_(around),
      fd_(std::move(fd)),
      transport_(transport),
      now_(around.core.now()),
      timer_(*this),
      grace_(*this),
      in_(std::make_unique_for_overwrite<char[]>(kInputBytes)),
      capacity_(kInputBytes),
      parser_(around.limits.max_header_bytes),
      chunks_(around.limits.max_body_bytes, around.limits.max_header_bytes),
      peer_(std::move(peer)) {
  constexpr std::uint32_t kEvents = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  if (!around_.poller.add(fd_.get(), kEvents, *this)) broken_ = true;
}

Connection::~Connection() {
  around_.poller.forget(fd_.get(), *this);
}

async::Task<void> Connection::run() {
  auto suspend = [this](auto handler) { resume_ = std::move(handler); };
  for (;;) {
    const Step step = next();
    if (step == Step::Close) co_return;
    if (step == Step::Wait) {
      co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<async::Executor>,
                                           void()>(suspend, async::kAwait);
    } else if (step == Step::Yield) {
      co_await around_.core.yield_slice();
      now_ = around_.core.now();
    } else if (step == Step::Call) {
      const Request request(in_.get() + begin_, parser_.head(), body_view_, peer_);
      async::CancelScope scope(around_.core, TimePoint::max());
      start_call(scope);
      co_await around_.handler.handle(request, response_, scope);
      answer_call();
    }
  }
}

Connection::Step Connection::next() {
  for (;;) {
    if (aborted_ && !broken_) (void)flush();  // the answer of a call that was cut, if it fits
    if (aborted_ || broken_) return Step::Close;
    Step step = Step::Again;
    if (std::exchange(time_over_, false)) {
      step = on_time_over();
    } else if ((!large_.empty() || out_.size() - out_at_ > kMaxGathered) && !flush()) {
      step = wait_for(WaitFor::Write, TimePoint::max());
    } else {
      switch (phase_) {
        case Phase::Head: step = step_head(); break;
        case Phase::Body: step = step_body(); break;
        case Phase::Chunks: step = step_chunks(); break;
        case Phase::Call: step = Step::Call; break;
        case Phase::Closing: step = step_closing(); break;
        case Phase::Linger: step = step_linger(); break;
      }
    }
    if (step != Step::Again) return step;
  }
}

Connection::Step Connection::step_head() {
  if (begin_ == end_) return need_more();
  if (answered_in_turn_ >= kMaxAnsweredInTurn) {
    answered_in_turn_ = 0;
    return Step::Yield;
  }
  switch (parser_.parse(unread())) {
    case ParseStatus::NeedMore: return need_more();
    case ParseStatus::Failed: return refuse(parser_.refusal());
    case ParseStatus::Complete: return start_body();
  }
  return Step::Close;
}

Connection::Step Connection::start_body() {
  const Head& head = parser_.head();
  if (head.content_length > around_.limits.max_body_bytes) {
    return refuse(Reason::HttpBodyTooLarge, "the body is larger than this server allows");
  }
  const std::size_t body_start = begin_ + parser_.size();
  const std::size_t available = end_ - body_start;
  if (!head.chunked && head.content_length <= available) {
    const auto size = static_cast<std::size_t>(head.content_length);
    body_view_ = as_bytes(std::string_view(in_.get() + body_start, size));
    request_end_ = body_start + size;
    phase_ = Phase::Call;
    return Step::Again;
  }
  if (head.expect_continue && available == 0) out_.append(kContinue);
  body_.clear();
  if (head.chunked) {
    chunks_.reset();
    body_at_ = body_start;
    phase_ = Phase::Chunks;
    return Step::Again;
  }
  // The announced length is not reserved: the buffer grows with what arrives.
  const auto first = as_bytes(std::string_view(in_.get() + body_start, available));
  body_.assign(first.begin(), first.end());
  body_filled_ = available;
  end_ = body_start;
  phase_ = Phase::Body;
  return Step::Again;
}

Connection::Step Connection::step_body() {
  if (body_filled_ < parser_.head().content_length) return need_more();
  body_view_ = ByteView(body_).first(body_filled_);
  request_end_ = end_;
  phase_ = Phase::Call;
  return Step::Again;
}

Connection::Step Connection::step_chunks() {
  std::size_t consumed = 0;
  const std::string_view bytes(in_.get() + body_at_, end_ - body_at_);
  const ParseStatus status = chunks_.feed(bytes, body_, consumed);
  body_at_ += consumed;
  switch (status) {
    case ParseStatus::NeedMore: return need_more();
    case ParseStatus::Failed: return refuse(chunks_.refusal());
    case ParseStatus::Complete: break;
  }
  body_view_ = body_;
  request_end_ = body_at_;
  phase_ = Phase::Call;
  return Step::Again;
}

Connection::Step Connection::step_closing() {
  if (!flush()) return wait_for(WaitFor::Write, TimePoint::max());
  if (end_of_input_) return Step::Close;
  // Closing a socket with unread input would reset it, and the client might lose the answer.
  ::shutdown(fd_.get(), SHUT_WR);
  phase_ = Phase::Linger;
  drained_ = 0;
  phase_deadline_ = now_ + around_.limits.linger_timeout;
  return Step::Again;
}

Connection::Step Connection::step_linger() {
  std::array<char, 16 * 1024> scrap;
  while (readable_ && drained_ <= around_.limits.linger_bytes) {
    std::size_t count = 0;
    if (!receive(scrap.data(), scrap.size(), count)) break;
    drained_ += count;
  }
  if (end_of_input_ || broken_ || drained_ > around_.limits.linger_bytes) return Step::Close;
  return wait_for(WaitFor::Read, phase_deadline_);
}

Connection::Step Connection::refuse(Reason reason, std::string_view message) {
  response_.set_error(reason, message);
  append_answer(ConnectionField::Close, /*head_only=*/false);
  phase_ = Phase::Closing;
  return Step::Again;
}

Connection::Step Connection::need_more() {
  if (!flush()) return wait_for(WaitFor::Write, TimePoint::max());
  if (end_of_input_) {
    if (phase_ == Phase::Head && begin_ == end_) return Step::Close;
    return refuse(Reason::HttpMalformed, "the connection ended within a request");
  }
  if (!readable_) return wait_for(WaitFor::Read, read_deadline());
  (void)(phase_ == Phase::Body ? fill_body() : fill());
  return Step::Again;
}

Connection::Step Connection::wait_for(WaitFor what, TimePoint deadline) {
  if (broken_) return Step::Close;
  if (what == WaitFor::Write) {
    if (!std::exchange(write_blocked_, true)) {
      blocked_since_ = now_;
      sent_while_blocked_ = 0;
    }
    const auto earned = std::chrono::milliseconds(
        sent_while_blocked_ * 1000 / std::max<std::uint64_t>(around_.limits.min_write_rate, 1));
    deadline = blocked_since_ + around_.limits.write_timeout + earned;
  }
  waiting_ = waited_ = what;
  answered_in_turn_ = 0;
  set_deadline(deadline);
  return Step::Wait;
}

Connection::Step Connection::on_time_over() {
  if (waited_ == WaitFor::Write || phase_ == Phase::Linger) return Step::Close;
  const bool nothing_came = phase_ == Phase::Head && begin_ == end_;
  if (nothing_came && (!first_request_ || around_.stopping)) return Step::Close;
  return refuse(Reason::HttpTimeout, phase_ == Phase::Head ? "the header did not arrive in time"
                                                           : "the body did not arrive in time");
}

TimePoint Connection::read_deadline() {
  const bool nothing_came = phase_ == Phase::Head && begin_ == end_;
  Clock clock = Clock::Body;
  Duration limit = around_.limits.body_timeout;
  if (phase_ == Phase::Head && (first_request_ || !nothing_came)) {
    clock = Clock::Header;
    limit = around_.limits.header_timeout;
  } else if (nothing_came) {
    clock = Clock::Idle;
    limit = around_.limits.idle_timeout;
  }
  if (clock_ != clock) {
    clock_ = clock;
    phase_deadline_ = now_ + limit;
    if (around_.stopping && nothing_came) {
      phase_deadline_ = std::min(phase_deadline_, now_ + kStopIdleGrace);
    }
  }
  return phase_deadline_;
}

void Connection::move_input(std::size_t capacity) {
  if (capacity == capacity_) {
    std::memmove(in_.get(), in_.get() + begin_, end_ - begin_);
  } else {
    auto larger = std::make_unique_for_overwrite<char[]>(capacity);
    std::memcpy(larger.get(), in_.get() + begin_, end_ - begin_);
    in_ = std::move(larger);
    capacity_ = capacity;
  }
  body_at_ -= std::min(body_at_, begin_);
  end_ -= begin_;
  begin_ = 0;
}

void Connection::make_room() {
  std::size_t wanted = kMinHeadRoom;
  if (phase_ == Phase::Chunks) {
    // The decoder has consumed all of it; the head stays, the request may look at it.
    end_ = body_at_ = begin_ + parser_.size();
    wanted = kMinChunkRoom;
  }
  if (capacity_ - end_ >= wanted) return;
  const std::size_t used = end_ - begin_;
  const bool fits = used + wanted <= capacity_;
  move_input(fits ? capacity_ : std::max(capacity_ * 2, used + wanted));
}

bool Connection::receive(char* to, std::size_t room, std::size_t& filled) {
  ssize_t count = 0;
  do {
    count = receive_now(fd_.get(), to, room);
  } while (count < 0 && errno == EINTR);
  if (count > 0) {
    filled += static_cast<std::size_t>(count);
    // TCP gives all that it has; a Unix socket may stop between two writes of the peer.
    if (static_cast<std::size_t>(count) < room && transport_ == Transport::Tcp && !peer_finished_) {
      readable_ = false;
    }
    return true;
  }
  readable_ = false;
  if (count == 0) {
    end_of_input_ = true;
  } else if (errno != EAGAIN) {
    broken_ = true;
  }
  return false;
}

bool Connection::fill() {
  make_room();
  return receive(in_.get() + end_, capacity_ - end_, end_);
}

bool Connection::fill_body() {
  const auto whole = static_cast<std::size_t>(parser_.head().content_length);
  if (body_filled_ == body_.size()) {
    body_.resize(std::min(whole, std::max(kBodyStep, body_filled_ * 2)));
  }
  char* data = reinterpret_cast<char*>(body_.data());
  return receive(data + body_filled_, body_.size() - body_filled_, body_filled_);
}

void Connection::sent(std::size_t count) {
  sent_while_blocked_ += count;
  const std::size_t of_out = std::min(count, out_.size() - out_at_);
  out_at_ += of_out;
  large_ = large_.subspan(count - of_out);
}

/// True when nothing is left to send; false when the socket takes no more, or is broken.
bool Connection::flush() {
  while (out_at_ < out_.size() || !large_.empty()) {
    ssize_t count = 0;
    if (large_.empty()) {
      count = send_now(fd_.get(), out_.data() + out_at_, out_.size() - out_at_);
    } else {
      std::array<iovec, 2> parts{};
      parts[0] = {out_.data() + out_at_, out_.size() - out_at_};
      parts[1] = {const_cast<std::byte*>(large_.data()), large_.size()};
      msghdr message{};
      message.msg_iov = parts.data();
      message.msg_iovlen = parts.size();
      count = ::sendmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    if (count < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) broken_ = true;
      return false;
    }
    sent(static_cast<std::size_t>(count));
  }
  write_blocked_ = false;
  out_.clear();
  out_at_ = 0;
  if (out_.capacity() > kKeptBytes) out_ = std::string();
  large_owner_ = Bytes();
  return true;
}

void Connection::append_answer(ConnectionField field, bool head_only) {
  append_head(out_, response_, field, around_.dates.at(now_));
  const ByteView body = response_.body();
  if (!head_only && !is_bodiless(response_.status()) && !body.empty()) {
    if (body.size() <= kInlineBody) {
      out_.append(as_text(body));
    } else {
      large_ = body;
      large_owner_ = response_.take_body();  // moving a vector leaves its bytes where they are
    }
  }
  response_.clear();
}

void Connection::start_call(async::CancelScope& scope) {
  scope_ = &scope;
  call_suspended_ = false;
  deadline_ = TimePoint::max();
  scope.set_watch([this] { on_call_suspends(); });
}

void Connection::on_call_suspends() noexcept {
  call_suspended_ = true;
  (void)flush();  // earlier answers do not wait for this one
  if (peer_finished_) on_peer_gone(0);
}

void Connection::on_peer_gone(std::uint32_t events) {
  if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
    cancel_call();
  } else if (!grace_.armed()) {
    around_.core.arm(grace_, around_.core.clock().now() + kFinishGrace);
  }
}

void Connection::cancel_call() noexcept {
  if (scope_ != nullptr) scope_->cancel(async::CancelCause::Cancelled);
}

void Connection::answer_call() {
  scope_ = nullptr;
  grace_.disarm();
  if (call_suspended_) now_ = around_.core.now();
  const Head& head = parser_.head();
  const bool keep = head.keep_alive && !around_.stopping && !response_.close();
  ConnectionField field = ConnectionField::Close;
  if (keep) field = head.minor_version == 0 ? ConnectionField::KeepAlive : ConnectionField::None;
  append_answer(field, head.method.of(in_.get() + begin_) == "HEAD");
  phase_ = keep ? Phase::Head : Phase::Closing;
  end_request();
}

void Connection::end_request() {
  begin_ = request_end_;
  if (begin_ == end_) begin_ = end_ = 0;
  parser_.reset();
  body_view_ = {};
  if (body_.capacity() > kKeptBytes) body_ = Bytes();
  if (begin_ == end_ && capacity_ > kKeptBytes) move_input(kInputBytes);
  clock_ = Clock::None;
  first_request_ = false;
  ++answered_in_turn_;
}

void Connection::stop_soon() {
  if (waiting_ != WaitFor::Read || phase_ != Phase::Head || begin_ != end_) return;
  phase_deadline_ = std::min(phase_deadline_, around_.core.clock().now() + kStopIdleGrace);
  set_deadline(phase_deadline_);
}

void Connection::abort() {
  aborted_ = true;
  cancel_call();
  // Through the timer: the task must not be resumed, and this destroyed, inside the caller's loop.
  if (waiting_ != WaitFor::Nothing) set_deadline(around_.core.clock().now());
}

void Connection::on_events(std::uint32_t events) noexcept {
  constexpr std::uint32_t kGone = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
  if ((events & (EPOLLIN | kGone)) != 0) readable_ = true;
  if ((events & kGone) != 0) peer_finished_ = true;
  const bool wanted =
      waiting_ == WaitFor::Read
          ? readable_
          : waiting_ == WaitFor::Write && (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0;
  if (wanted) {
    resume_task();
  } else if (scope_ != nullptr && peer_finished_) {
    on_peer_gone(events);
  }
}

/// One timer entry serves all deadlines and is moved only when it fires or must fire earlier: a
/// request that sets and drops a deadline does not touch the wheel.
void Connection::set_deadline(TimePoint deadline) {
  deadline_ = deadline;
  if (deadline >= armed_for_) return;
  armed_for_ = deadline;
  around_.core.arm(timer_, deadline);
}

void Connection::on_deadline_timer() noexcept {
  armed_for_ = TimePoint::max();
  if (deadline_ == TimePoint::max()) return;
  if (around_.core.clock().now() < deadline_) {
    set_deadline(deadline_);
    return;
  }
  time_over_ = true;
  if (waiting_ != WaitFor::Nothing) resume_task();
}

/// The task may end, and destroy this, before it returns.
void Connection::resume_task() {
  waiting_ = WaitFor::Nothing;
  deadline_ = TimePoint::max();
  now_ = around_.core.now();
  auto resume = std::exchange(resume_, nullptr);
  resume();
}

}  // namespace trellis::http
