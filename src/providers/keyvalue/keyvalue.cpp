#include "trellis/providers/keyvalue/keyvalue.h"

#include <algorithm>
#include <span>
#include <utility>

#include "trellis/core/environment.h"
#include "trellis/providers/keyvalue/file_store.h"
#include "trellis/providers/keyvalue/memory_store.h"
#include "trellis/store/store.h"

namespace trellis::providers::keyvalue {
namespace {

const provider::Contract& contract_row() noexcept {
  return *provider::find_contract("keyvalue");
}

SpaceName space_of(const core::Grant& grant) noexcept {
  if (const std::string* store = grant.value("store")) return {grant.tenant(), true, *store};
  return {grant.tenant(), false, grant.holder()};
}

bool permits(const core::Grant& grant, const Request& request) noexcept {
  if (request.op == Op::SetUnion || request.op == Op::SetIntersection) {
    return std::ranges::all_of(
        request.keys, [&grant](std::string_view key) { return grant.permits_resource(key); });
  }
  return grant.permits_resource(request.key);
}

/// What an invocation asks; the texts are views into `payload`.
Result<Request> read_request(const core::Invocation& invocation, Op op, ByteView payload,
                             const Limits& limits) {
  if (invocation.stream != nullptr) {
    return limit_reached("bytes of a request", limits.max_value_bytes);
  }
  TR_TRY(Request request, decode_request(op, payload, limits));
  if (!permits(invocation.grant, request)) return provider::denied(invocation);
  return request;
}

HashKey random_hash_key() noexcept {
  HashKey key;
  core::system_environment().random(std::as_writable_bytes(std::span(&key, 1)));
  return key;
}

class MemoryKeyValue final : public provider::Provider {
 public:
  explicit MemoryKeyValue(const Options& options)
      : Provider(options.name, contract_row()),
        limits_(options.limits),
        store_(options.limits, random_hash_key()) {}

  async::Task<Result<core::Reply>> dispatch(const core::Invocation& invocation) override {
    co_return serve(invocation);
  }

 private:
  Result<core::Reply> serve(const core::Invocation& invocation) {
    const auto op = find_op(invocation.operation);
    if (!op) return provider::answer_other(contract(), invocation);
    TR_TRY(const Request request, read_request(invocation, *op, invocation.payload, limits_));
    const Clock& clock = invocation.context.cancel.core().clock();
    Bytes reply;
    TR_CHECK(store_.run(space_of(invocation.grant), request, clock, reply));
    return provider::reply_with(std::move(reply));
  }

  Limits limits_;
  MemoryStore store_;
};

/// All that a job needs, owned: the caller may be gone when it runs.
struct FileJob {
  std::string tenant;
  bool shared = false;
  std::string space;
  Bytes payload;
  Op op = Op::Get;
  std::int64_t now = 0;
  Limits limits;

  Result<Bytes> operator()(store::Database& database) const {
    TR_TRY(const Request request, decode_request(op, payload, limits));
    Bytes reply;
    TR_CHECK(run_on_file(database, {tenant, shared, space}, request, now, limits, reply));
    return reply;
  }
};

class FileKeyValue final : public provider::Provider {
 public:
  FileKeyValue(const Options& options, std::unique_ptr<store::Store> store)
      : Provider(options.name, contract_row()), limits_(options.limits), store_(std::move(store)) {}

  async::Task<Result<core::Reply>> dispatch(const core::Invocation& invocation) override {
    const auto op = find_op(invocation.operation);
    if (!op) co_return provider::answer_other(contract(), invocation);
    CO_CHECK(read_request(invocation, *op, invocation.payload, limits_));
    async::CancelScope& scope = invocation.context.cancel;
    const SpaceName space = space_of(invocation.grant);
    std::move_only_function<Result<Bytes>(store::Database&)> job =
        FileJob{.tenant = std::string(space.tenant),
                .shared = space.shared,
                .space = std::string(space.name),
                .payload = to_bytes(invocation.payload),
                .op = *op,
                .now = scope.core().clock().wall_nanoseconds() / 1'000'000,
                .limits = limits_};
    auto task = reads_only(*op) ? store_->read<Bytes>(scope, std::move(job))
                                : store_->write<Bytes>(scope, std::move(job));
    auto result = co_await std::move(task);
    if (!result) co_return std::unexpected(std::move(result).error());
    co_return provider::reply_with(*std::move(result));
  }

 private:
  Limits limits_;
  std::unique_ptr<store::Store> store_;
};

}  // namespace

Result<std::unique_ptr<provider::Provider>> create(const Options& options,
                                                   async::OffloadPool& pool) {
  if (!options.file) return std::make_unique<MemoryKeyValue>(options);
  const store::DatabaseOptions database{.path = *options.file,
                                        .max_bytes = options.limits.max_file_bytes,
                                        .application_id = kApplicationId,
                                        .migrations = migrations()};
  TR_TRY(auto opened, store::Store::open(database, pool));
  return std::make_unique<FileKeyValue>(options, std::move(opened));
}

}  // namespace trellis::providers::keyvalue
