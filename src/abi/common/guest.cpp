#include "trellis/abi/common/guest.h"

namespace trellis::abi {

std::string_view resolve_binding(std::string_view binding) noexcept {
  return binding.find_first_not_of(" \t\r\n") == std::string_view::npos ? kDefaultBinding : binding;
}

}  // namespace trellis::abi
