// The host functions of one ABI for one engine, and modules resolved against them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "trellis/base/error.h"
#include "trellis/codec/wasm.h"
#include "trellis/engine/engine.h"
#include "trellis/engine/host_function.h"
#include "trellis/engine/module.h"

struct wasmtime_linker;
struct wasmtime_instance_pre;

namespace trellis::engine {

/// Built on one thread, then read-only. Defining a name again replaces it.
class Linker {
 public:
  explicit Linker(const Engine& engine);
  Linker(const Linker&) = delete;
  Linker& operator=(const Linker&) = delete;
  ~Linker();

  /// Parameters and the result (at most one) are numbers: i32, i64, f32, f64.
  Result<void> define(std::string_view module, std::string_view name,
                      std::span<const codec::wasm::ValueType> parameters,
                      std::span<const codec::wasm::ValueType> results, SyncFunction function);

  /// `parameters` is 4, 6 or 8.
  Result<void> define_async(std::string_view module, std::string_view name, unsigned parameters,
                            AsyncFunction function);

  const Engine& engine() const noexcept { return engine_; }

  wasmtime_linker* raw() const noexcept { return raw_; }

 private:
  const Engine& engine_;
  wasmtime_linker* raw_;
};

/// A module whose imports were found in a linker. Immutable, shared by all cores; keeps its module
/// alive. The linker may be destroyed.
class Prelinked {
 public:
  /// module.import, naming the import, when one is not defined or has another type.
  static Result<std::shared_ptr<const Prelinked>> create(const Linker& linker,
                                                         std::shared_ptr<const Module> module);

  Prelinked(const Prelinked&) = delete;
  Prelinked& operator=(const Prelinked&) = delete;
  ~Prelinked();

  const Module& module() const noexcept { return *module_; }

  wasmtime_instance_pre* raw() const noexcept { return raw_; }

 private:
  Prelinked(std::shared_ptr<const Module> module, wasmtime_instance_pre* raw) noexcept;

  std::shared_ptr<const Module> module_;
  wasmtime_instance_pre* raw_;
};

}  // namespace trellis::engine
