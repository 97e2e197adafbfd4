#include "trellis/base/clock.h"

#include <ctime>

namespace trellis {
namespace {

std::int64_t read(clockid_t clock) noexcept {
  timespec time{};
  ::clock_gettime(clock, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

class SystemClock final : public Clock {
 public:
  TimePoint now() const noexcept override { return SteadyClock::now(); }

  std::int64_t wall_nanoseconds() const noexcept override {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }

  std::int64_t coarse_wall_nanoseconds() const noexcept override {
    return read(CLOCK_REALTIME_COARSE);
  }
};

}  // namespace

const Clock& system_clock() noexcept {
  static const SystemClock clock;
  return clock;
}

}  // namespace trellis
