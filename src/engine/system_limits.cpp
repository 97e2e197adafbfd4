#include "trellis/engine/system_limits.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>

#include "trellis/engine/engine.h"
#include "trellis/engine/wasmtime_support.h"

namespace trellis::engine {
namespace {

constexpr const char* kCgroupRoot = "/sys/fs/cgroup";

std::optional<std::string> first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  return line;
}

std::optional<std::uint64_t> number_in(const std::string& path) {
  const auto line = first_line(path);
  if (!line) return std::nullopt;
  std::uint64_t value = 0;
  const char* end = line->data() + line->size();
  if (std::from_chars(line->data(), end, value).ec != std::errc()) return std::nullopt;
  return value;
}

// The folders of this process's cgroup (version 2) and of its parents, innermost first.
std::vector<std::string> cgroup_folders() {
  std::vector<std::string> folders;
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("0::/")) continue;
    for (std::string path = line.substr(3); path.size() > 1;) {
      folders.push_back(kCgroupRoot + path);
      path.resize(path.rfind('/'));
    }
  }
  folders.emplace_back(kCgroupRoot);
  return folders;
}

std::uint64_t read_ram() {
  struct sysinfo info{};
  std::uint64_t ram = 0;
  if (::sysinfo(&info) == 0) ram = std::uint64_t{info.totalram} * info.mem_unit;
  for (const std::string& folder : cgroup_folders()) {
    if (const auto limit = number_in(folder + "/memory.max")) ram = std::min(ram, *limit);
  }
  return ram;
}

unsigned probe_address_bits() {
  for (unsigned bits = 47; bits >= 36; --bits) {
    const std::size_t half = std::size_t{1} << (bits - 1);
    void* place =
        ::mmap(nullptr, half, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (place == MAP_FAILED) continue;
    ::munmap(place, half);
    return bits;
  }
  return 0;
}

std::uint64_t soft_limit(__rlimit_resource_t resource) {
  rlimit limit{};
  if (::getrlimit(resource, &limit) != 0) return 0;
  return limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : std::uint64_t{limit.rlim_cur};
}

std::string megabytes(std::uint64_t bytes) {
  return std::to_string(bytes >> 20) + " MiB";
}

}  // namespace

bool swap_is_off() {
  for (const std::string& folder : cgroup_folders()) {
    if (number_in(folder + "/memory.swap.max") == 0) return true;
  }
  std::ifstream file("/proc/swaps");
  std::string line;
  if (!std::getline(file, line)) return false;  // no table at all: not known
  while (std::getline(file, line)) {
    if (!line.empty()) return false;
  }
  return true;
}

SystemLimits read_system_limits() {
  SystemLimits limits;
  limits.ram_bytes = read_ram();
  limits.max_map_count = number_in("/proc/sys/vm/max_map_count").value_or(limits.max_map_count);
  limits.overcommit =
      static_cast<unsigned>(number_in("/proc/sys/vm/overcommit_memory").value_or(0));
  const auto huge = first_line("/sys/kernel/mm/transparent_hugepage/enabled");
  limits.huge_pages_always = huge && huge->find("[always]") != std::string::npos;
  limits.swap = !swap_is_off();
  limits.pagemap_scan = tr_pagemap_scan_available();
  limits.open_files = soft_limit(RLIMIT_NOFILE);
  limits.address_space = soft_limit(RLIMIT_AS);
  limits.address_bits = probe_address_bits();
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) == 0) {
    limits.cores = static_cast<unsigned>(std::max(CPU_COUNT(&set), 1));
  }
  return limits;
}

std::vector<Verdict> verdicts(const SystemLimits& limits) {
  constexpr std::uint64_t kWantedFiles = 4096;
  std::vector<Verdict> list;
  const std::uint32_t pool = fit_pool(limits);
  list.push_back({limits.ram_bytes >= (std::uint64_t{1} << 30),
                  "memory " + megabytes(limits.ram_bytes) + ", " + std::to_string(limits.cores) +
                      " cores: a pool of " + std::to_string(pool) + " instances"});
  list.push_back({pool >= kMaxPoolInstances,
                  "vm.max_map_count " + std::to_string(limits.max_map_count) +
                      (pool >= kMaxPoolInstances
                           ? ": enough"
                           : ": raise it for more instances: sysctl vm.max_map_count=" +
                                 std::to_string(5 * std::uint64_t{kMaxPoolInstances} + 10'000))});
  list.push_back({limits.overcommit != 2,
                  "vm.overcommit_memory " + std::to_string(limits.overcommit) +
                      (limits.overcommit == 2 ? ": reservations count as used memory, set 0 or 1"
                                              : ": fine")});
  list.push_back(
      {!limits.huge_pages_always,
       limits.huge_pages_always
           ? "transparent huge pages [always]: a guest may take 2 MiB at once, set madvise"
           : "transparent huge pages: not [always]"});
  list.push_back(
      {!limits.swap, limits.swap ? "swap is on: instances are reset the slow way" : "swap is off"});
  list.push_back({limits.pagemap_scan, limits.pagemap_scan
                                           ? "PAGEMAP_SCAN: available"
                                           : "PAGEMAP_SCAN: missing (Linux 6.7), slow resets"});
  list.push_back({limits.open_files >= kWantedFiles,
                  "open files " + std::to_string(limits.open_files) +
                      (limits.open_files >= kWantedFiles ? ": enough" : ": raise ulimit -n")});
  list.push_back(
      {limits.address_space == UINT64_MAX, limits.address_space == UINT64_MAX
                                               ? "address space: unlimited"
                                               : "address space limited: ulimit -v unlimited"});
  list.push_back({limits.address_bits >= 47,
                  std::to_string(limits.address_bits) + " bits of user address space"});
  return list;
}

void clear_backtrace_environment() {
  ::unsetenv("RUST_BACKTRACE");      // NOLINT(concurrency-mt-unsafe): at start-up only
  ::unsetenv("RUST_LIB_BACKTRACE");  // NOLINT(concurrency-mt-unsafe): at start-up only
}

}  // namespace trellis::engine
