// The imports of waPC guests as the engine wants them: from raw arguments to the Session and back.
#pragma once

#include <span>

#include "trellis/abi/common/import_check.h"
#include "trellis/base/error.h"
#include "trellis/engine/linker.h"
#include "trellis/engine/module.h"

namespace trellis::abi::wapc {

/// All functions that a waPC module may import: imports.def, wasi_imports.def under both module
/// names, and the functions that wait.
std::span<const OfferedImport> offered_imports();

/// Defines what `module` imports; its imports were checked before.
Result<void> define_imports(engine::Linker& linker, const engine::ModuleInfo& module);

}  // namespace trellis::abi::wapc
