// Internal to engine/*.cpp: what the engine calls, and what that looks up.
#pragma once

#include <trellis_engine.h>

namespace trellis::engine {

struct Trampolines {
  /// `env` is the SyncFunction.
  static wasm_trap_t* sync(void* env, wasmtime_caller_t* caller, wasmtime_val_raw_t* values,
                           size_t count) noexcept;
  /// `env` is the function of the AsyncFunction, `data` the Instance.
  static uint8_t begin(void* env, void* data, wasmtime_caller_t* caller, const int32_t* arguments,
                       size_t count, int32_t* result) noexcept;
  static uint8_t resume(void* env, void* data, wasmtime_caller_t* caller, int32_t* result) noexcept;
  /// At the end of a slice; `data` is the Instance.
  static wasmtime_error_t* epoch(wasmtime_context_t* context, void* data, uint64_t* delta,
                                 wasmtime_update_deadline_kind_t* kind) noexcept;
};

}  // namespace trellis::engine
