// What a module imports against what an ABI offers: one refusal that names everything wrong.
#pragma once

#include <span>
#include <string_view>

#include "trellis/base/error.h"
#include "trellis/codec/wasm.h"
#include "trellis/engine/module.h"

namespace trellis::abi {

/// The type of a host function, one letter a value: `i` i32, `I` i64; "iI>i" is (i32, i64) -> i32.
codec::wasm::FunctionType parse_signature(std::string_view signature);

/// One function that an ABI offers.
struct OfferedImport {
  std::string_view module;
  std::string_view name;
  std::string_view signature;
};

/// module.import that names each import which is unknown (with the nearest name that is offered),
/// of another kind than a function, or of another type (with the types that are offered). A name
/// may be offered with several types; a module has to keep to one of them.
Result<void> check_imports(const engine::ModuleInfo& module,
                           std::span<const OfferedImport> offered);

}  // namespace trellis::abi
