// What the engine itself costs: calls, host functions, fresh instances. Release build; report the
// minimum of several repetitions on a quiet machine.

#include <cstdlib>

#include <benchmark/benchmark.h>

#include "trellis/engine/instance.h"
#include "trellis/engine/test_support.h"

namespace trellis::engine {
namespace {

constexpr unsigned kThreads = 2;

constexpr std::string_view kGuest = R"((module
  (import "host" "sync" (func $sync (param i32 i32) (result i32)))
  (import "host" "ready" (func $ready (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "host" "pending" (func $pending (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 4096) "initial data of the guest")
  (func (export "nop") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "sync") (param i32 i32) (result i32)
    (loop $l (drop (call $sync (local.get 0) (local.get 1)))
      (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (i32.const 0))
  (func (export "ready") (param i32 i32) (result i32)
    (loop $l (drop (call $ready (local.get 0) (i32.const 1) (i32.const 2) (i32.const 3)
                     (i32.const 4) (i32.const 5) (i32.const 6) (i32.const 7)))
      (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (i32.const 0))
  (func (export "pending") (param i32 i32) (result i32)
    (loop $l (drop (call $pending (local.get 0) (i32.const 1) (i32.const 2) (i32.const 3)
                     (i32.const 4) (i32.const 5) (i32.const 6) (i32.const 7)))
      (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (i32.const 0))
  (func (export "dirty") (param i32 i32) (result i32)
    (loop $l (i32.store (i32.shl (local.get 0) (i32.const 12)) (i32.const 1))
      (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (i32.const 0))
))";

HostStatus sync(HostContext&, std::span<RawValue> values) noexcept {
  values[0].set_i32(1);
  return HostStatus::Ready;
}

HostStatus ready(HostContext&, std::span<const std::int32_t>, std::int32_t& result) noexcept {
  result = 1;
  return HostStatus::Ready;
}

HostStatus pending(HostContext&, std::span<const std::int32_t>, std::int32_t&) noexcept {
  return HostStatus::Pending;
}

HostStatus resumed(HostContext&, std::int32_t& result) noexcept {
  result = 1;
  return HostStatus::Ready;
}

// One for all benchmarks; never destroyed, as its threads outlive main's scope here.
struct World {
  World()
      : limits(read_system_limits()),
        engine(std::move(Engine::create(host_options(limits))).value()),
        ticker(kThreads),
        linker(*engine) {
    clear_backtrace_environment();
    ticker.watch(*engine);
    using codec::wasm::ValueType;
    const ValueType two[] = {ValueType::I32, ValueType::I32};
    const ValueType one[] = {ValueType::I32};
    if (!linker.define("host", "sync", two, one, sync) ||
        !linker.define_async("host", "ready", 8, {.begin = ready, .resume = resumed}) ||
        !linker.define_async("host", "pending", 8, {.begin = pending, .resume = resumed})) {
      std::abort();
    }
    module = std::move(Module::compile(*engine, test::from_text(kGuest))).value();
    prelinked = std::move(Prelinked::create(linker, module)).value();
  }

  SystemLimits limits;
  std::unique_ptr<Engine> engine;
  Ticker ticker;
  Linker linker;
  std::shared_ptr<const Module> module;
  std::shared_ptr<const Prelinked> prelinked;
};

World& world() {
  static auto* shared = new World;
  return *shared;
}

void call_once(Instance& instance, const ExportedFunction& function, std::int32_t first) {
  Call call(instance, function, {}, first, 2);
  if (test::run(call) != CallState::Done) std::abort();
}

// `first` host calls in one call of the guest; the time of a nop is to be subtracted.
void warm(benchmark::State& state, const char* name, std::int32_t first) {
  World& w = world();
  prepare_thread();
  Instance instance(w.prelinked, w.ticker.lane(0), nullptr);
  {
    Call start = instance.instantiate({});
    if (test::run(start) != CallState::Done) std::abort();
  }
  const auto function = instance.find(name, Signature::I32I32ToI32);
  for (auto _ : state) call_once(instance, *function, first);
  state.SetItemsProcessed(state.iterations() * first);
}

BENCHMARK_CAPTURE(warm, nop, "nop", 1);
BENCHMARK_CAPTURE(warm, sync_host_1000, "sync", 1000);
BENCHMARK_CAPTURE(warm, async_host_ready_1000, "ready", 1000);
BENCHMARK_CAPTURE(warm, async_host_pending_1000, "pending", 1000);
BENCHMARK_CAPTURE(warm, one_ready_host_call, "ready", 1);
BENCHMARK_CAPTURE(warm, one_pending_host_call, "pending", 1);

// Store, instance, one call that writes 8 pages of a 64 KiB memory, end.
void fresh(benchmark::State& state) {
  World& w = world();
  prepare_thread();
  Ticker::Lane& lane = w.ticker.lane(static_cast<unsigned>(state.thread_index()));
  for (auto _ : state) {
    Instance instance(w.prelinked, lane, nullptr);
    {
      Call start = instance.instantiate({});
      if (test::run(start) != CallState::Done) std::abort();
    }
    call_once(instance, *instance.find("dirty", Signature::I32I32ToI32), 8);
  }
}

BENCHMARK(fresh)->Threads(1)->Threads(kThreads)->MeasureProcessCPUTime();

void make_engine(benchmark::State& state) {
  EngineOptions options = host_options(world().limits);
  options.instances = static_cast<std::uint32_t>(state.range(0));
  for (auto _ : state) {
    if (!Engine::create(options)) std::abort();
  }
}

BENCHMARK(make_engine)->Arg(16)->Arg(1'000)->Arg(5'000)->Unit(benchmark::kMillisecond);

void load_compiled(benchmark::State& state) {
  World& w = world();
  const Bytes code = *Module::precompile(*w.engine, test::from_text(kGuest));
  for (auto _ : state) {
    if (!Module::deserialize(*w.engine, w.module->info(), code)) std::abort();
  }
}

BENCHMARK(load_compiled)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace trellis::engine
