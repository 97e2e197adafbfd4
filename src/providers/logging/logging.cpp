#include "trellis/providers/logging/logging.h"

#include <array>
#include <optional>
#include <utility>

#include "trellis/base/log.h"
#include "trellis/base/text.h"
#include "trellis/codec/msgpack.h"

namespace trellis::providers::logging {
namespace {

using codec::msgpack::FieldName;
using codec::msgpack::Kind;
using codec::msgpack::Reader;
using codec::msgpack::StructReader;

/// A record in the host's log is cut to this; the volume of a call is bounded by its log budget.
constexpr std::size_t kMaxRecordBytes = 8192;

constexpr std::uint32_t kLevelField = 0;
constexpr std::uint32_t kTextField = 1;
constexpr std::uint32_t kTargetField = 2;

// 2020: level, body. 2021: target, level, text. A positional array is told apart by its length.
constexpr std::array kFields2020 = {FieldName{"level", kLevelField}, FieldName{"body", kTextField},
                                    FieldName{"text", kTextField},
                                    FieldName{"target", kTargetField}};

struct Request {
  std::string_view target;
  std::string_view text;
  std::optional<Level> level;  // absent: level 0, "none"
  std::string unknown_level;   // not empty: what the level was
};

bool same_word(std::string_view a, std::string_view lower) noexcept {
  if (a.size() != lower.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const char c = a[i] >= 'A' && a[i] <= 'Z' ? static_cast<char>(a[i] + ('a' - 'A')) : a[i];
    if (c != lower[i]) return false;
  }
  return true;
}

constexpr std::array<std::string_view, 6> kLevelNames = {"none", "error", "warn",
                                                         "info", "debug", "trace"};
constexpr std::size_t kMaxLevelNameBytes = 32;

void set_level(Request& request, std::uint64_t number) {
  if (number >= kLevelNames.size()) {
    request.unknown_level = std::to_string(number);
  } else if (number > 0) {
    request.level = static_cast<Level>(number);
  }
}

void read_level(Reader& reader, Request& request) {
  request.level.reset();
  request.unknown_level.clear();
  const auto token = reader.next();
  if (!token) return;
  if (token->kind == Kind::Unsigned) return set_level(request, token->number);
  if (token->kind == Kind::Negative) {
    request.unknown_level = std::to_string(token->negative());
  } else if (token->kind == Kind::Text || token->kind == Kind::Binary) {
    for (std::size_t i = 0; i < kLevelNames.size(); ++i) {
      if (same_word(token->text(), kLevelNames[i])) return set_level(request, i);
    }
    request.unknown_level = to_utf8_lossy(cut_utf8(token->text(), kMaxLevelNameBytes));
  } else if (token->kind == Kind::Map && token->count == 1) {
    // An enum: {index: nil} or {name: nil}.
    read_level(reader, request);
    reader.skip();
  } else {
    reader.fail_with(codec::msgpack::Fault::WrongKind);
  }
}

/// Texts are taken as they are: a log line that is not UTF-8 is still worth writing.
std::string_view read_text(Reader& reader) {
  const auto token = reader.next();
  if (!token || token->kind == Kind::Nil) return {};
  if (token->kind == Kind::Text || token->kind == Kind::Binary) return token->text();
  reader.fail_with(codec::msgpack::Fault::WrongKind);
  return {};
}

bool is_array_of_three(ByteView payload) {
  const auto token = Reader(payload).peek();
  return token && token->kind == Kind::Array && token->count == 3;
}

Result<Request> decode(ByteView payload) {
  Request request;
  Reader reader(payload);
  bool has_text = false;
  if (is_array_of_three(payload)) {
    reader.array();
    request.target = read_text(reader);
    read_level(reader, request);
    request.text = read_text(reader);
    has_text = true;
  } else {
    StructReader fields(reader, kFields2020);
    while (const auto field = fields.next()) {
      if (*field == kLevelField) {
        read_level(reader, request);
      } else if (*field == kTextField) {
        request.text = read_text(reader);
        has_text = true;
      } else {
        request.target = read_text(reader);
      }
    }
  }
  if (reader.failed()) return std::unexpected(reader.error("the log record"));
  if (!has_text) return fail(Reason::ContractMalformed, "the log record lacks its text");
  return request;
}

class HostLog final : public LogSink {
 public:
  void write(const Record& record) override {
    const log::Level level = level_of(record.level);
    if (!log::enabled(level)) return;
    const std::string_view text = cut_utf8(record.text, kMaxRecordBytes);
    const std::string call = record.call.text();
    if (record.target.empty()) {
      log::write(level, "actor log",
                 {{"actor", record.actor}, {"name", record.name}, {"call", call}, {"text", text}});
    } else {
      log::write(level, "actor log",
                 {{"actor", record.actor},
                  {"name", record.name},
                  {"call", call},
                  {"target", cut_utf8(record.target, kMaxTargetBytes)},
                  {"text", text}});
    }
  }

 private:
  static constexpr std::size_t kMaxTargetBytes = 256;

  static log::Level level_of(Level level) noexcept {
    switch (level) {
      case Level::Error: return log::Level::Error;
      case Level::Warn: return log::Level::Warn;
      case Level::Info: return log::Level::Info;
      case Level::Debug:
      case Level::Trace: return log::Level::Debug;
    }
    return log::Level::Info;
  }
};

class Logging final : public provider::Provider {
 public:
  Logging(std::string name, LogSink& sink)
      : Provider(std::move(name), *provider::find_contract("logging")), sink_(sink) {}

  async::Task<Result<core::Reply>> dispatch(const core::Invocation& invocation) override {
    co_return serve(invocation);
  }

 private:
  Result<core::Reply> serve(const core::Invocation& invocation) {
    if (invocation.operation != "WriteLog" && invocation.operation != "write") {
      return provider::answer_other(contract(), invocation);
    }
    TR_TRY(const Request request, decode(invocation.payload));
    Record record{.actor = invocation.grant.holder(),
                  .name = invocation.context.principal.caller.name,
                  .tenant = invocation.grant.tenant(),
                  .call = invocation.context.id,
                  .target = request.target,
                  .text = request.text};
    if (!request.unknown_level.empty()) {
      const std::string text = "Unknown log level: " + request.unknown_level;
      record.level = Level::Error;
      record.text = text;
      sink_.write(record);
    } else if (request.level) {
      record.level = *request.level;
      sink_.write(record);
    }
    return core::Reply{};
  }

  LogSink& sink_;
};

}  // namespace

LogSink& host_log() noexcept {
  static HostLog sink;
  return sink;
}

std::unique_ptr<provider::Provider> create(std::string name, LogSink& sink) {
  return std::make_unique<Logging>(std::move(name), sink);
}

}  // namespace trellis::providers::logging
