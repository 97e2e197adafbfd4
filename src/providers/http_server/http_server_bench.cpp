// What this provider adds to a request between the HTTP server and the router.
#include <benchmark/benchmark.h>

#include "trellis/codec/msgpack.h"
#include "trellis/net/http/request_parser.h"
#include "trellis/providers/http_server/http_server.h"
#include "trellis/providers/testing/fixture.h"

namespace trellis::providers::http_server {
namespace {

constexpr std::string_view kHead =
    "GET /hello/world?name=x HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: bench/1.0\r\n"
    "Accept: */*\r\nAccept-Encoding: gzip\r\n\r\n";

Bytes hello() {
  Bytes out;
  codec::msgpack::Writer writer(out);
  writer.map(4);
  writer.text("statusCode");
  writer.unsigned_integer(200);
  writer.text("status");
  writer.text("OK");
  writer.text("header");
  writer.map(1);
  writer.text("content-type");
  writer.text("text/plain");
  writer.text("body");
  writer.binary(as_bytes("hello, world\n"));
  return out;
}

class Hello final : public core::Dispatcher {
 public:
  async::Task<Result<core::Reply>> dispatch(const core::Invocation&) override {
    co_return core::Reply{.payload = core::Buffer::borrow(answer_), .stream = nullptr, .usage = {}};
  }

 private:
  Bytes answer_ = hello();
};

async::Task<void> loop(benchmark::State& state, Site& site, const http::Request& request,
                       async::Core& core) {
  async::CancelScope scope(core, TimePoint::max());
  http::Response response;
  for ([[maybe_unused]] auto step : state) {
    response.clear();
    auto task = site.handle(request, response, scope);
    co_await std::move(task);
    benchmark::DoNotOptimize(response.status());
  }
}

void bench_request(benchmark::State& state) {
  http::RequestParser parser(16384);
  if (parser.parse(kHead) != http::ParseStatus::Complete) return;
  const http::Request request(kHead.data(), parser.head(), {}, "127.0.0.1:1");
  Hello actor;
  Site site("web", actor);
  std::vector<Route> routes;
  routes.push_back({.path = "/hello", .grant = router::GrantIssuer::make({})});
  routes.push_back({.path = "/other", .grant = router::GrantIssuer::make({})});
  auto table = RouteTable::create(std::move(routes));
  site.set_routes(*std::move(table));
  async::Core core(0);
  async::Gate gate(core);
  gate.spawn(loop(state, site, request, core));
  core.run_ready();
}

BENCHMARK(bench_request);

}  // namespace
}  // namespace trellis::providers::http_server
