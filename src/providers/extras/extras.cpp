#include "trellis/providers/extras/extras.h"

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <tuple>
#include <utility>

#include "trellis/codec/msgpack.h"

namespace trellis::providers::extras {
namespace {

using codec::msgpack::FieldName;
using codec::msgpack::Kind;
using codec::msgpack::Reader;
using codec::msgpack::StructReader;
using codec::msgpack::Writer;

constexpr std::array kGeneratorFields = {FieldName{"guid", 0}, FieldName{"sequence", 1},
                                         FieldName{"random", 2}, FieldName{"min", 3},
                                         FieldName{"max", 4}};
constexpr std::array kRangeFields = {FieldName{"min", 0}, FieldName{"max", 1}};

struct Request {
  bool generator = false;  // in the form of 2020, and so will be the answer
  bool guid = false;
  bool random = false;
  std::uint32_t min = 0;
  std::uint32_t max = 0;
};

bool flag(Reader& reader) {
  return reader.boolean().value_or(false);
}

std::uint32_t number(Reader& reader) {
  return reader.integer<std::uint32_t>().value_or(0);
}

void read_generator(Reader& reader, Request& request) {
  StructReader fields(reader, kGeneratorFields);
  while (const auto field = fields.next()) {
    switch (*field) {
      case 0: request.guid = flag(reader); break;
      case 1: static_cast<void>(flag(reader)); break;
      case 2: request.random = flag(reader); break;
      case 3: request.min = number(reader); break;
      default: request.max = number(reader); break;
    }
    if (*field < 3) request.generator = true;
  }
}

/// Arguments of 2021: nothing, an empty struct, or {min, max}, also as an array of two.
Result<Request> decode(ByteView payload) {
  Request request;
  Reader reader(payload);
  const auto first = reader.peek();
  if (payload.empty() || (first && first->kind == Kind::Nil)) return request;
  if (first && first->kind == Kind::Array && first->count <= kRangeFields.size()) {
    StructReader fields(reader, kRangeFields);
    while (const auto field = fields.next()) {
      (*field == 0 ? request.min : request.max) = number(reader);
    }
  } else {
    read_generator(reader, request);
  }
  if (reader.failed()) return std::unexpected(reader.error("the extras request"));
  return request;
}

/// RFC 9562 version 4.
std::string make_uuid(core::Environment& environment) {
  std::array<std::byte, 16> bits{};
  environment.random(bits);
  bits[6] = (bits[6] & std::byte{0x0F}) | std::byte{0x40};
  bits[8] = (bits[8] & std::byte{0x3F}) | std::byte{0x80};
  const std::string hex = to_hex(bits);
  std::string text;
  text.reserve(36);
  for (std::size_t i = 0; i < hex.size(); ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) text += '-';
    text += hex[i];
  }
  return text;
}

/// Every number of [0, bound) equally likely.
std::uint32_t random_below(core::Environment& environment, std::uint32_t bound) {
  // What is left over above the largest multiple of bound would favour small numbers.
  const std::uint32_t reject_below = (0U - bound) % bound;
  std::uint32_t bits = 0;
  do {
    environment.random(std::as_writable_bytes(std::span(&bits, 1)));
  } while (bits < reject_below);
  return bits % bound;
}

struct Answer {
  std::optional<std::string> guid;
  std::uint64_t sequence = 0;
  std::uint32_t random = 0;
};

Bytes encode_generator_result(const Answer& answer) {
  Bytes out;
  out.reserve(112);
  Writer writer(out);
  writer.map(4);
  writer.text("guid");
  if (answer.guid) {
    writer.text(*answer.guid);
  } else {
    writer.nil();
  }
  writer.text("sequenceNumber");
  writer.unsigned_integer(answer.sequence);
  // 2020 and early 2021 spell it differently.
  writer.text("randomNumber");
  writer.unsigned_integer(answer.random);
  writer.text("random_number");
  writer.unsigned_integer(answer.random);
  return out;
}

enum class Op : std::uint8_t { Guid, Sequence, Random };

std::optional<Op> find_op(std::string_view operation) noexcept {
  if (operation == "RequestGuid") return Op::Guid;
  if (operation == "RequestSequence") return Op::Sequence;
  if (operation == "RequestRandom") return Op::Random;
  return std::nullopt;
}

Bytes encode_scalar(Op op, const Answer& answer) {
  Bytes out;
  Writer writer(out);
  switch (op) {
    case Op::Guid: writer.text(answer.guid.value_or("")); break;
    case Op::Sequence: writer.unsigned_integer(answer.sequence); break;
    case Op::Random: writer.unsigned_integer(answer.random); break;
  }
  return out;
}

class Extras final : public provider::Provider {
 public:
  Extras(std::string name, core::Environment& environment)
      : Provider(std::move(name), *provider::find_contract("extras")), environment_(environment) {}

  async::Task<Result<core::Reply>> dispatch(const core::Invocation& invocation) override {
    co_return serve(invocation);
  }

 private:
  Result<core::Reply> serve(const core::Invocation& invocation) {
    const auto op = find_op(invocation.operation);
    if (!op) return provider::answer_other(contract(), invocation);
    TR_TRY(const Request request, decode(invocation.payload));
    TR_TRY(const Answer answer, generate(*op, request, invocation.grant));
    return provider::reply_with(request.generator ? encode_generator_result(answer)
                                                  : encode_scalar(*op, answer));
  }

  Result<Answer> generate(Op op, const Request& request, const core::Grant& grant) {
    Answer answer;
    // The form of 2020 answers zeroes when the flag of the operation is not set.
    if (op == Op::Guid && (request.guid || !request.generator)) {
      answer.guid = make_uuid(environment_);
    }
    if (op == Op::Sequence) answer.sequence = next_number(grant);
    if (op == Op::Random && (request.random || !request.generator)) {
      if (request.min >= request.max) {
        return fail(Reason::ContractValue, "RequestRandom needs min below max, got " +
                                               std::to_string(request.min) + " and " +
                                               std::to_string(request.max));
      }
      answer.random = request.min + random_below(environment_, request.max - request.min);
    }
    return answer;
  }

  std::uint64_t next_number(const core::Grant& grant) {
    const std::lock_guard lock(mutex_);
    const std::tuple<std::string_view, std::string_view> who(grant.tenant(), grant.holder());
    const auto found = sequences_.find(who);
    if (found != sequences_.end()) return found->second++;
    sequences_.emplace(std::tuple<std::string, std::string>(who), 1);
    return 0;
  }

  core::Environment& environment_;
  std::mutex mutex_;
  /// The next number of each (tenant, actor): as many as links were ever made.
  std::map<std::tuple<std::string, std::string>, std::uint64_t, std::less<>> sequences_;
};

}  // namespace

std::unique_ptr<provider::Provider> create(std::string name, core::Environment& environment) {
  return std::make_unique<Extras>(std::move(name), environment);
}

}  // namespace trellis::providers::extras
