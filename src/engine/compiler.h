// Compiles untrusted modules in a process of their own: a compile bomb costs its sender an error
// and nobody else anything.
//
// The worker is the same binary in the mode `compile-worker`: empty environment, module and result
// in memfds, no other descriptor, CPU, memory and wall limits, seccomp. It sees neither the MAC key
// nor the cache.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "trellis/base/bytes.h"
#include "trellis/base/clock.h"
#include "trellis/base/error.h"
#include "trellis/engine/code_cache.h"
#include "trellis/engine/engine.h"
#include "trellis/engine/module.h"

namespace trellis::engine {

struct CompileLimits {
  std::chrono::seconds cpu{5};
  std::chrono::milliseconds wall{10'000};
  std::uint64_t resident_bytes = 512u << 20;  // the output included
  std::uint64_t address_bytes = 2ull << 30;
  std::uint64_t output_bytes = 64u << 20;
};

struct CompilerOptions {
  /// The binary whose `compile-worker` mode compiles; empty: this one (/proc/self/exe).
  std::filesystem::path executable = {};
  /// "NAME=value" for the worker: sanitizers have their options there. Otherwise empty.
  std::vector<std::string> environment = {};
  CompileLimits limits = {};
  unsigned workers = 1;         // processes at once: the number of cores
  std::size_t max_queued = 64;  // waiting calls beyond that get engine.limit.compile
  std::size_t remembered_failures = 256;
  std::chrono::seconds remember_for{60};
};

/// Thread-safe. Calls block: make them on an OffloadPool thread.
class Compiler {
 public:
  explicit Compiler(CompilerOptions options, const Clock& clock = system_clock());
  Compiler(const Compiler&) = delete;
  Compiler& operator=(const Compiler&) = delete;

  /// Machine code for the engine's settings. engine.limit.compile when a limit ended it or too many
  /// wait; module.malformed or module.unsupported when the compiler refused it.
  Result<Bytes> compile(const Engine& engine, ByteView module);

 private:
  struct Remembered {
    CacheKey key;
    TimePoint until;
    Error error;
  };

  Result<void> take_place();
  void give_place();
  std::optional<Error> recall(const CacheKey& key);
  void remember(const CacheKey& key, const Error& error);
  Result<Bytes> run_worker(const Engine& engine, ByteView module);

  CompilerOptions options_;
  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable free_;
  unsigned running_ = 0;
  std::size_t queued_ = 0;
  std::list<Remembered> failures_;
};

/// The argument with which the binary becomes the worker.
inline constexpr const char* kCompileWorkerMode = "compile-worker";

/// The whole life of the worker; main returns its result at once when argv[1] is
/// kCompileWorkerMode.
int compile_worker_main() noexcept;

/// From bytes to a module: inspect, cache, compile in the worker, store, deserialize. Blocks.
class Loader {
 public:
  /// All outlive the loader; `cache` and `compiler` may be null (no cache; compile in process).
  Loader(const Engine& engine, CodeCache* cache, Compiler* compiler) noexcept
      : engine_(engine), cache_(cache), compiler_(compiler) {}

  Result<std::shared_ptr<const Module>> load(ByteView module) const;

 private:
  const Engine& engine_;
  CodeCache* cache_;
  Compiler* compiler_;
};

}  // namespace trellis::engine
