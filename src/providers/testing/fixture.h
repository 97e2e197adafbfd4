// For tests, benchmarks and fuzz targets of providers: grants without a router, and calls that are
// run to their end.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "trellis/async/cancel.h"
#include "trellis/async/core.h"
#include "trellis/async/gate.h"
#include "trellis/core/invocation.h"

namespace trellis::router {

/// The one class that may make grants; the real one is in src/router.
class GrantIssuer {
 public:
  struct Terms {
    std::string holder = "MACTOR";
    std::string contract = "wascc:keyvalue";
    std::string tenant = "local";
    std::map<std::string, std::string, std::less<>> values = {};
    core::NameFilter resources = core::NameFilter::everything();
  };

  static std::shared_ptr<const core::Grant> make(Terms terms, core::Dispatcher* target = nullptr) {
    std::shared_ptr<core::Grant> grant(new core::Grant);
    grant->target_ = target;
    grant->holder_ = std::move(terms.holder);
    grant->contract_ = std::move(terms.contract);
    grant->binding_ = "default";
    grant->tenant_ = std::move(terms.tenant);
    grant->link_ = "actor -> provider";
    grant->values_ = std::move(terms.values);
    grant->operations_ = core::NameFilter::everything();
    grant->resources_ = std::move(terms.resources);
    grant->revocation_ = std::make_shared<const std::atomic<bool>>(false);
    return grant;
  }
};

}  // namespace trellis::router

namespace trellis::providers {

using Terms = router::GrantIssuer::Terms;

/// One core, and calls on it.
class Caller {
 public:
  explicit Caller(const Clock& clock = system_clock()) : core_(0, clock) {}

  async::Core& core() noexcept { return core_; }

  Result<core::Reply> call(core::Dispatcher& target, const core::Grant& grant,
                           std::string_view operation, ByteView payload) {
    std::optional<Result<core::Reply>> result;
    gate_.spawn(run(*this, target, grant, operation, payload, result));
    while (gate_.inside() > 0) {
      core_.run_ready();
      if (gate_.inside() > 0) std::this_thread::yield();
    }
    return *std::move(result);
  }

 private:
  static async::Task<void> run(Caller& self, core::Dispatcher& target, const core::Grant& grant,
                               std::string_view operation, ByteView payload,
                               std::optional<Result<core::Reply>>& out) {
    async::CancelScope scope(self.core_, TimePoint::max());
    const core::CallContext context{.id = {},
                                    .idempotency_key = {},
                                    .deadline = TimePoint::max(),
                                    .depth = 0,
                                    .trace = {},
                                    .principal = {},
                                    .cancel = scope};
    const core::Invocation invocation{grant, operation, payload, nullptr, context};
    auto task = target.dispatch(invocation);
    out.emplace(co_await std::move(task));
  }

  async::Core core_;
  async::Gate gate_{core_};
};

/// A clock that stands until it is set.
class HandClock final : public Clock {
 public:
  TimePoint now() const noexcept override { return TimePoint{elapsed_}; }

  std::int64_t wall_nanoseconds() const noexcept override {
    return 1'700'000'000'000'000'000 + std::chrono::nanoseconds(elapsed_).count();
  }

  void advance(std::chrono::nanoseconds by) noexcept { elapsed_ += by; }

 private:
  std::chrono::nanoseconds elapsed_{std::chrono::seconds(1000)};
};

}  // namespace trellis::providers
