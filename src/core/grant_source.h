// Where an actor's grants come from: the one thing that src/actor needs of src/router.
#pragma once

#include <memory>
#include <string_view>

#include "trellis/base/error.h"
#include "trellis/core/grant.h"

namespace trellis::core {

class GrantSource {
 public:
  GrantSource() noexcept = default;
  GrantSource(const GrantSource&) = delete;
  GrantSource& operator=(const GrantSource&) = delete;
  virtual ~GrantSource() = default;

  /// The live grant for what a guest named; an empty binding means `default`. The error is the
  /// denial, Reason::PolicyDenied, and its message the text that a guest of waSCC expects.
  virtual Result<std::shared_ptr<const Grant>> find(std::string_view binding,
                                                    std::string_view contract,
                                                    std::string_view operation) = 0;
};

}  // namespace trellis::core
