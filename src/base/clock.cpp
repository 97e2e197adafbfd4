#include "trellis/base/clock.h"

namespace trellis {
namespace {

class SystemClock final : public Clock {
 public:
  TimePoint now() const noexcept override { return SteadyClock::now(); }

  std::int64_t wall_nanoseconds() const noexcept override {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
};

}  // namespace

const Clock& system_clock() noexcept {
  static const SystemClock clock;
  return clock;
}

}  // namespace trellis
