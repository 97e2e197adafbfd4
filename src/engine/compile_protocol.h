// Internal to engine/*.cpp: what passes between a host and its compile worker, always the same
// binary, through two memory files.
//
// Descriptor 3, sealed: WorkerHeader, then the module. Descriptor 4, empty: one byte (Answer), then
// the machine code or an error text.
#pragma once

#include <cstdint>

namespace trellis::engine {

inline constexpr int kWorkerInput = 3;
inline constexpr int kWorkerOutput = 4;
inline constexpr std::uint64_t kWorkerMagic = 0x31'6c'70'6d'6f'63'72'74;  // "trcompl1"

struct WorkerHeader {
  std::uint64_t magic = kWorkerMagic;
  std::uint64_t profile = 0;
  std::uint64_t max_memory_bytes = 0;
  std::uint64_t compatibility = 0;  // of the host's engine: the worker's must be the same
  std::uint64_t module_bytes = 0;
};

enum class Answer : std::uint8_t { Code = 1, Refused = 2, Incompatible = 3 };

/// Exit status of a worker that could not lock itself in, and so did not compile.
inline constexpr int kExitNoSandbox = 4;

/// Forbids this process everything that compiling does not need: opening files, sockets, programs,
/// processes, threads, executable memory. For the rest of its life; false when the kernel refuses.
bool enter_compile_sandbox() noexcept;

}  // namespace trellis::engine
