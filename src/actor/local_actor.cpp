#include "trellis/actor/local_actor.h"

#include <optional>
#include <string>
#include <utility>

#include "trellis/async/one_shot.h"
#include "trellis/base/log.h"

namespace trellis::actor {
namespace {

/// Ties a call to the stop of its actor.
class StopLink final : public async::CancelScope::Waiter {
 public:
  explicit StopLink(async::CancelScope& call) noexcept : call_(call) {}

  void on_cancel(async::CancelCause cause) noexcept override { call_.cancel(cause); }

 private:
  async::CancelScope& call_;
};

core::CallContext narrowed(const core::CallContext& context, async::CancelScope& scope) {
  return {.id = context.id,
          .idempotency_key = context.idempotency_key,
          .deadline = scope.deadline(),
          .depth = context.depth,
          .trace = context.trace,
          .principal = context.principal,
          .cancel = scope,
          .observer = context.observer,
          .parent = context.parent};
}

/// Stands before the actor for a call that somebody watches.
class Watched final : public abi::HostInterface {
 public:
  Watched(abi::HostInterface& behind, core::CallObserver& observer) noexcept
      : behind_(behind), observer_(observer) {}

  async::Task<Result<core::Buffer>> host_call(const abi::HostRequest& request,
                                              abi::CallFrame& frame) override {
    observer_.host_call(request.binding, request.contract, request.operation, request.payload);
    return behind_.host_call(request, frame);
  }

  void guest_output(abi::OutputKind kind, std::string_view bytes) noexcept override {
    if (kind == abi::OutputKind::Console) {
      observer_.console(bytes);
    } else {
      observer_.output(bytes);
    }
    behind_.guest_output(kind, bytes);
  }

  void guest_output_dropped(std::uint64_t records, std::uint64_t bytes) noexcept override {
    observer_.output_dropped();
    behind_.guest_output_dropped(records, bytes);
  }

