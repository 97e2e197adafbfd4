// The settings of each profile (all that compiled code depends on), and error texts.

#include <cctype>
#include <string_view>

#include "trellis/engine/wasmtime_support.h"

namespace trellis::engine {
namespace {

// Of the guest's own frames on a fibre stack; the rest of the stack is for host functions.
constexpr std::size_t kWasmStackBytes = 256u << 10;
constexpr std::size_t kFibreStackBytes = 512u << 10;
constexpr std::uint64_t kDenseGuardBytes = 64u << 10;
constexpr std::size_t kMaxErrorText = 400;

void set_features(wasm_config_t* config) {
  wasmtime_config_wasm_simd_set(config, true);
  wasmtime_config_wasm_bulk_memory_set(config, true);
  wasmtime_config_wasm_multi_value_set(config, true);
  wasmtime_config_wasm_tail_call_set(config, true);
  wasmtime_config_wasm_relaxed_simd_set(config, true);
  wasmtime_config_wasm_relaxed_simd_deterministic_set(config, true);
  wasmtime_config_wasm_multi_memory_set(config, false);
  wasmtime_config_wasm_memory64_set(config, false);
  wasmtime_config_wasm_custom_page_sizes_set(config, false);
  wasmtime_config_wasm_wide_arithmetic_set(config, false);
  wasmtime_config_wasm_stack_switching_set(config, false);
  wasmtime_config_wasm_branch_hinting_set(config, false);
  wasmtime_config_shared_memory_set(config, false);
  wasmtime_config_gc_support_set(config, false);
}

}  // namespace

wasm_config_t* make_config(Profile profile, const Limits& limits) {
  wasm_config_t* config = wasm_config_new();
  wasmtime_config_strategy_set(config, WASMTIME_STRATEGY_CRANELIFT);
  wasmtime_config_cranelift_opt_level_set(config, WASMTIME_OPT_LEVEL_SPEED);
  wasmtime_config_cranelift_debug_verifier_set(config, false);
  wasmtime_config_debug_info_set(config, false);
  // Registered unwind tables would make every C++ exception walk all modules.
  wasmtime_config_native_unwind_info_set(config, false);
  wasmtime_config_signals_based_traps_set(config, true);
  wasmtime_config_max_wasm_stack_set(config, kWasmStackBytes);
  wasmtime_config_async_stack_size_set(config, kFibreStackBytes);
  wasmtime_config_memory_may_move_set(config, false);
  wasmtime_config_memory_init_cow_set(config, true);
  set_features(config);
  switch (profile) {
    case Profile::Dense:
      wasmtime_config_epoch_interruption_set(config, true);
      wasmtime_config_consume_fuel_set(config, false);
      wasmtime_config_memory_reservation_set(config, limits.max_memory_bytes);
      wasmtime_config_memory_guard_size_set(config, kDenseGuardBytes);
      break;
  }
  return config;
}

std::string take_text(wasmtime_error_t* error) {
  const ErrorOwner owner(error);
  wasm_name_t name;
  wasmtime_error_message(error, &name);
  std::string_view text(name.data, name.size);
  if (const auto trace = text.find("Stack backtrace:"); trace != text.npos) {
    text = text.substr(0, trace);
  }
  std::string line;
  bool caused = false;
  while (!text.empty() && line.size() < kMaxErrorText) {
    const auto end = text.find('\n');
    std::string_view part = text.substr(0, end);
    text = end == text.npos ? std::string_view() : text.substr(end + 1);
    part.remove_prefix(std::min(part.find_first_not_of(" \t"), part.size()));
    if (part == "Caused by:") {
      caused = true;
      continue;
    }
    // "0: text" numbers the causes.
    const auto digits = part.find_first_not_of("0123456789");
    if (caused && digits != part.npos && digits > 0 && part.substr(digits).starts_with(": ")) {
      part.remove_prefix(digits + 2);
    }
    if (part.empty()) continue;
    if (!line.empty()) line += ": ";
    line += part;
  }
  wasm_name_delete(&name);
  if (line.size() > kMaxErrorText) line.resize(kMaxErrorText);
  if (!line.empty()) {
    line[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(line[0])));
  }
  return line;
}

}  // namespace trellis::engine
