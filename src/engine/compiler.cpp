#include "trellis/engine/compiler.h"

#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <string>
#include <utility>

#include "trellis/engine/compile_protocol.h"
#include "trellis/process/child.h"
#include "trellis/process/memory_file.h"

namespace trellis::engine {
namespace {

constexpr const char* kOwnBinary = "/proc/self/exe";
constexpr std::chrono::milliseconds kWatchPeriod{20};
constexpr std::uint64_t kWorkerStackBytes = 16u << 20;
constexpr std::uint64_t kWorkerDescriptors = 64;  // for the loader of shared libraries
constexpr std::size_t kMaxErrorText = 400;

std::vector<process::ResourceLimit> resource_limits(const CompileLimits& limits) {
  const auto seconds = static_cast<std::uint64_t>(limits.cpu.count());
  std::vector<process::ResourceLimit> list{
      {.resource = RLIMIT_CPU, .soft = seconds, .hard = seconds + 1},
      {.resource = RLIMIT_CORE, .soft = 0, .hard = 0},
      {.resource = RLIMIT_STACK, .soft = kWorkerStackBytes, .hard = kWorkerStackBytes},
      {.resource = RLIMIT_NOFILE, .soft = kWorkerDescriptors, .hard = kWorkerDescriptors},
      {.resource = RLIMIT_FSIZE, .soft = limits.output_bytes, .hard = limits.output_bytes}};
#ifndef TRELLIS_SANITIZED
  // Sanitizers map terabytes of shadow.
  list.push_back({RLIMIT_AS, limits.address_bytes, limits.address_bytes});
  // What may be written to private memory; the output counts besides.
  const std::uint64_t data =
      limits.resident_bytes - std::min(limits.resident_bytes / 2, limits.output_bytes);
  list.push_back({RLIMIT_DATA, data, data});
#endif
  return list;
}

Result<UniqueFd> make_request(const Engine& engine, ByteView module) {
  const WorkerHeader header{.profile = static_cast<std::uint64_t>(engine.profile()),
                            .max_memory_bytes = engine.limits().max_memory_bytes,
                            .compatibility = engine.compatibility(),
                            .module_bytes = module.size()};
  Bytes request(sizeof header + module.size());
  std::memcpy(request.data(), &header, sizeof header);
  if (!module.empty()) std::memcpy(request.data() + sizeof header, module.data(), module.size());
  return process::make_sealed_file("trellis-module", request);
}

std::string limit_text(const process::ExitStatus& status, const CompileLimits& limits) {
  switch (status.signal) {
    case SIGXCPU: return "it took more than " + std::to_string(limits.cpu.count()) + " s of CPU";
    case SIGXFSZ: return "its code has more than " + std::to_string(limits.output_bytes) + " bytes";
    case SIGABRT:
    case SIGSEGV:
    case SIGBUS: return "the compiler ran out of memory or gave up";
    case 0: return "the compile process ended with status " + std::to_string(status.code);
    default: return "the compile process was ended by signal " + std::to_string(status.signal);
  }
}

Error over_limit(const std::string& why) {
  return {Reason::EngineLimitCompile, "the module could not be compiled: " + why};
}

}  // namespace

Compiler::Compiler(CompilerOptions options, const Clock& clock)
    : options_(std::move(options)), clock_(clock) {
  if (options_.executable.empty()) options_.executable = kOwnBinary;
}

Result<Bytes> Compiler::compile(const Engine& engine, ByteView module) {
  const CacheKey key = cache_key(engine, module);
  if (auto known = recall(key)) return std::unexpected(*std::move(known));
  TR_CHECK(take_place());
  auto code = run_worker(engine, module);
  give_place();
  if (!code && code.error().reason() != Reason::HostResource &&
      code.error().reason() != Reason::FileUnreadable) {
    remember(key, code.error());
  }
  return code;
}

Result<void> Compiler::take_place() {
  std::unique_lock lock(mutex_);
  if (running_ >= options_.workers) {
    if (queued_ >= options_.max_queued) {
      return fail(Reason::EngineLimitCompile, "too many modules wait to be compiled, try again");
    }
    ++queued_;
    free_.wait(lock, [this] { return running_ < options_.workers; });
    --queued_;
  }
  ++running_;
  return {};
}

void Compiler::give_place() {
  const std::lock_guard lock(mutex_);
  --running_;
  free_.notify_one();
}

std::optional<Error> Compiler::recall(const CacheKey& key) {
  const std::lock_guard lock(mutex_);
  const TimePoint now = clock_.now();
  std::erase_if(failures_, [&](const Remembered& entry) { return entry.until <= now; });
  const auto found = std::ranges::find(failures_, key, &Remembered::key);
  if (found == failures_.end()) return std::nullopt;
  return found->error;
}

void Compiler::remember(const CacheKey& key, const Error& error) {
  const std::lock_guard lock(mutex_);
  failures_.push_back({key, clock_.now() + options_.remember_for, error});
  if (failures_.size() > options_.remembered_failures) failures_.pop_front();
}

Result<Bytes> Compiler::run_worker(const Engine& engine, ByteView module) {
  const CompileLimits& limits = options_.limits;
  TR_TRY(const UniqueFd input, make_request(engine, module));
  TR_TRY(const UniqueFd output, process::make_memory_file("trellis-code"));
  const TimePoint deadline = SteadyClock::now() + limits.wall;
  TR_TRY(process::Child child, process::Child::spawn({.executable = options_.executable.string(),
                                                      .arguments = {"trellis", kCompileWorkerMode},
                                                      .environment = options_.environment,
                                                      .descriptors = {input.get(), output.get()},
                                                      .limits = resource_limits(limits)}));
  std::optional<process::ExitStatus> status;
  while (!status) {
    const TimePoint now = SteadyClock::now();
    if (now >= deadline) {
      return std::unexpected(
          over_limit("it took more than " + std::to_string(limits.wall.count()) + " ms"));
    }
    status = child.wait_until(std::min(deadline, now + kWatchPeriod));
    if (!status && child.resident_bytes() > limits.resident_bytes) {
      return std::unexpected(over_limit("the compiler needed more than " +
                                        std::to_string(limits.resident_bytes >> 20) + " MiB"));
    }
  }
  if (status->code == kExitNoSandbox) {
    return fail(Reason::HostResource,
                "the kernel refuses seccomp, and modules are only compiled in a sandbox");
  }
  if (!status->success()) return std::unexpected(over_limit(limit_text(*status, limits)));
  // The worker is gone, and nobody else has its end: what is read now stays so.
  TR_TRY(Bytes answer, process::read_memory_file(output.get(), limits.output_bytes));
  if (answer.empty()) return std::unexpected(over_limit("the compile process gave no answer"));
  const auto kind = static_cast<Answer>(answer.front());
  answer.erase(answer.begin());
  switch (kind) {
    case Answer::Code: return answer;
    case Answer::Refused: {
      const ByteView text = ByteView(answer).first(std::min(answer.size(), kMaxErrorText));
      return fail(Reason::ModuleUnsupported, "compiling the module: " + std::string(as_text(text)));
    }
    case Answer::Incompatible:
      return fail(Reason::HostResource,
                  "the compile process has other engine settings than this process");
  }
  return std::unexpected(over_limit("the compile process gave a wrong answer"));
}

Result<std::shared_ptr<const Module>> Loader::load(ByteView module) const {
  TR_TRY(ModuleInfo info, inspect(module, engine_.limits()));
  if (compiler_ == nullptr && cache_ == nullptr) return Module::compile(engine_, module);
  const CacheKey key = cache_key(engine_, module);
  if (cache_ != nullptr) {
    if (const auto code = cache_->load(key)) {
      return Module::deserialize(engine_, std::move(info), *code);
    }
  }
  TR_CHECK(validate(engine_, module));
  const Bytes prepared = Module::prepare(to_bytes(module));
  TR_TRY(const Bytes code, compiler_ != nullptr ? compiler_->compile(engine_, prepared)
                                                : Module::precompile(engine_, prepared));
  TR_TRY(auto loaded, Module::deserialize(engine_, std::move(info), code));
  if (cache_ != nullptr) cache_->store(key, code);
  return loaded;
}

}  // namespace trellis::engine
