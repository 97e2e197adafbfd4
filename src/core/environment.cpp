#include "trellis/core/environment.h"

#include <sys/random.h>

#include <cerrno>

#include "trellis/base/assert.h"
#include "trellis/base/clock.h"

namespace trellis::core {
namespace {

class SystemEnvironment final : public Environment {
 public:
  std::int64_t wall_nanoseconds() noexcept override { return system_clock().wall_nanoseconds(); }

  std::int64_t monotonic_nanoseconds() noexcept override {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               system_clock().now().time_since_epoch())
        .count();
  }

  void random(MutableByteView into) noexcept override {
    while (!into.empty()) {
      const ssize_t got = ::getrandom(into.data(), into.size(), 0);
      TR_ASSERT(got > 0 || errno == EINTR);
      if (got > 0) into = into.subspan(static_cast<std::size_t>(got));
    }
  }

  std::span<const std::string> arguments() const noexcept override { return {}; }

  std::span<const std::pair<std::string, std::string>> variables() const noexcept override {
    return {};
  }
};

}  // namespace

Environment& system_environment() noexcept {
  static SystemEnvironment environment;
  return environment;
}

}  // namespace trellis::core
