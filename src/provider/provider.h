// A provider: the other end of a contract, a Dispatcher with an identity and a life.
//
// The host makes providers, starts them, links actors to them and stops them, all on its control
// thread; dispatch() runs on the core of the caller, on several cores at once. A provider trusts
// the grant and the principal of an invocation and nothing that the payload says about who asks.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "trellis/base/error.h"
#include "trellis/core/invocation.h"
#include "trellis/provider/contract.h"

namespace trellis::provider {

/// The holder of grants that the host gives to itself.
inline constexpr std::string_view kSystemHolder = "system";

class Provider : public core::Dispatcher {
 public:
  /// `name` is the manifest's.
  Provider(std::string name, const Contract& contract) noexcept
      : name_(std::move(name)), contract_(contract) {}

  const std::string& name() const noexcept { return name_; }

  const Contract& contract() const noexcept { return contract_; }

  /// Before the first link. Opening files and the like happens in the factory.
  virtual Result<void> start() { return {}; }

  /// After the last call has returned. Idempotent.
  virtual void stop() noexcept {}

  /// An actor got a link: `grant` is what its calls will carry. An error refuses the link.
  virtual Result<void> bind(const core::Grant& grant) {
    static_cast<void>(grant);
    return {};
  }

  /// The link is gone; calls that run may still end.
  virtual void unbind(const core::Grant& grant) noexcept { static_cast<void>(grant); }

 private:
  std::string name_;
  const Contract& contract_;
};

/// What is left when an operation is none of the contract's: `GetCapabilityDescriptor`,
/// `BindActor`, `RemoveActor` and `HealthRequest` for the host itself, else contract.operation.
Result<core::Reply> answer_other(const Contract& contract, const core::Invocation& invocation);

/// policy.denied in the words of wascc.md 4.3: the link does not allow a resource of the request.
std::unexpected<Error> denied(const core::Invocation& invocation);

/// A reply of plain bytes.
inline core::Reply reply_with(Bytes payload) {
  return {.payload = core::Buffer(std::move(payload)), .stream = nullptr, .usage = {}};
}

}  // namespace trellis::provider
