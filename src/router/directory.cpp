#include "trellis/router/directory.h"

namespace trellis::router {

void Directory::add(std::string_view key, std::string_view alias, core::Dispatcher& target,
                    const Revocation& revocation) {
  by_key_.insert_or_assign(std::string(key), Entry{&target, revocation});
  // A contract id is never an alias: an actor must not pose as a provider.
  if (!alias.empty() && alias.find(':') == std::string_view::npos)
    key_of_alias_.try_emplace(std::string(alias), key);
}

void Directory::remove(std::string_view key) {
  const auto found = by_key_.find(key);
  if (found != by_key_.end()) by_key_.erase(found);
  std::erase_if(key_of_alias_, [key](const auto& item) { return item.second == key; });
}

const Directory::Entry* Directory::find(std::string_view key_or_alias) const {
  auto found = by_key_.find(key_or_alias);
  if (found == by_key_.end()) {
    const auto alias = key_of_alias_.find(key_or_alias);
    if (alias == key_of_alias_.end()) return nullptr;
    found = by_key_.find(alias->second);
  }
  return found == by_key_.end() ? nullptr : &found->second;
}

}  // namespace trellis::router
