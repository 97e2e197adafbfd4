// A grant is the authority to call one target: a capability in the strict sense. It is made only by
// router::GrantIssuer, from a verified claim and a link; holding a reference to a live one is the
// permission. Revoking bumps a generation that every call compares.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::router {
class GrantIssuer;
}

namespace trellis::core {

class Dispatcher;

/// Names that a link allows. Exact, unless the pattern ends in `*`, which stands for any rest.
/// The default allows nothing.
class NameFilter {
 public:
  static NameFilter nothing() { return {}; }

  static NameFilter everything() {
    NameFilter filter;
    filter.all_ = true;
    return filter;
  }

  /// Allows what matches one of `patterns`; none: nothing.
  static NameFilter of(std::vector<std::string> patterns) {
    NameFilter filter;
    filter.patterns_ = std::move(patterns);
    return filter;
  }

  bool allows(std::string_view name) const noexcept;

 private:
  bool all_ = false;
  std::vector<std::string> patterns_;
};

class Grant {
 public:
  Grant(const Grant&) = delete;
  Grant& operator=(const Grant&) = delete;

  /// What the call goes to. Outlives the grant.
  Dispatcher& target() const noexcept { return *target_; }

  /// The contract id as the actor's token spells it ("wascc:keyvalue"), or the key of an actor.
  std::string_view contract() const noexcept { return contract_; }

  std::string_view binding() const noexcept { return binding_; }

  std::string_view tenant() const noexcept { return tenant_; }

  /// The subject of the actor that holds the grant; "system" for the host's own.
  std::string_view holder() const noexcept { return holder_; }

  /// The link's name for logs: "counter -> store".
  std::string_view link() const noexcept { return link_; }

  /// A value of the link ("store"), or nullptr.
  const std::string* value(std::string_view key) const noexcept;

  bool permits_operation(std::string_view operation) const noexcept {
    return operations_.allows(operation);
  }

  /// For the provider: whether the link allows this resource (a key, a path).
  bool permits_resource(std::string_view resource) const noexcept {
    return resources_.allows(resource);
  }

  /// False once the grant was revoked.
  bool live() const noexcept {
    return revocation_ != nullptr && !revocation_->load(std::memory_order_relaxed);
  }

 private:
  friend class ::trellis::router::GrantIssuer;
  Grant() = default;

  Dispatcher* target_ = nullptr;
  std::string contract_;
  std::string binding_;
  std::string tenant_;
  std::string holder_;
  std::string link_;
  std::map<std::string, std::string, std::less<>> values_;
  NameFilter operations_;
  NameFilter resources_;
  std::shared_ptr<const std::atomic<bool>> revocation_;
};

}  // namespace trellis::core
