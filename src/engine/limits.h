// The bounds of one engine and of the modules that it runs. Settable; each is tested at its edge.
#pragma once

#include <cstddef>
#include <cstdint>

namespace trellis::engine {

/// A set of compile and memory settings that cannot be mixed: every profile is an engine, a pool
/// and a set of compiled files of its own.
enum class Profile : std::uint8_t {
  Dense,  // 64 MiB reserved an instance, explicit bounds check, epochs: many small actors
};

/// The stable name of a profile; part of the cache key.
constexpr const char* profile_name(Profile profile) noexcept {
  switch (profile) {
    case Profile::Dense: return "dense";
  }
  return "unknown";
}

struct Limits {
  std::size_t max_module_bytes = 16u << 20;
  std::uint64_t max_memory_bytes = 64u << 20;  // of the one memory; also the profile's reservation
  std::uint32_t max_tables = 4;
  std::uint32_t max_table_elements = 16'384;  // of each table
};

/// Bytes of a WebAssembly page.
inline constexpr std::uint64_t kWasmPageBytes = 65'536;

}  // namespace trellis::engine
