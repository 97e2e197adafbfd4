// The engine: Wasmtime set up for one profile, with its pool of instance slots.
//
// One per profile and process, made by whoever composes (a host, a one-shot command, a test) when
// the profile is first needed; outlives everything made with it. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "trellis/base/bytes.h"
#include "trellis/base/error.h"
#include "trellis/engine/limits.h"
#include "trellis/engine/system_limits.h"

struct wasm_engine_t;

namespace trellis::engine {

struct EngineOptions {
  Profile profile = Profile::Dense;
  Limits limits = {};
  /// Instances that may live at once; each also needs a fibre stack. 16 suits a one-shot command,
  /// fit_pool() a host.
  std::uint32_t instances = 16;
  /// Slots that keep the image of their last module, so that the next instance is cheap.
  std::uint32_t warm_slots = 100;
  /// Reset only the pages that a guest wrote (Linux 6.7). Wrong while swap is on: see SystemLimits.
  bool pagemap_scan = false;
};

/// The number of instances for a host: min((RAM - base) / 64 KiB, (max_map_count - 10,000) / 5),
/// at most `kMaxPoolInstances`, at least 16.
std::uint32_t fit_pool(const SystemLimits& system) noexcept;
/// Making an engine costs a system call for each fibre stack: so many cost about 10 ms.
inline constexpr std::uint32_t kMaxPoolInstances = 8'000;

/// Options for a host on this machine: fit_pool(), and PAGEMAP_SCAN where it is safe.
EngineOptions host_options(const SystemLimits& system) noexcept;

class Engine {
 public:
  /// engine.failed when the machine cannot carry the pool (address space, mappings), with a remedy.
  static Result<std::unique_ptr<Engine>> create(const EngineOptions& options);

  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine();

  Profile profile() const noexcept { return options_.profile; }

  const Limits& limits() const noexcept { return options_.limits; }

  const EngineOptions& options() const noexcept { return options_; }

  /// 64-bit digest of everything that compiled code depends on: settings and CPU features.
  std::uint64_t compatibility() const noexcept { return compatibility_; }

  /// The next epoch: every running guest looks at its deadline and yields. Async-signal-safe.
  void tick() const noexcept;

  wasm_engine_t* raw() const noexcept { return raw_; }

 private:
  Engine(const EngineOptions& options, wasm_engine_t* raw) noexcept;

  EngineOptions options_;
  wasm_engine_t* raw_;
  std::uint64_t compatibility_ = 0;
};

/// "48.0.8": the exact version of Wasmtime. Part of the cache key.
std::string_view engine_version() noexcept;

/// Once on each thread that will run guests, before the first one: takes the set-up cost of the
/// signal stack off the first request.
void prepare_thread();

}  // namespace trellis::engine
