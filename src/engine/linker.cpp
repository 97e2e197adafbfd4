#include "trellis/engine/linker.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "trellis/engine/instance.h"
#include "trellis/engine/trampolines.h"
#include "trellis/engine/wasmtime_support.h"

namespace trellis::engine {
namespace {

Result<wasm_valkind_t> kind_of(codec::wasm::ValueType type) {
  switch (type) {
    case codec::wasm::ValueType::I32: return wasm_valkind_t{WASM_I32};
    case codec::wasm::ValueType::I64: return wasm_valkind_t{WASM_I64};
    case codec::wasm::ValueType::F32: return wasm_valkind_t{WASM_F32};
    case codec::wasm::ValueType::F64: return wasm_valkind_t{WASM_F64};
    default: return fail(Reason::Internal, "a host function takes and returns numbers only");
  }
}

Result<std::vector<wasm_valkind_t>> kinds_of(std::span<const codec::wasm::ValueType> types) {
  std::vector<wasm_valkind_t> kinds;
  kinds.reserve(types.size());
  for (const auto type : types) {
    TR_TRY(const wasm_valkind_t kind, kind_of(type));
    kinds.push_back(kind);
  }
  return kinds;
}

// The type takes over the values that the vector points to.
void fill(wasm_valtype_vec_t& out, const std::vector<wasm_valkind_t>& kinds) {
  std::vector<wasm_valtype_t*> types;
  types.reserve(kinds.size());
  for (const wasm_valkind_t kind : kinds) types.push_back(wasm_valtype_new(kind));
  wasm_valtype_vec_new(&out, types.size(), types.data());
}

std::string quoted(std::string_view module, std::string_view name) {
  return std::string(module) + "." + std::string(name);
}

}  // namespace

Linker::Linker(const Engine& engine) : engine_(engine), raw_(wasmtime_linker_new(engine.raw())) {
  wasmtime_linker_allow_shadowing(raw_, true);
}

Linker::~Linker() {
  wasmtime_linker_delete(raw_);
}

Result<void> Linker::define(std::string_view module, std::string_view name,
                            std::span<const codec::wasm::ValueType> parameters,
                            std::span<const codec::wasm::ValueType> results,
                            SyncFunction function) {
  TR_TRY(const auto parameter_kinds, kinds_of(parameters));
  TR_TRY(const auto result_kinds, kinds_of(results));
  wasm_valtype_vec_t parameter_types;
  wasm_valtype_vec_t result_types;
  fill(parameter_types, parameter_kinds);
  fill(result_types, result_kinds);
  const COwner<wasm_functype_t, wasm_functype_delete> type(
      wasm_functype_new(&parameter_types, &result_types));
  wasmtime_error_t* error = wasmtime_linker_define_func_unchecked(
      raw_, module.data(), module.size(), name.data(), name.size(), type.get(), Trampolines::sync,
      reinterpret_cast<void*>(function), nullptr);
  if (error != nullptr) {
    return fail(Reason::Internal, "defining " + quoted(module, name) + ": " + take_text(error));
  }
  return {};
}

Result<void> Linker::define_async(std::string_view module, std::string_view name,
                                  unsigned parameters, AsyncFunction function) {
  const tr_async_function raw{
      .begin = Trampolines::begin,
      .resume = Trampolines::resume,
      .begin_env = reinterpret_cast<void*>(function.begin),
      .resume_env = reinterpret_cast<void*>(function.resume),
  };
  wasmtime_error_t* error = tr_linker_define_async(raw_, module.data(), module.size(), name.data(),
                                                   name.size(), parameters, &raw);
  if (error != nullptr) {
    return fail(Reason::Internal, "defining " + quoted(module, name) + ": " + take_text(error));
  }
  return {};
}

Result<std::shared_ptr<const Prelinked>> Prelinked::create(const Linker& linker,
                                                           std::shared_ptr<const Module> module) {
  if (&linker.engine() != &module->engine()) {
    return fail(Reason::Internal, "the module and the linker belong to different engines");
  }
  wasmtime_instance_pre_t* raw = nullptr;
  if (auto* error = wasmtime_linker_instantiate_pre(linker.raw(), module->raw(), &raw)) {
    return fail(Reason::ModuleImport, take_text(error));
  }
  return std::shared_ptr<const Prelinked>(new Prelinked(std::move(module), raw));
}

Prelinked::Prelinked(std::shared_ptr<const Module> module, wasmtime_instance_pre* raw) noexcept
    : module_(std::move(module)), raw_(raw) {}

Prelinked::~Prelinked() {
  wasmtime_instance_pre_delete(raw_);
}

}  // namespace trellis::engine
