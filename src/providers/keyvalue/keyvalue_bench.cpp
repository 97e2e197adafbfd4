// The provider's part of a host call, payload to reply, on one core: what remains of the 500 ns
// that a Get may cost belongs to the guest boundary and the router.
#include <benchmark/benchmark.h>

#include "trellis/codec/msgpack.h"
#include "trellis/providers/keyvalue/keyvalue.h"
#include "trellis/providers/testing/fixture.h"

namespace trellis::providers::keyvalue {
namespace {

Bytes request(std::string_view key, bool number) {
  Bytes out;
  codec::msgpack::Writer writer(out);
  writer.map(2);
  writer.text("key");
  writer.text(key);
  writer.text("value");
  if (number) {
    writer.integer(1);
  } else {
    writer.text("a value of the usual length");
  }
  return out;
}

/// Calls from inside one coroutine, as a guest's host calls come.
async::Task<void> loop(benchmark::State& state, core::Dispatcher& target, const core::Grant& grant,
                       std::string_view operation, const Bytes& payload, async::Core& core) {
  async::CancelScope scope(core, TimePoint::max());
  const core::CallContext context{.id = {},
                                  .idempotency_key = {},
                                  .deadline = TimePoint::max(),
                                  .depth = 0,
                                  .trace = {},
                                  .principal = {},
                                  .cancel = scope};
  const core::Invocation invocation{grant, operation, payload, nullptr, context};
  for ([[maybe_unused]] auto step : state) {
    auto task = target.dispatch(invocation);
    auto reply = co_await std::move(task);
    benchmark::DoNotOptimize(reply);
  }
}

void run(benchmark::State& state, std::string_view operation, bool number) {
  async::OffloadPool pool(1, 10);
  auto provider = create({.name = "store", .file = std::nullopt, .limits = {}}, pool);
  Terms terms;
  terms.values["store"] = "counts";
  terms.resources = core::NameFilter::of({"page:*"});
  const auto grant = router::GrantIssuer::make(std::move(terms));
  Caller caller;
  const Bytes payload = request("page:/counter", number);
  const Bytes initial = request("page:/counter", false);
  if (!number) static_cast<void>(caller.call(**provider, *grant, "Set", initial));
  async::Gate gate(caller.core());
  gate.spawn(loop(state, **provider, *grant, operation, payload, caller.core()));
  caller.core().run_ready();
}

void bench_get(benchmark::State& state) {
  run(state, "Get", false);
}

void bench_set(benchmark::State& state) {
  run(state, "Set", false);
}

void bench_add(benchmark::State& state) {
  run(state, "Add", true);
}

BENCHMARK(bench_get);
BENCHMARK(bench_set);
BENCHMARK(bench_add);

}  // namespace
}  // namespace trellis::providers::keyvalue
