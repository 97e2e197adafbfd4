// What the kernel allows this process: read once at start, printed, never changed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace trellis::engine {

struct SystemLimits {
  std::uint64_t ram_bytes = 0;           // of the machine or of the cgroup, whichever is less
  std::uint64_t max_map_count = 65'530;  // vm.max_map_count
  unsigned overcommit = 0;               // vm.overcommit_memory: 2 counts reservations
  bool huge_pages_always = false;        // transparent_hugepage/enabled is [always]
  bool swap = true;                      // this process may be swapped out
  bool pagemap_scan = false;             // the kernel has PAGEMAP_SCAN
  std::uint64_t open_files = 0;          // RLIMIT_NOFILE, soft
  std::uint64_t address_space = 0;       // RLIMIT_AS, soft; UINT64_MAX: unlimited
  unsigned address_bits = 0;             // of user space, as one probe mapping shows
  unsigned cores = 1;                    // that this process may run on

  /// Whether a slot may be reset by PAGEMAP_SCAN: it skips pages that were swapped out.
  bool may_scan() const noexcept { return pagemap_scan && !swap; }
};

/// Reads /proc, /sys and the rlimits; what cannot be read keeps its (cautious) default.
SystemLimits read_system_limits();

/// True while neither the cgroup nor the system can swap this process out. To be asked again now
/// and then: swap may be switched on later.
bool swap_is_off();

struct Verdict {
  bool good = true;
  std::string text;  // "vm.max_map_count 65530: at most 11106 live instances; raise it with ..."
};

/// One line for each item that matters, good ones included.
std::vector<Verdict> verdicts(const SystemLimits& limits);

/// For the host's process, before it has threads: RUST_BACKTRACE makes every error that the engine
/// drops cost 4 us.
void clear_backtrace_environment();

}  // namespace trellis::engine
