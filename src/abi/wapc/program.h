// waPC: modules of 2020 to 2026 that export `__guest_call` (wascc.md 1; docs in README.md).
#pragma once

#include <memory>

#include "trellis/abi/common/guest.h"
#include "trellis/base/error.h"
#include "trellis/engine/linker.h"
#include "trellis/engine/module.h"
#include "trellis/engine/ticker.h"

namespace trellis::abi::wapc {

/// Whether a module speaks waPC: imports (module.import names all that are wrong), and the exports
/// `memory` and `__guest_call` (module.export). Needs no compiled code: ask before compiling.
Result<void> check_interface(const engine::ModuleInfo& module);

class Program final : public abi::Program {
 public:
  /// Checks the interface and resolves the imports. `ticker` outlives the program and has a lane
  /// for each core that create() is called with.
  static Result<std::shared_ptr<const Program>> create(std::shared_ptr<const engine::Module> module,
                                                       engine::Ticker& ticker);

  Result<std::unique_ptr<abi::Guest>> create(async::Core& core) const override;

 private:
  Program(std::shared_ptr<const engine::Prelinked> prelinked, engine::Ticker& ticker) noexcept
      : prelinked_(std::move(prelinked)), ticker_(ticker) {}

  std::shared_ptr<const engine::Prelinked> prelinked_;
  engine::Ticker& ticker_;
};

}  // namespace trellis::abi::wapc
