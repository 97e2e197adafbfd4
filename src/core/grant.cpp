#include "trellis/core/grant.h"

#include <algorithm>

namespace trellis::core {

bool NameFilter::allows(std::string_view name) const noexcept {
  if (all_) return true;
  return std::ranges::any_of(patterns_, [name](const std::string& pattern) {
    if (pattern.ends_with('*')) {
      return name.starts_with(std::string_view(pattern).substr(0, pattern.size() - 1));
    }
    return name == pattern;
  });
}

const std::string* Grant::value(std::string_view key) const noexcept {
  const auto found = values_.find(key);
  return found == values_.end() ? nullptr : &found->second;
}

}  // namespace trellis::core
