// Internal invariants. TR_ASSERT is on in every build: a broken invariant in a host of other
// people's code must stop the process, not go on with it. TR_DCHECK is for hot paths.
#pragma once

namespace trellis {

[[noreturn]] void assertion_failed(const char* expression, const char* file, int line) noexcept;

}  // namespace trellis

#define TR_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : ::trellis::assertion_failed(#condition, __FILE__, __LINE__))

#ifdef NDEBUG
#define TR_DCHECK(condition) static_cast<void>(sizeof(!(condition)))
#else
#define TR_DCHECK(condition) TR_ASSERT(condition)
#endif
