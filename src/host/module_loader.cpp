#include "trellis/host/module_loader.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "trellis/abi/wapc/program.h"
#include "trellis/base/clock.h"
#include "trellis/base/file.h"
#include "trellis/claims/claims.h"

namespace trellis::host {
namespace {

/// Live instances of a host with few actors; more actors get more, up to what the machine allows.
constexpr std::size_t kSmallestPool = 2048;
constexpr std::size_t kInstancesPerActorAndCore = 8;

engine::CompilerOptions compiler_options(unsigned cores) {
  engine::CompilerOptions options;
  options.workers = cores;
  return options;
}

Result<Bytes> read_module(const std::string& file) {
  auto bytes = read_file(file, claims::kMaxModuleBytes);
  if (!bytes && bytes.error().reason() == Reason::FileUnreadable) {
    return fail(Reason::ModuleUnreadable, bytes.error().message());
  }
  return bytes;
}

}  // namespace

Result<std::unique_ptr<ModuleLoader>> ModuleLoader::create(const engine::SystemLimits& system,
                                                           unsigned cores, std::size_t actors) {
  engine::clear_backtrace_environment();
  engine::EngineOptions options = engine::host_options(system);
  const std::size_t wanted = std::max(kSmallestPool, actors * cores * kInstancesPerActorAndCore);
  if (wanted < options.instances) options.instances = static_cast<std::uint32_t>(wanted);
  TR_TRY(auto engine, engine::Engine::create(options));
  return std::unique_ptr<ModuleLoader>(new ModuleLoader(std::move(engine), cores));
}

ModuleLoader::ModuleLoader(std::unique_ptr<engine::Engine> engine, unsigned cores)
    : engine_(std::move(engine)),
      ticker_(cores),
      cache_(cache_directory() + "/code", data_directory() + "/code-cache.key"),
      compiler_(compiler_options(cores)),
      loader_(*engine_, &cache_, &compiler_) {
  ticker_.watch(*engine_);
}

ModuleLoader::~ModuleLoader() {
  ticker_.unwatch(*engine_);
}

Result<LoadedModule> ModuleLoader::load(const std::string& file, const claims::TrustList& trust) {
  TR_TRY(const Bytes bytes, read_module(file));
  TR_TRY(auto verified, claims::verify(bytes, trust, system_clock().wall_seconds()));
  TR_TRY(const auto info, engine::inspect(bytes, engine_->limits()));
  TR_CHECK(abi::wapc::check_interface(info));
  TR_TRY(auto module, loader_.load(bytes));
  TR_TRY(auto program, abi::wapc::Program::create(std::move(module), ticker_));
  return LoadedModule{std::move(verified), std::move(program)};
}

}  // namespace trellis::host