 private:
  abi::HostInterface& behind_;
  core::CallObserver& observer_;
};

bool is_actor_key(std::string_view contract) noexcept {
  return contract.find(':') == std::string_view::npos;
}

std::string_view output_name(abi::OutputKind kind) noexcept {
  switch (kind) {
    case abi::OutputKind::Console: return "console";
    case abi::OutputKind::Stdout: return "stdout";
    case abi::OutputKind::Stderr: return "stderr";
  }
  return "console";
}

}  // namespace

LocalActor::LocalActor(async::Core& core, std::shared_ptr<const ActorVersion> version,
                       const Surroundings& surroundings)
    : core_(core),
      version_(std::move(version)),
      surroundings_(surroundings),
      stopping_(core, TimePoint::max()),
      gate_(core),
      instances_(core, *version_, [this](abi::Guest& guest, async::CancelScope& scope) {
        return start_guest(guest, scope);
      }) {}

LocalActor::~LocalActor() = default;

bool LocalActor::reentrant(const core::CallContext& context) const noexcept {
  for (const core::CallContext* at = &context; at != nullptr; at = at->parent) {
    if (at->principal.caller.key == version_->subject) return true;
  }
  return false;
}

async::Task<Result<core::Reply>> LocalActor::dispatch(const core::Invocation& invocation) {
  const async::Gate::Pass pass(gate_);
  if (gate_.closed()) {
    co_return fail(Reason::ActorStopped, "actor " + version_->name + " was stopped");
  }
  if (version_->mode == InstanceMode::Pinned && reentrant(invocation.context)) {
    co_return fail(Reason::ActorReentrant,
                   "actor " + version_->name +
                       " is pinned and was called by a call that it is itself serving");
  }
  Lease lease = instances_.try_acquire();
  if (!lease) {
    auto acquired = co_await instances_.acquire(invocation.context.cancel);
    if (!acquired) co_return std::unexpected(std::move(acquired).error());
    lease = *std::move(acquired);
  }
  async::CancelScope scope(invocation.context.cancel, core_.now() + version_->limits.call);
  StopLink stop_link(scope);
  stopping_.join(stop_link);
  const core::CallContext context = narrowed(invocation.context, scope);
  std::optional<Watched> watched;
  abi::HostInterface* host = this;
  if (context.observer != nullptr) host = &watched.emplace(*host, *context.observer);
  abi::CallFrame frame{context, *host, surroundings_.environment, version_->limits.guest, {}};
  auto outcome = co_await lease.guest().call(invocation.operation, invocation.payload, frame);
  if (const auto& text = lease.guest().guest_error(); context.observer != nullptr && text) {
    context.observer->guest_error(*text);
  }
  if (!outcome) co_return std::unexpected(std::move(outcome).error());
  core::Reply reply;
  reply.payload = *std::move(outcome);
  reply.usage = frame.usage;
  co_return reply;
}

async::Task<Result<void>> LocalActor::start_guest(abi::Guest& guest, async::CancelScope& scope) {
  StopLink stop_link(scope);
  stopping_.join(stop_link);
  const core::CallContext context{.id = core::CallId::make(),
                                  .deadline = scope.deadline(),
                                  .principal = {.tenant = version_->tenant,
                                                .caller = {.key = "system"},
                                                .origin = core::Origin::System},
                                  .cancel = scope};
  abi::CallFrame frame{context, *this, surroundings_.environment, version_->limits.guest, {}};
  auto started = co_await guest.start(frame);
  co_return started;
}

async::Task<Result<void>> LocalActor::start_first() {
  const async::Gate::Pass pass(gate_);
  async::CancelScope scope(core_, TimePoint::max());
  auto lease = co_await instances_.acquire(scope);
  if (!lease) co_return std::unexpected(std::move(lease).error());
  co_return Result<void>();
}

async::Task<void> LocalActor::stop(Duration grace) {
  async::OneShot<bool> empty(core_);
  gate_.close([&empty] { empty.set(true); });
  async::CallbackTimer patience([this] {
    instances_.close();  // wakes those who wait for an instance
    stopping_.cancel(async::CancelCause::Cancelled);
  });
  core_.arm(patience, core_.clock().now() + grace);
  static_cast<void>(co_await empty.wait());
  instances_.close();
}

async::Task<Result<core::Buffer>> LocalActor::host_call(const abi::HostRequest& request,
                                                        abi::CallFrame& frame) {
  auto grant = surroundings_.grants.find(request.binding, request.contract, request.operation);
  if (!grant) {
    surroundings_.audit.denied(
        {version_->subject, version_->name, request.operation, request.contract, "no link"});
    co_return std::unexpected(std::move(grant).error());
  }
  const core::CallContext& caller = frame.context;
  const core::CallContext context{.id = caller.id,
                                  .idempotency_key = caller.idempotency_key,
                                  .deadline = caller.deadline,
                                  .depth = caller.depth + 1,
                                  .trace = caller.trace,
                                  .principal = {.tenant = version_->tenant,
                                                .caller = {.key = version_->subject,
                                                           .name = version_->name,
                                                           .revision = version_->revision},
                                                .origin = caller.principal.origin,
                                                .link = (*grant)->link()},
                                  .cancel = caller.cancel,
                                  .parent = &caller};
  const core::Invocation invocation{**grant, request.operation, request.payload, nullptr, context};
  auto reply = co_await surroundings_.router.dispatch(invocation);
  if (!reply) co_return std::unexpected(shown_to_guest(std::move(reply).error(), **grant, request));
  co_return std::move(reply->payload);
}

/// The text that a guest of waSCC expects (wascc.md 4.3); our reason goes to the log.
Error LocalActor::shown_to_guest(Error error, const core::Grant& grant,
                                 const abi::HostRequest& request) {
  if (stopping_.cancelled()) return error;
  if (error.reason() == Reason::PolicyDenied) {
    surroundings_.audit.denied(
        {version_->subject, version_->name, request.operation, grant.contract(), grant.link()});
    return {Reason::PolicyDenied, "WebAssembly module authorization failure: Actor " +
                                      version_->subject + " attempted to call " +
                                      std::string(request.operation) + " on " +
                                      std::string(grant.contract()) + "," +
                                      std::string(grant.binding()) + " - PERMISSION DENIED."};
  }
  log::debug("host call failed", {{"actor", version_->name},
                                  {"contract", grant.contract()},
                                  {"operation", request.operation},
                                  {"reason", error.reason_text()},
                                  {"message", error.message()}});
  if (!is_actor_key(grant.contract())) {
    return {Reason::ProviderFailed,
            "Invocation failure: failed to invoke capability: " + error.message()};
  }
  std::string text = "Invocation failure: failed to invoke actor: " + error.message();
  // An error of the other actor's own is told as it is, one of ours with its reason.
  if (error.reason() != Reason::GuestError) {
    text.append(" (").append(error.reason_text()).append(")");
  }
  return {Reason::ProviderFailed, std::move(text)};
}

void LocalActor::guest_output(abi::OutputKind kind, std::string_view bytes) noexcept {
  log::info("guest output",
            {{"actor", version_->name}, {"stream", output_name(kind)}, {"text", bytes}});
}

void LocalActor::guest_output_dropped(std::uint64_t records, std::uint64_t bytes) noexcept {
  log::warn("guest output dropped",
            {{"actor", version_->name}, {"records", records}, {"bytes", bytes}});
}

}  // namespace trellis::actor
