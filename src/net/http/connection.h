// One client connection of an HTTP/1.1 server: TCP or Unix, one core.
//
// A coroutine that waits, calls the handler and waits; between those, next() is an ordinary state
// machine over the connection's buffers. Requests that are complete in the buffer are answered in
// order, their answers gathered and sent by one call. A request that is answered without suspending
// costs one recv and one send, no timer, no allocation but for coroutine frames, which Asio reuses.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "trellis/async/cancel.h"
#include "trellis/async/core.h"
#include "trellis/async/task.h"
#include "trellis/async/timer_wheel.h"
#include "trellis/base/unique_fd.h"
#include "trellis/net/http/chunked.h"
#include "trellis/net/http/handler.h"
#include "trellis/net/http/limits.h"
#include "trellis/net/http/request_parser.h"
#include "trellis/net/http/response.h"
#include "trellis/net/poller.h"

namespace trellis::http {

/// What the connections of one server on one core share; outlives them.
struct Surroundings {
  async::Core& core;
  net::Poller& poller;
  Handler& handler;
  const ServerLimits& limits;
  DateLine dates;
  bool stopping = false;
};

enum class Transport : std::uint8_t { Tcp, Unix };

class Connection final : public net::Poller::Watch {
 public:
  /// `fd`: connected, non-blocking.
  Connection(Surroundings& around, UniqueFd fd, Transport transport, std::string peer);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() override;

  /// Serves until the connection is over. Run once.
  async::Task<void> run();

  /// The server stops: an idle connection closes after kStopIdleGrace, others after their answer.
  void stop_soon();
  /// Cancels a running call and ends the connection without further waiting.
  void abort();

  void on_events(std::uint32_t events) noexcept override;

 private:
  enum class Phase : std::uint8_t { Head, Body, Chunks, Call, Closing, Linger };
  enum class Step : std::uint8_t { Again, Wait, Yield, Call, Close };
  enum class WaitFor : std::uint8_t { Nothing, Read, Write };
  enum class Clock : std::uint8_t { None, Idle, Header, Body };

  class DeadlineTimer final : public async::Timer {
   public:
    explicit DeadlineTimer(Connection& owner) noexcept : owner_(owner) {}

   private:
    void on_timer() noexcept override { owner_.on_deadline_timer(); }

    Connection& owner_;
  };

  class GraceTimer final : public async::Timer {
   public:
    explicit GraceTimer(Connection& owner) noexcept : owner_(owner) {}

   private:
    void on_timer() noexcept override { owner_.cancel_call(); }

    Connection& owner_;
  };

  Step next();
  Step step_head();
  Step start_body();
  Step step_body();
  Step step_chunks();
  Step step_closing();
  Step step_linger();
  Step need_more();
  Step wait_for(WaitFor what, TimePoint deadline);
  Step on_time_over();
  Step refuse(Reason reason, std::string_view message);

  Step refuse(const Refusal& refusal) { return refuse(refusal.reason, refusal.message); }

  TimePoint read_deadline();

  std::string_view unread() const noexcept { return {in_.get() + begin_, end_ - begin_}; }

  void make_room();
  void move_input(std::size_t capacity);
  bool receive(char* to, std::size_t room, std::size_t& filled);
  bool fill();
  bool fill_body();
  bool flush();
  void sent(std::size_t count);
  void append_answer(ConnectionField field, bool head_only);
  void answer_call();
  void end_request();
  void start_call(async::CancelScope& scope);
  void on_call_suspends() noexcept;
  void on_peer_gone(std::uint32_t events);
  void cancel_call() noexcept;

  void set_deadline(TimePoint deadline);
  void on_deadline_timer() noexcept;
  void resume_task();

  Surroundings& around_;
  UniqueFd fd_;
  Transport transport_;
  Phase phase_ = Phase::Head;
  WaitFor waiting_ = WaitFor::Nothing;
  WaitFor waited_ = WaitFor::Nothing;  // what the last wait was for
  Clock clock_ = Clock::None;          // which time limit runs for reading
  bool readable_ = false;              // a recv may give something
  bool peer_finished_ = false;         // the peer will send no more (FIN), or is gone
  bool end_of_input_ = false;          // recv has returned 0
  bool broken_ = false;                // nothing can be sent or received any more
  bool aborted_ = false;
  bool time_over_ = false;
  bool first_request_ = true;
  bool call_suspended_ = false;
  bool write_blocked_ = false;
  unsigned answered_in_turn_ = 0;

  TimePoint now_;
  TimePoint phase_deadline_;
  TimePoint deadline_ = TimePoint::max();
  TimePoint armed_for_ = TimePoint::max();
  DeadlineTimer timer_;
  GraceTimer grace_;
  std::move_only_function<void()> resume_;
  async::CancelScope* scope_ = nullptr;

  // Input: in_[begin_, end_) is unread; the head of a request stays at begin_ until it is answered.
  std::unique_ptr<char[]> in_;
  std::size_t capacity_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t body_at_ = 0;      // where the unread part of a chunked body starts
  std::size_t request_end_ = 0;  // of the request that is being called
  RequestParser parser_;
  ChunkedDecoder chunks_;
  Bytes body_;  // a body that is not whole in in_
  ByteView body_view_;
  std::size_t body_filled_ = 0;

  // Output: out_ from out_at_ on, then large_.
  Response response_;
  std::string out_;
  std::size_t out_at_ = 0;
  Bytes large_owner_;
  ByteView large_;
  std::uint64_t sent_while_blocked_ = 0;
  TimePoint blocked_since_;
  std::uint64_t drained_ = 0;
  std::string peer_;
};

}  // namespace trellis::http
