// The codec's part of a request: an HTTP request written, a response read.
#include <array>

#include <benchmark/benchmark.h>

#include "trellis/codec/msgpack.h"

namespace trellis::codec::msgpack {
namespace {

void write_request(benchmark::State& state) {
  Bytes out;
  for (auto _ : state) {
    out.clear();
    Writer writer(out);
    writer.map(5);
    writer.text("method");
    writer.text("GET");
    writer.text("path");
    writer.text("/counter/of/things");
    writer.text("queryString");
    writer.text("");
    writer.text("header");
    writer.map(3);
    for (const char* name : {"host", "accept", "user-agent"}) {
      writer.text(name);
      writer.text("a value of some length");
    }
    writer.text("body");
    writer.binary({});
    benchmark::DoNotOptimize(out.data());
  }
}

BENCHMARK(write_request);

void read_response(benchmark::State& state) {
  Bytes encoded;
  Writer writer(encoded);
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
  writer.binary(Bytes(64));
  static constexpr std::array<FieldName, 4> kNames = {
      {{"statusCode", 0}, {"status", 1}, {"header", 2}, {"body", 3}}};
  Bytes scratch;
  for (auto _ : state) {
    Reader reader(encoded);
    StructReader fields(reader, kNames);
    while (const std::optional<std::uint32_t> field = fields.next()) {
      switch (*field) {
        case 0: benchmark::DoNotOptimize(reader.unsigned_integer()); break;
        case 1: benchmark::DoNotOptimize(reader.text()); break;
        case 2: {
          const std::uint32_t count = reader.map().value_or(0);
          for (std::uint32_t i = 0; i < 2 * count; ++i) benchmark::DoNotOptimize(reader.text());
          break;
        }
        default: benchmark::DoNotOptimize(reader.bytes(scratch));
      }
    }
    if (reader.failed()) state.SkipWithError("failed");
  }
}

BENCHMARK(read_response);

void skip_value(benchmark::State& state) {
  Bytes encoded;
  Writer writer(encoded);
  writer.array(1000);
  for (std::int64_t i = 0; i < 1000; ++i) writer.integer(i * i - 500);
  for (auto _ : state) {
    Reader reader(encoded);
    if (!reader.skip()) state.SkipWithError("failed");
  }
}

BENCHMARK(skip_value);

}  // namespace
}  // namespace trellis::codec::msgpack
