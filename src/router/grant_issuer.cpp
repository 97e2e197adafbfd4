#include "trellis/router/grant_issuer.h"

#include <algorithm>
#include <utility>

namespace trellis::router {
namespace {

core::NameFilter filter_of(const std::optional<std::vector<std::string>>& names) {
  return names ? core::NameFilter::of(*names) : core::NameFilter::everything();
}

Result<void> require_claim(std::string_view holder, const std::vector<std::string>& capabilities,
                           std::string_view wanted) {
  if (std::ranges::find(capabilities, wanted) != capabilities.end()) return {};
  return fail(Reason::PolicyDenied, "the token of actor " + std::string(holder) +
                                        " does not claim " + std::string(wanted) +
                                        "; sign it with --cap " + std::string(wanted));
}

}  // namespace

Result<std::shared_ptr<const core::Grant>> GrantIssuer::from_link(
    std::string_view holder, const std::vector<std::string>& capabilities, core::Dispatcher& target,
    const LinkTerms& link) {
  TR_CHECK(require_claim(holder, capabilities, link.contract));
  std::shared_ptr<core::Grant> grant(new core::Grant);
  grant->target_ = &target;
  grant->contract_ = link.contract;
  grant->binding_ = link.binding;
  grant->tenant_ = link.tenant;
  grant->holder_ = holder;
  grant->link_ = link.name;
  grant->values_ = link.values;
  grant->operations_ =
      link.allow ? filter_of(link.allow->operations) : core::NameFilter::everything();
  grant->resources_ =
      link.allow ? filter_of(link.allow->resources) : core::NameFilter::everything();
  grant->revocation_ = link.revocation.flag();
  return grant;
}

Result<std::shared_ptr<const core::Grant>> GrantIssuer::to_actor(
    std::string_view holder, const std::vector<std::string>& capabilities, core::Dispatcher& target,
    std::string_view name, std::string_view tenant, const Revocation& revocation) {
  TR_CHECK(require_claim(holder, capabilities, name));
  std::shared_ptr<core::Grant> grant(new core::Grant);
  grant->target_ = &target;
  grant->contract_ = name;
  grant->tenant_ = tenant;
  grant->holder_ = holder;
  grant->link_ = std::string(holder) + " -> " + std::string(name);
  grant->operations_ = core::NameFilter::everything();
  grant->resources_ = core::NameFilter::everything();
  grant->revocation_ = revocation.flag();
  return grant;
}

std::shared_ptr<const core::Grant> GrantIssuer::for_host(
    core::Dispatcher& target, std::string_view contract, std::string_view tenant,
    std::string_view link, const Revocation& revocation, const std::optional<Allow>& allow) {
  std::shared_ptr<core::Grant> grant(new core::Grant);
  grant->target_ = &target;
  grant->contract_ = contract;
  grant->binding_ = "default";
  grant->tenant_ = tenant;
  grant->holder_ = "system";
  grant->link_ = link;
  grant->operations_ = allow ? filter_of(allow->operations) : core::NameFilter::everything();
  grant->resources_ = core::NameFilter::everything();
  grant->revocation_ = revocation.flag();
  return grant;
}

}  // namespace trellis::router
