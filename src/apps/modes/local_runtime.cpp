#include "trellis/apps/modes/local_runtime.h"

#include <limits>

#include "trellis/abi/wapc/program.h"
#include "trellis/apps/cli/module_file.h"
#include "trellis/base/clock.h"
#include "trellis/base/file.h"
#include "trellis/claims/verify.h"
#include "trellis/core/call.h"
#include "trellis/core/environment.h"
#include "trellis/engine/module.h"

namespace trellis::apps::modes {
namespace {

// The report bounds what it keeps, so nothing is dropped before it.
constexpr abi::GuestLimits kReportedLimits{.max_log_bytes =
                                               std::numeric_limits<std::uint64_t>::max()};

}  // namespace

Result<std::unique_ptr<LocalRuntime>> LocalRuntime::create() {
  engine::clear_backtrace_environment();
  TR_TRY(auto engine, engine::Engine::create(engine::EngineOptions{}));
  return std::unique_ptr<LocalRuntime>(new LocalRuntime(std::move(engine)));
}

LocalRuntime::LocalRuntime(std::unique_ptr<engine::Engine> engine)
    : engine_(std::move(engine)),
      ticker_(1),
      cache_(cache_directory() + "/code", data_directory() + "/code-cache.key"),
      compiler_(engine::CompilerOptions{}),
      core_(0) {
  ticker_.watch(*engine_);
  engine::prepare_thread();
}

LocalRuntime::~LocalRuntime() {
  ticker_.unwatch(*engine_);
}

Result<std::shared_ptr<const abi::Program>> LocalRuntime::load(const std::string& path) {
  TR_TRY(const Bytes bytes, cli::read_module(path));
  TR_TRY(const auto verified, claims::verify_if_signed(bytes, system_clock().wall_seconds()));
  static_cast<void>(verified);
  // The interface before the compiler: a refusal costs microseconds.
  TR_TRY(const auto info, engine::inspect(bytes, engine_->limits()));
  TR_CHECK(abi::wapc::check_interface(info));
  const engine::Loader loader(*engine_, &cache_, &compiler_);
  TR_TRY(auto module, loader.load(bytes));
  TR_TRY(auto program, abi::wapc::Program::create(std::move(module), ticker_));
  return program;
}

async::Task<Result<core::Buffer>> call_locally(abi::Guest& guest, abi::HostInterface& host,
                                               async::Core& core, std::string_view operation,
                                               ByteView payload,
                                               std::chrono::milliseconds deadline) {
  async::CancelScope scope(core, core.clock().now() + deadline);
  const core::CallContext context{
      .id = core::CallId::make(), .deadline = scope.deadline(), .cancel = scope};
  abi::CallFrame frame{context, host, core::system_environment(), kReportedLimits};
  auto outcome = co_await guest.call(operation, payload, frame);
  co_return outcome;
}

async::Task<Result<void>> start_locally(abi::Guest& guest, abi::HostInterface& host,
                                        async::Core& core, std::chrono::milliseconds deadline) {
  async::CancelScope scope(core, core.clock().now() + deadline);
  const core::CallContext context{
      .id = core::CallId::make(), .deadline = scope.deadline(), .cancel = scope};
  abi::CallFrame frame{context, host, core::system_environment(), kReportedLimits};
  auto outcome = co_await guest.start(frame);
  co_return outcome;
}

}  // namespace trellis::apps::modes
