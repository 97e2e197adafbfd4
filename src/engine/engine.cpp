#include "trellis/engine/engine.h"

#include <algorithm>

#include "trellis/engine/wasmtime_support.h"

namespace trellis::engine {
namespace {

constexpr std::uint64_t kBaseBytes = 512u << 20;  // what the host itself may need
constexpr std::uint64_t kBytesPerInstance = 64u << 10;
constexpr std::uint64_t kSpareMappings = 10'000;
constexpr std::uint64_t kMappingsPerInstance = 5;  // three of a slot, two of a fibre stack
constexpr std::uint64_t kMinPoolInstances = 16;

// With PAGEMAP_SCAN only written pages are reset, so that much may stay; without it all that may
// stay is cleared, so that nothing should. It stays in every slot that was ever used: little enough
// that 500 instances at once leave no more than 32 MiB, enough for the pages that most calls write.
constexpr std::size_t kKeepMemoryBytes = 64u << 10;
constexpr std::size_t kKeepTableBytes = 4u << 10;

wasmtime_pooling_allocation_config_t* make_pool(const EngineOptions& options) {
  auto* pool = wasmtime_pooling_allocation_config_new();
  const Limits& limits = options.limits;
  wasmtime_pooling_allocation_config_total_core_instances_set(pool, options.instances);
  wasmtime_pooling_allocation_config_total_memories_set(pool, options.instances);
  wasmtime_pooling_allocation_config_total_stacks_set(pool, options.instances);
  wasmtime_pooling_allocation_config_total_tables_set(pool, options.instances * limits.max_tables);
  wasmtime_pooling_allocation_config_max_tables_per_module_set(pool, limits.max_tables);
  wasmtime_pooling_allocation_config_max_memories_per_module_set(pool, 1);
  wasmtime_pooling_allocation_config_max_memory_size_set(
      pool, static_cast<std::size_t>(limits.max_memory_bytes));
  wasmtime_pooling_allocation_config_table_elements_set(pool, limits.max_table_elements);
  wasmtime_pooling_allocation_config_max_unused_warm_slots_set(pool, options.warm_slots);
  if (options.pagemap_scan) {
    tr_pooling_pagemap_scan_set(pool, true);
    wasmtime_pooling_allocation_config_linear_memory_keep_resident_set(pool, kKeepMemoryBytes);
    wasmtime_pooling_allocation_config_table_keep_resident_set(pool, kKeepTableBytes);
  }
  return pool;
}

}  // namespace

std::uint32_t fit_pool(const SystemLimits& system) noexcept {
  const std::uint64_t ram = system.ram_bytes > kBaseBytes ? system.ram_bytes - kBaseBytes : 0;
  const std::uint64_t mappings =
      system.max_map_count > kSpareMappings ? system.max_map_count - kSpareMappings : 0;
  std::uint64_t instances = std::min(ram / kBytesPerInstance, mappings / kMappingsPerInstance);
  // A small address space: the slots may take half of it.
  if (system.address_bits != 0 && system.address_bits < 47) {
    const std::uint64_t slot = Limits{}.max_memory_bytes + (1u << 20);
    instances = std::min(instances, (std::uint64_t{1} << (system.address_bits - 1)) / slot);
  }
  return static_cast<std::uint32_t>(
      std::clamp<std::uint64_t>(instances, kMinPoolInstances, kMaxPoolInstances));
}

EngineOptions host_options(const SystemLimits& system) noexcept {
  EngineOptions options;
  options.instances = fit_pool(system);
  options.warm_slots = options.instances;
  options.pagemap_scan = system.may_scan();
  return options;
}

Result<std::unique_ptr<Engine>> Engine::create(const EngineOptions& options) {
  wasm_config_t* config = make_config(options.profile, options.limits);
  auto* pool = make_pool(options);
  wasmtime_pooling_allocation_strategy_set(config, pool);
  wasmtime_pooling_allocation_config_delete(pool);
  wasmtime_error_t* error = nullptr;
  wasm_engine_t* raw = tr_engine_new(config, &error);
  if (raw == nullptr) {
    return fail(Reason::EngineFailed,
                "making an engine for " + std::to_string(options.instances) +
                    " instances: " + take_text(error) +
                    "; check vm.max_map_count, vm.overcommit_memory and ulimit -v");
  }
  return std::unique_ptr<Engine>(new Engine(options, raw));
}

Engine::Engine(const EngineOptions& options, wasm_engine_t* raw) noexcept
    : options_(options), raw_(raw), compatibility_(tr_engine_compatibility(raw)) {}

Engine::~Engine() {
  wasm_engine_delete(raw_);
}

void Engine::tick() const noexcept {
  wasmtime_engine_increment_epoch(raw_);
}

std::string_view engine_version() noexcept {
  return WASMTIME_VERSION;
}

void prepare_thread() {
  tr_thread_prepare();
}

}  // namespace trellis::engine
