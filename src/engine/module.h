// A module: checked, compiled, immutable, shared by all cores.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trellis/base/bytes.h"
#include "trellis/base/error.h"
#include "trellis/codec/wasm.h"
#include "trellis/engine/engine.h"

struct wasmtime_module;

namespace trellis::engine {

/// What a module imports, exports and asks for; owns its strings.
struct ModuleInfo {
  struct Import {
    std::string module;
    std::string name;
    codec::wasm::ExternKind kind = codec::wasm::ExternKind::Function;
    codec::wasm::FunctionType type;  // functions only
  };

  struct Export {
    std::string name;
    codec::wasm::ExternKind kind = codec::wasm::ExternKind::Function;
    codec::wasm::FunctionType type;  // functions only
  };

  std::vector<Import> imports;
  std::vector<Export> exports;
  std::uint64_t memory_min_bytes = 0;
  bool has_start = false;

  /// The exported function of that name, or null.
  const Export* find_function(std::string_view name) const noexcept;
};

/// Looks at untrusted bytes before anything compiles them: size (module.too_large), structure
/// (module.malformed), proposals that the engine does not run (module.unsupported), memory and
/// table sizes (engine.limit.memory, engine.limit.table). Linear in the size of the input.
Result<ModuleInfo> inspect(ByteView module, const Limits& limits);

/// The engine's own validation, without compiling: module.malformed with the offset.
Result<void> validate(const Engine& engine, ByteView module);

class Module {
 public:
  /// What is done to a module before it is compiled: nothing, today. Part of the cache key.
  static constexpr std::uint32_t kPrepareVersion = 1;

  static Bytes prepare(Bytes module) { return module; }

  /// inspect(), validate(), prepare() and compile on the calling thread, without limits on time and
  /// memory: for trusted modules and tests. A host uses Loader.
  static Result<std::shared_ptr<const Module>> compile(const Engine& engine, ByteView module);

  /// Machine code without loading it, on the calling thread.
  static Result<Bytes> precompile(const Engine& engine, ByteView prepared);

  /// The output of a compile for the same engine settings. TRUSTED: native code that will run as
  /// it is; only the code cache and the compile process produce it.
  static Result<std::shared_ptr<const Module>> deserialize(const Engine& engine, ModuleInfo info,
                                                           ByteView compiled);

  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;
  ~Module();

  const ModuleInfo& info() const noexcept { return info_; }

  const Engine& engine() const noexcept { return engine_; }

  wasmtime_module* raw() const noexcept { return raw_; }

 private:
  Module(const Engine& engine, ModuleInfo info, wasmtime_module* raw) noexcept;

  const Engine& engine_;
  ModuleInfo info_;
  wasmtime_module* raw_;
};

}  // namespace trellis::engine
