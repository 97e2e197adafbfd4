// The only maker of grants: from a verified token and a link, or from a token alone for calls
// between actors. Nothing else in the program can construct a core::Grant.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trellis/base/error.h"
#include "trellis/core/grant.h"

namespace trellis::router {

/// Set once, when what the grants of this flag point to is stopped or unlinked. Shared by the
/// grants of one link or one target; written by the control plane, read on every call.
class Revocation {
 public:
  Revocation() : flag_(std::make_shared<std::atomic<bool>>(false)) {}

  void revoke() const noexcept { flag_->store(true, std::memory_order_relaxed); }

  bool revoked() const noexcept { return flag_->load(std::memory_order_relaxed); }

  std::shared_ptr<const std::atomic<bool>> flag() const { return flag_; }

 private:
  std::shared_ptr<std::atomic<bool>> flag_;
};

/// What a link of a manifest allows its actor; an absent list restricts nothing, an empty list
/// grants nothing.
struct Allow {
  std::optional<std::vector<std::string>> operations;
  std::optional<std::vector<std::string>> resources;
};

/// One link, ready to become grants.
struct LinkTerms {
  std::string contract;  // as the actor's token spells it
  std::string binding = "default";
  std::string tenant;
  std::string name;  // "counter -> store", for logs
  std::map<std::string, std::string, std::less<>> values;
  std::optional<Allow> allow;  // absent: the whole contract
  Revocation revocation;
};

class GrantIssuer {
 public:
  /// A grant for the actor `holder`, whose verified token lists `capabilities`;
  /// Reason::PolicyDenied when the token does not claim the contract. `target` outlives the grant.
  static Result<std::shared_ptr<const core::Grant>> from_link(
      std::string_view holder, const std::vector<std::string>& capabilities,
      core::Dispatcher& target, const LinkTerms& link);

  /// A grant to call another actor under `name` (its key or call alias), which `capabilities` must
  /// hold.
  static Result<std::shared_ptr<const core::Grant>> to_actor(
      std::string_view holder, const std::vector<std::string>& capabilities,
      core::Dispatcher& target, std::string_view name, std::string_view tenant,
      const Revocation& revocation);

  /// The host's own authority over an actor: a transport that was linked to it by the manifest, or
  /// a person at the control socket. `contract` is what the actor speaks on it; `allow` narrows
  /// what may be called.
  static std::shared_ptr<const core::Grant> for_host(core::Dispatcher& target,
                                                     std::string_view contract,
                                                     std::string_view tenant, std::string_view link,
                                                     const Revocation& revocation,
                                                     const std::optional<Allow>& allow = {});
};

}  // namespace trellis::router
