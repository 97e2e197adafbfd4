// Bytes of a module from outside, binary or (for readable seeds) in text form: inspecting and
// validating never fail otherwise than with an error, and what inspect() tells of a valid module is
// what the engine sees in it.

#include <cstdlib>

#include "trellis/engine/module.h"
#include "trellis/engine/test_support.h"

namespace {

using namespace trellis;
using namespace trellis::engine;

void expect(bool condition) {
  if (!condition) std::abort();
}

// The engine's own list of exports.
void compare(const Module& module) {
  wasm_exporttype_vec_t exports;
  wasmtime_module_exports(module.raw(), &exports);
  expect(exports.size == module.info().exports.size());
  for (std::size_t i = 0; i < exports.size; ++i) {
    const wasm_name_t* name = wasm_exporttype_name(exports.data[i]);
    const auto& told = module.info().exports[i];
    expect(told.name == std::string_view(name->data, name->size));
    const wasm_externtype_t* type = wasm_exporttype_type(exports.data[i]);
    const bool function = wasm_externtype_kind(type) == WASM_EXTERN_FUNC;
    expect(function == (told.kind == codec::wasm::ExternKind::Function));
    if (!function) continue;
    const wasm_functype_t* signature = wasm_externtype_as_functype_const(type);
    expect(wasm_functype_params(signature)->size == told.type.parameters.size());
    expect(wasm_functype_results(signature)->size == told.type.results.size());
  }
  wasm_exporttype_vec_delete(&exports);
  wasm_importtype_vec_t imports;
  wasmtime_module_imports(module.raw(), &imports);
  expect(imports.size == module.info().imports.size());
  wasm_importtype_vec_delete(&imports);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::unique_ptr<Engine> engine = std::move(Engine::create({})).value();
  Bytes bytes(reinterpret_cast<const std::byte*>(data),
              reinterpret_cast<const std::byte*>(data) + size);
  if (size > 0 && data[0] == '(') bytes = test::from_text(as_text(bytes));
  const auto info = inspect(bytes, engine->limits());
  const auto valid = validate(*engine, bytes);
  // Code is compiled for small inputs only: this target is about reading, not about Cranelift.
  if (!info || !valid || bytes.size() > 2'000) return 0;
  const auto module = Module::compile(*engine, bytes);
  if (module) compare(**module);
  return 0;
}
