#include "trellis/router/grant_table.h"

#include <algorithm>
#include <utility>

namespace trellis::router {
namespace {

/// The text of waSCC (wascc.md 4.3): guests and their tests match it.
std::unexpected<Error> denied(std::string_view holder, std::string_view operation,
                              std::string_view contract, std::string_view binding) {
  std::string text = "WebAssembly module authorization failure: Actor ";
  text.append(holder).append(" attempted to call ").append(operation).append(" on ");
  text.append(contract).append(",").append(binding).append(" - PERMISSION DENIED.");
  return fail(Reason::PolicyDenied, std::move(text));
}

}  // namespace

Result<void> GrantTable::add_link(core::Dispatcher& target, const LinkTerms& link) {
  TR_TRY(auto grant, GrantIssuer::from_link(holder_, capabilities_, target, link));
  std::erase_if(links_, [](const auto& old) { return !old->live(); });
  links_.push_back(std::move(grant));
  return {};
}

Result<std::shared_ptr<const core::Grant>> GrantTable::find(std::string_view binding,
                                                            std::string_view contract,
                                                            std::string_view operation) {
  if (binding.find_first_not_of(" \t") == std::string_view::npos) binding = "default";
  for (const auto& grant : links_) {
    if (grant->contract() == contract && grant->binding() == binding && grant->live()) {
      if (!grant->permits_operation(operation)) {
        return denied(holder_, operation, contract, binding);
      }
      return grant;
    }
  }
  for (const auto& grant : actors_) {
    if (grant->contract() == contract && grant->live()) return grant;
  }
  const Directory::Entry* entry = directory_.find(contract);
  if (entry == nullptr || entry->revocation.revoked()) {
    return denied(holder_, operation, contract, binding);
  }
  auto grant = GrantIssuer::to_actor(holder_, capabilities_, *entry->target, contract, tenant_,
                                     entry->revocation);
  if (!grant) return denied(holder_, operation, contract, binding);
  std::erase_if(actors_, [](const auto& old) { return !old->live(); });
  actors_.push_back(*grant);
  return grant;
}

}  // namespace trellis::router
