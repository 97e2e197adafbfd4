#include "trellis/actor/crossing.h"

#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/co_spawn.hpp>

#include "trellis/async/cancel.h"
#include "trellis/async/one_shot.h"

namespace trellis::actor {
namespace {

/// One call on its way. Shared by both cores; each touches only its own half.
struct Trip {
  Trip(async::Core& home, async::Core& away, core::Dispatcher& dispatcher,
       const core::Invocation& source)
      : away_core(away),
        target(dispatcher),
        invocation(source),
        payload(to_bytes(source.payload)),
        done(home) {}

  // the other core's half
  async::Core& away_core;
  core::Dispatcher& target;
  const core::Invocation& invocation;
  Bytes payload;
  std::optional<async::CancelScope> scope;

  // home's half
  async::OneShot<Result<core::Reply>> done;
};

async::Task<Result<core::Reply>> serve(std::shared_ptr<Trip> trip) {
  const core::CallContext& caller = trip->invocation.context;
  const core::CallContext context{.id = caller.id,
                                  .idempotency_key = caller.idempotency_key,
                                  .deadline = caller.deadline,
                                  .depth = caller.depth,
                                  .trace = caller.trace,
                                  .principal = caller.principal,
                                  .cancel = *trip->scope,
                                  .observer = caller.observer,
                                  .parent = caller.parent};
  const core::Invocation invocation{trip->invocation.grant, trip->invocation.operation,
                                    trip->payload, nullptr, context};
  auto reply = co_await trip->target.dispatch(invocation);
  co_return reply;
}

void start(async::Core& home, const std::shared_ptr<Trip>& trip) {
  trip->scope.emplace(trip->away_core, trip->invocation.context.deadline);
  boost::asio::co_spawn(
      trip->away_core.executor(), serve(trip),
      [&home, trip](const std::exception_ptr& failure, Result<core::Reply> reply) {
        if (failure) std::rethrow_exception(failure);
        trip->scope.reset();
        home.post(
            [trip, answer = std::move(reply)]() mutable { trip->done.set(std::move(answer)); });
      });
}

/// Carries a cancel across. The trip goes on until the other core has answered.
class CancelCarrier final : public async::CancelScope::Waiter {
 public:
  explicit CancelCarrier(std::shared_ptr<Trip> trip) noexcept : trip_(std::move(trip)) {}

  void on_cancel(async::CancelCause cause) noexcept override {
    trip_->away_core.post([trip = trip_, cause] {
      if (trip->scope) trip->scope->cancel(cause);
    });
  }

 private:
  std::shared_ptr<Trip> trip_;
};

}  // namespace

async::Task<Result<core::Reply>> Crossing::dispatch(const core::Invocation& invocation) {
  const auto trip = std::make_shared<Trip>(home_, away_, target_, invocation);
  async::Core& home = home_;
  invocation.context.cancel.about_to_wait();
  away_.post([&home, trip] { start(home, trip); });
  CancelCarrier carrier(trip);
  invocation.context.cancel.join(carrier);
  auto reply = co_await trip->done.wait();
  co_return reply;
}

}  // namespace trellis::actor
