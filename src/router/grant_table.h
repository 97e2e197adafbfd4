// What one actor may call, on one core: the links of its manifest, compiled to grants when the
// actor starts or a link changes, and the actors that its token names, resolved at their first
// call. Looking a grant up is a scan of a handful of entries.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "trellis/base/error.h"
#include "trellis/core/grant.h"
#include "trellis/core/grant_source.h"
#include "trellis/router/directory.h"

namespace trellis::router {

class GrantTable final : public core::GrantSource {
 public:
  /// `directory` is the one of the core and outlives the table.
  GrantTable(std::string holder, std::string tenant, std::vector<std::string> capabilities,
             const Directory& directory)
      : holder_(std::move(holder)),
        tenant_(std::move(tenant)),
        capabilities_(std::move(capabilities)),
        directory_(directory) {}

  const std::string& holder() const noexcept { return holder_; }

  /// Adds the grant of a link; Reason::PolicyDenied when the token does not claim its contract.
  Result<void> add_link(core::Dispatcher& target, const LinkTerms& link);

  Result<std::shared_ptr<const core::Grant>> find(std::string_view binding,
                                                  std::string_view contract,
                                                  std::string_view operation) override;

 private:
  std::string holder_;
  std::string tenant_;
  std::vector<std::string> capabilities_;
  const Directory& directory_;
  std::vector<std::shared_ptr<const core::Grant>> links_;
  std::vector<std::shared_ptr<const core::Grant>> actors_;
};

}  // namespace trellis::router
