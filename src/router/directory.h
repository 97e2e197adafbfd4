// The actors that one core can call, by key and by call alias. One per core, changed only on that
// core (the host posts changes).
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "trellis/base/error.h"
#include "trellis/core/invocation.h"
#include "trellis/router/grant_issuer.h"

namespace trellis::router {

class Directory {
 public:
  struct Entry {
    core::Dispatcher* target = nullptr;
    Revocation revocation;
  };

  /// `target` stays alive until remove(). An alias that another actor holds stays with that actor:
  /// the first one wins.
  void add(std::string_view key, std::string_view alias, core::Dispatcher& target,
           const Revocation& revocation);
  void remove(std::string_view key);

  /// nullptr when no such actor is there.
  const Entry* find(std::string_view key_or_alias) const;

 private:
  std::map<std::string, Entry, std::less<>> by_key_;
  std::map<std::string, std::string, std::less<>> key_of_alias_;
};

}  // namespace trellis::router
