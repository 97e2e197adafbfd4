#include "trellis/net/http/request.h"

#include "trellis/net/http/syntax.h"

namespace trellis::http {

std::optional<std::string_view> Request::header(std::string_view name) const noexcept {
  for (const HeaderView field : headers()) {
    if (equal_ignoring_case(field.name, name)) return field.value;
  }
  return std::nullopt;
}

}  // namespace trellis::http
