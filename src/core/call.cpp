#include "trellis/core/call.h"

#include <array>
#include <bit>
#include <cstdio>
#include <cstring>

#include "trellis/core/environment.h"

namespace trellis::core {
namespace {

/// Random bits of one thread: xoshiro256++ (Blackman and Vigna, 2019), seeded by the kernel. An id
/// has to be unique, not secret, and a system call for each would cost more than the call.
class RandomBits {
 public:
  RandomBits() { system_environment().random(std::as_writable_bytes(std::span(state_))); }

  std::uint64_t next() noexcept {
    const std::uint64_t result = std::rotl(state_[0] + state_[3], 23) + state_[0];
    const std::uint64_t shifted = state_[1] << 17U;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

 private:
  std::array<std::uint64_t, 4> state_{};
};

}  // namespace

CallId CallId::make() {
  thread_local RandomBits random;
  const auto milliseconds =
      static_cast<std::uint64_t>(system_clock().coarse_wall_nanoseconds() / 1'000'000);
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
