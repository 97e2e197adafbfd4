#include "trellis/base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace trellis {

void assertion_failed(const char* expression, const char* file, int line) noexcept {
  static_cast<void>(
      std::fprintf(stderr, "trellis: assertion failed: %s (%s:%d)\n", expression, file, line));
  std::abort();
}

}  // namespace trellis
