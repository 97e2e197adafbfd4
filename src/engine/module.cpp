#include "trellis/engine/module.h"

#include <algorithm>
#include <utility>

#include "trellis/engine/wasmtime_support.h"

namespace trellis::engine {
namespace {

namespace wasm = codec::wasm;

std::string megabytes(std::uint64_t bytes) {
  return std::to_string(bytes >> 20) + " MiB";
}

Result<void> check_memories(const wasm::ModuleSummary& summary, const Limits& limits) {
  if (summary.memories.size() > 1) {
    return fail(Reason::ModuleUnsupported, "the module has " +
                                               std::to_string(summary.memories.size()) +
                                               " memories (multi-memory); one is supported");
  }
  for (const wasm::Memory& memory : summary.memories) {
    if (memory.shared) {
      return fail(Reason::ModuleUnsupported, "the memory is shared (threads); build without");
    }
    if (memory.wide) {
      return fail(Reason::ModuleUnsupported, "the memory has 64-bit addresses (memory64)");
    }
    if (memory.custom_page_size) {
      return fail(Reason::ModuleUnsupported, "the memory has a page size of its own");
    }
    if (memory.minimum > limits.max_memory_bytes / kWasmPageBytes) {
      return fail(Reason::EngineLimitMemory,
                  "the module asks for a memory of " + std::to_string(memory.minimum) +
                      " pages of 64 KiB; the limit is " + megabytes(limits.max_memory_bytes));
    }
  }
  return {};
}

Result<void> check_tables(const wasm::ModuleSummary& summary, const Limits& limits) {
  if (summary.tables.size() > limits.max_tables) {
    return fail(Reason::EngineLimitTable,
                "the module has " + std::to_string(summary.tables.size()) +
                    " tables; the limit is " + std::to_string(limits.max_tables));
  }
  for (const wasm::Table& table : summary.tables) {
    if (table.wide) {
      return fail(Reason::ModuleUnsupported, "a table has 64-bit indices (memory64)");
    }
    if (table.element != wasm::ValueType::FuncRef) {
      return fail(Reason::ModuleUnsupported,
                  "a table holds other references than functions (reference types, GC)");
    }
    if (table.minimum > limits.max_table_elements) {
      return fail(Reason::EngineLimitTable,
                  "the module asks for a table of " + std::to_string(table.minimum) +
                      " elements; the limit is " + std::to_string(limits.max_table_elements));
    }
  }
  return {};
}

ModuleInfo make_info(const wasm::ModuleSummary& summary) {
  ModuleInfo info;
  info.imports.reserve(summary.imports.size());
  for (const wasm::Import& import : summary.imports) {
    const bool function = import.kind == wasm::ExternKind::Function;
    info.imports.push_back({.module = std::string(import.module),
                            .name = std::string(import.name),
                            .kind = import.kind,
                            .type = function ? summary.type_of(import) : wasm::FunctionType{}});
  }
  info.exports.reserve(summary.exports.size());
  for (const wasm::Export& exported : summary.exports) {
    const bool function = exported.kind == wasm::ExternKind::Function;
    info.exports.push_back({.name = std::string(exported.name),
                            .kind = exported.kind,
                            .type = function ? summary.type_of(exported) : wasm::FunctionType{}});
  }
  if (!summary.memories.empty()) {
    info.memory_min_bytes = summary.memories.front().minimum * kWasmPageBytes;
  }
  info.has_start = summary.start.has_value();
  return info;
}

}  // namespace

const ModuleInfo::Export* ModuleInfo::find_function(std::string_view name) const noexcept {
  for (const Export& exported : exports) {
    if (exported.kind == wasm::ExternKind::Function && exported.name == name) return &exported;
  }
  return nullptr;
}

Result<ModuleInfo> inspect(ByteView module, const Limits& limits) {
  if (module.size() > limits.max_module_bytes) {
    return fail(Reason::ModuleTooLarge, "the module has " + std::to_string(module.size()) +
                                            " bytes; the limit is " +
                                            megabytes(limits.max_module_bytes));
  }
  TR_TRY(const wasm::ModuleSummary summary, wasm::summarise(module));
  if (summary.tags > 0 || std::ranges::any_of(summary.imports, [](const wasm::Import& import) {
        return import.kind == wasm::ExternKind::Tag;
      })) {
    return fail(Reason::ModuleUnsupported, "the module has tags (exception handling)");
  }
  TR_CHECK(check_memories(summary, limits));
  TR_CHECK(check_tables(summary, limits));
  return make_info(summary);
}

Result<void> validate(const Engine& engine, ByteView module) {
  if (auto* error = wasmtime_module_validate(engine.raw(), as_u8(module), module.size())) {
    return fail(Reason::ModuleMalformed, "the module is not valid: " + take_text(error));
  }
  return {};
}

Result<std::shared_ptr<const Module>> Module::compile(const Engine& engine, ByteView module) {
  TR_TRY(ModuleInfo info, inspect(module, engine.limits()));
  TR_CHECK(validate(engine, module));
  const Bytes prepared = prepare(to_bytes(module));
  wasmtime_module_t* raw = nullptr;
  if (auto* error = wasmtime_module_new(engine.raw(), as_u8(prepared), prepared.size(), &raw)) {
    return fail(Reason::ModuleUnsupported, "compiling the module: " + take_text(error));
  }
  return std::shared_ptr<const Module>(new Module(engine, std::move(info), raw));
}

Result<Bytes> Module::precompile(const Engine& engine, ByteView prepared) {
  wasm_byte_vec_t code;
  if (auto* error = tr_precompile(engine.raw(), as_u8(prepared), prepared.size(), &code)) {
    return fail(Reason::ModuleUnsupported, "compiling the module: " + take_text(error));
  }
  Bytes bytes = to_bytes(std::string_view(code.data, code.size));
  wasm_byte_vec_delete(&code);
  return bytes;
}

Result<std::shared_ptr<const Module>> Module::deserialize(const Engine& engine, ModuleInfo info,
                                                          ByteView compiled) {
  wasmtime_module_t* raw = nullptr;
  if (auto* error =
          wasmtime_module_deserialize(engine.raw(), as_u8(compiled), compiled.size(), &raw)) {
    return fail(Reason::ModuleUnsupported, "loading compiled code: " + take_text(error));
  }
  return std::shared_ptr<const Module>(new Module(engine, std::move(info), raw));
}

Module::Module(const Engine& engine, ModuleInfo info, wasmtime_module* raw) noexcept
    : engine_(engine), info_(std::move(info)), raw_(raw) {}

Module::~Module() {
  wasmtime_module_delete(raw_);
}

}  // namespace trellis::engine
