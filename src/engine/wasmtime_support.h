// Internal to engine/*.cpp: Wasmtime's C objects as owners, and its errors as text.
#pragma once

#include <trellis_engine.h>

#include <memory>
#include <string>

#include "trellis/base/error.h"
#include "trellis/engine/limits.h"

namespace trellis::engine {

template <auto kDelete>
struct CDeleter {
  template <class T>
  void operator()(T* object) const noexcept {
    kDelete(object);
  }
};

template <class T, auto kDelete>
using COwner = std::unique_ptr<T, CDeleter<kDelete>>;

using ErrorOwner = COwner<wasmtime_error_t, wasmtime_error_delete>;

/// One line of an engine error: causes joined by ": ", no backtrace, lower case at the start, at
/// most 400 bytes. Consumes the error.
std::string take_text(wasmtime_error_t* error);

/// The settings of a profile, without an allocator: what decides about compiled code.
wasm_config_t* make_config(Profile profile, const Limits& limits);

}  // namespace trellis::engine
