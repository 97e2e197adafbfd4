// Figures of issue 3: warm echo of 64 bytes; the cost of one host call is (1,000 host calls - 1,000
// empty imports) / 1,000, both in one guest call. Times are for a batch of kBatch calls.
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include <benchmark/benchmark.h>
#include <boost/asio/co_spawn.hpp>

#include "trellis/abi/wapc/program.h"
#include "trellis/abi/wapc/test_frame.h"
#include "trellis/engine/test_support.h"

namespace trellis::abi::wapc {
namespace {

constexpr int kBatch = 1000;

constexpr std::string_view kModule = R"((module
  (import "wapc" "__guest_request" (func $request (param i32 i32)))
  (import "wapc" "__guest_response" (func $response (param i32 i32)))
  (import "wapc" "__host_call" (func $host_call (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wapc" "__host_response_len" (func $empty (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "defaultwascc:keyvalueGetkey")
  (func $calls (param $n i32)
    (loop
      (drop (call $host_call (i32.const 0) (i32.const 7) (i32.const 7) (i32.const 14)
        (i32.const 21) (i32.const 3) (i32.const 24) (i32.const 3)))
      (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
  (func $imports (param $n i32)
    (loop
      (drop (call $empty))
      (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
  (func (export "__guest_call") (param $op i32) (param $size i32) (result i32)
    (call $request (i32.const 512) (i32.const 1024))
    (if (i32.eq (local.get $op) (i32.const 1)) (then (call $calls (i32.const 1000))))
    (if (i32.eq (local.get $op) (i32.const 2)) (then (call $imports (i32.const 1000))))
    (call $response (i32.const 1024) (local.get $size))
    i32.const 1)))";

// Answers at once, as an in-memory store does.
class ReadyHost final : public HostInterface {
 public:
  async::Task<Result<core::Buffer>> host_call(const HostRequest&, CallFrame&) override {
    co_return core::Buffer::borrow(as_bytes("value"));
  }

  void guest_output(OutputKind, std::string_view) noexcept override {}

  void guest_output_dropped(std::uint64_t, std::uint64_t) noexcept override {}
};

struct Bench {
  Bench() {
    engine = std::move(*engine::Engine::create({}));
    ticker = std::make_unique<engine::Ticker>(1u);
    ticker->watch(*engine);
    auto module = engine::Module::compile(*engine, engine::test::from_text(kModule));
    program = *Program::create(*module, *ticker);
    guest = std::move(*program->create(core));
    bool started = false;
    run([&]() -> async::Task<void> { return start(started); });
    if (!started) std::abort();
  }

  template <class Make>
  void run(Make make) {
    boost::asio::co_spawn(core.executor(), make(), [](const std::exception_ptr& failure) {
      if (failure) std::rethrow_exception(failure);
    });
    core.run_ready();
  }

  async::Task<void> start(bool& started) {
    test::Frame frame(core, host, limits, core.clock().now() + std::chrono::seconds(60));
    const auto result = co_await guest->start(frame.frame);
    started = result.has_value();
  }

  async::Task<void> calls(int count, std::string_view operation, ByteView payload) {
    const TimePoint deadline = core.clock().now() + std::chrono::seconds(60);
    for (int i = 0; i < count; ++i) {
      test::Frame frame(core, host, limits, deadline);
      const auto reply = co_await guest->call(operation, payload, frame.frame);
      if (!reply || reply->size() != payload.size()) std::abort();
    }
  }

  std::unique_ptr<engine::Engine> engine;
  std::unique_ptr<engine::Ticker> ticker;
  std::shared_ptr<const Program> program;
  async::Core core{0};
  ReadyHost host;
  GuestLimits limits;
  std::unique_ptr<abi::Guest> guest;
};

void run_batches(benchmark::State& state, std::string_view operation, int batch, double per) {
  Bench bench;
  const Bytes payload(64, std::byte{'x'});
  for (auto _ : state) {
    bench.run([&]() -> async::Task<void> { return bench.calls(batch, operation, payload); });
  }
  state.counters["per_call"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * batch * per,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void warm_echo_64(benchmark::State& state) {
  run_batches(state, "echo", kBatch, 1);
}

void host_calls_1000(benchmark::State& state) {
  run_batches(state, "c", 1, 1000);
}

void empty_imports_1000(benchmark::State& state) {
  run_batches(state, "ii", 1, 1000);
}

BENCHMARK(warm_echo_64);
BENCHMARK(host_calls_1000);
BENCHMARK(empty_imports_1000);

}  // namespace
}  // namespace trellis::abi::wapc
