// From a file to a program that may run: read, verify the token, check the interface, compile in
// the worker process (or take the code from the cache), link. Nothing is compiled before its token
// was accepted.
#pragma once

#include <memory>
#include <string>

#include "trellis/abi/common/guest.h"
#include "trellis/base/error.h"
#include "trellis/claims/verify.h"
#include "trellis/engine/code_cache.h"
#include "trellis/engine/compiler.h"
#include "trellis/engine/engine.h"
#include "trellis/engine/system_limits.h"
#include "trellis/engine/ticker.h"

namespace trellis::host {

struct LoadedModule {
  claims::VerifiedModule verified;
  std::shared_ptr<const abi::Program> program;
};

/// The engine of a host with everything around it. Outlives all programs that it loaded.
class ModuleLoader {
 public:
  /// `cores`: how many threads will run guests. `actors`: how many the host begins with; a pool is
  /// made for what they may need, since each slot costs the start of the host some microseconds.
  static Result<std::unique_ptr<ModuleLoader>> create(const engine::SystemLimits& system,
                                                      unsigned cores, std::size_t actors);

  ModuleLoader(const ModuleLoader&) = delete;
  ModuleLoader& operator=(const ModuleLoader&) = delete;
  ~ModuleLoader();

  /// Blocks; any thread, several at once. module.*, claims.*, engine.*.
  Result<LoadedModule> load(const std::string& file, const claims::TrustList& trust);

 private:
  ModuleLoader(std::unique_ptr<engine::Engine> engine, unsigned cores);

  std::unique_ptr<engine::Engine> engine_;
  engine::Ticker ticker_;
  engine::CodeCache cache_;
  engine::Compiler compiler_;
  engine::Loader loader_;
};

}  // namespace trellis::host
