// Time. Deadlines use the monotonic clock, tokens and logs the wall clock; both are injected, so
// that a test can set them.
#pragma once

#include <chrono>
#include <cstdint>

namespace trellis {

using SteadyClock = std::chrono::steady_clock;
using TimePoint = SteadyClock::time_point;
using Duration = SteadyClock::duration;

/// Seconds since 1970-01-01T00:00:00Z.
using UnixSeconds = std::int64_t;

/// The two clocks. Stateless implementations may be called from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint now() const noexcept = 0;
  /// Nanoseconds since the Unix epoch.
  virtual std::int64_t wall_nanoseconds() const noexcept = 0;

  /// wall_nanoseconds(), up to a timer tick of the kernel (1 to 10 ms) ago, for a quarter of the
  /// price.
  virtual std::int64_t coarse_wall_nanoseconds() const noexcept { return wall_nanoseconds(); }

  UnixSeconds wall_seconds() const noexcept { return wall_nanoseconds() / 1'000'000'000; }
};

/// The machine's clocks; lives for the whole process.
const Clock& system_clock() noexcept;

}  // namespace trellis
