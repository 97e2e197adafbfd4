#include "trellis/core/call.h"

#include <array>
#include <cstdio>
#include <cstring>

#include "trellis/core/environment.h"

namespace trellis::core {
namespace {

/// Random bits of one thread, fetched in blocks: a system call per call id would cost more than the
/// call.
class RandomBlock {
 public:
  std::uint64_t next() {
    if (used_ == block_.size()) {
      system_environment().random(std::as_writable_bytes(std::span(block_)));
      used_ = 0;
    }
    return block_[used_++];
  }

 private:
  std::array<std::uint64_t, 128> block_{};
  std::size_t used_ = 128;
};

}  // namespace

CallId CallId::make() {
  thread_local RandomBlock random;
  const auto milliseconds =
      static_cast<std::uint64_t>(system_clock().wall_nanoseconds() / 1'000'000);
  const std::uint64_t bits = random.next();
  return {(milliseconds << 16U) | 0x7000U | (bits & 0x0FFFU),
          (random.next() >> 2U) | (std::uint64_t{1} << 63U)};
}

std::string CallId::text() const {
  std::array<char, 40> out{};
  static_cast<void>(std::snprintf(out.data(), out.size(), "%08llx-%04llx-%04llx-%04llx-%012llx",
                                  static_cast<unsigned long long>(high >> 32U),
                                  static_cast<unsigned long long>((high >> 16U) & 0xFFFFU),
                                  static_cast<unsigned long long>(high & 0xFFFFU),
                                  static_cast<unsigned long long>(low >> 48U),
                                  static_cast<unsigned long long>(low & 0xFFFFFFFFFFFFULL)));
  return out.data();
}

Outcome outcome_of(const Error& error) noexcept {
  switch (error.code()) {
    case Code::PermissionDenied: return Outcome::Denied;
    case Code::DeadlineExceeded: return Outcome::Deadline;
    case Code::Cancelled: return Outcome::Cancelled;
    case Code::Unknown:
    case Code::Aborted:
    case Code::InvalidArgument: return Outcome::GuestError;
    default: return Outcome::Unavailable;
  }
}

}  // namespace trellis::core
