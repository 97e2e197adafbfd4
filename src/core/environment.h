// Everything of the machine that a guest can see: clocks, random bytes, arguments, variables.
// Guests reach them only through this interface, so that determinism, frozen time, record and
// replay are one implementation each.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "trellis/base/bytes.h"

namespace trellis::core {

class Environment {
 public:
  virtual ~Environment() = default;
  /// Nanoseconds since the Unix epoch.
  virtual std::int64_t wall_nanoseconds() noexcept = 0;
  /// Nanoseconds since an arbitrary moment; never goes back.
  virtual std::int64_t monotonic_nanoseconds() noexcept = 0;
  /// Fills with cryptographically secure bytes (or seeded ones, in a deterministic run).
  virtual void random(MutableByteView into) noexcept = 0;
  virtual std::span<const std::string> arguments() const noexcept = 0;
  virtual std::span<const std::pair<std::string, std::string>> variables() const noexcept = 0;
};

/// The real clocks and random source, no arguments, no variables. Any thread; lives for the whole
/// process.
Environment& system_environment() noexcept;

}  // namespace trellis::core
