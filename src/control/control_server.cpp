#include "trellis/control/control_server.h"

#include <chrono>
#include <future>
#include <optional>
#include <utility>

#include "trellis/base/bytes.h"
#include "trellis/codec/json.h"
#include "trellis/host/manifest.h"

namespace trellis::control {
namespace {

constexpr std::uint64_t kMaxBodyBytes = std::uint64_t{18} << 20;  // a payload of 8 MiB as hex
constexpr std::int64_t kMaxDeadlineMilliseconds = 24LL * 3600 * 1000;
constexpr std::string_view kActorsPath = "/v1/actors";
constexpr std::string_view kCallPath = "/v1/call";

/// What a job answers with.
struct Answer {
  int status = 200;
  codec::json::Object body;
};

/// A request, copied: jobs run on other threads.
struct Job {
  std::string method;
  std::string path;
  std::string body;
};

Result<codec::json::Value> parse_body(const std::string& body) {
  return codec::json::parse(body, {.max_bytes = kMaxBodyBytes, .max_depth = 16});
}

Result<Answer> start_actor(host::Host& host, const Job& job) {
  TR_TRY(const auto body, parse_body(job.body));
  TR_TRY(auto request, host::parse_actor_request(body, host.folder()));
  TR_TRY(auto started, host.start_actor(std::move(request)));
  return Answer{201, std::move(started)};
}

struct CallRequest {
  std::string actor;
  std::string operation;
  Bytes payload;
  std::optional<std::chrono::milliseconds> deadline;  // absent: the actor's own
};

/// What a call needs before it can be made.
struct PreparedCall {
  CallRequest request;
  host::Actors::CallLine line;
};

Result<CallRequest> parse_call(const std::string& text) {
  TR_TRY(const auto body, parse_body(text));
  const auto* const object = body.if_object();
  if (object == nullptr) return fail(Reason::JsonMalformed, "the body must be a JSON object");
  for (const auto& item : *object) {
    const std::string_view key = item.key();
    if (key == "actor" || key == "operation" || key == "payload_hex" || key == "deadline_ms") {
      continue;
    }
    return fail(Reason::UsageInvalid, "unknown key '" + std::string(key) +
                                          "'; valid: actor, operation, payload_hex, deadline_ms");
  }
  const auto actor = codec::json::find_text(*object, "actor");
  const auto operation = codec::json::find_text(*object, "operation");
  if (!actor || !operation) {
    return fail(Reason::UsageInvalid, "`actor` and `operation` must be texts");
  }
  CallRequest request;
  request.actor = *actor;
  request.operation = *operation;
  if (codec::json::find(*object, "payload_hex") != nullptr) {
    const auto hex = codec::json::find_text(*object, "payload_hex");
    auto payload = hex ? from_hex(*hex) : std::nullopt;
    if (!payload) return fail(Reason::UsageInvalid, "`payload_hex` must be hex digits, two a byte");
    request.payload = *std::move(payload);
  }
  if (const auto* deadline = codec::json::find(*object, "deadline_ms")) {
    const auto value = codec::json::integer(*deadline);
    if (!value || *value < 1 || *value > kMaxDeadlineMilliseconds) {
      return fail(Reason::UsageInvalid, "`deadline_ms` must be an integer from 1 to " +
                                            std::to_string(kMaxDeadlineMilliseconds));
    }
    request.deadline = std::chrono::milliseconds(*value);
  }
  return request;
}

Result<PreparedCall> prepare_call(const host::Host& host, const std::string& body) {
  PreparedCall call;
  TR_TRY(call.request, parse_call(body));
  TR_TRY(call.line, host.line_to(call.request.actor));
  return call;
}

Result<Answer> run(host::Host& host, const Job& job) {
  if (job.path == kActorsPath && job.method == "GET") {
    Answer answer;
    answer.body["actors"] = host.actors();
    return answer;
  }
  if (job.path == kActorsPath && job.method == "POST") return start_actor(host, job);
  const bool one_actor = job.path.starts_with(std::string(kActorsPath) + "/");
  if (one_actor && job.method == "DELETE") {
    TR_CHECK(host.stop_actor(std::string_view(job.path).substr(kActorsPath.size() + 1)));
    return Answer{};
  }
  if (job.path == kActorsPath || job.path == kCallPath || one_actor) {
    return fail(Reason::HttpMethod, "the method " + job.method + " is not served at " + job.path);
  }
  return fail(Reason::HttpNoRoute,
              "nothing is served at " + job.path + "; try GET " + std::string(kActorsPath));
}

/// A refusal of the control plane is the asker's error, never a 5xx of a proxy's kind.
int status_of(const Error& error) {
  const int status = reason_http_status(error.reason());
  return status >= 400 && status < 500 ? status : 422;
}

Bytes json_body(const codec::json::Object& object) {
  return to_bytes(codec::json::to_text(object) + "\n");
}

void fill(http::Response& response, int status, Bytes body) {
  response.set_status(status);
  response.add_header("content-type", "application/json");
  response.set_body(std::move(body));
}

void fill(http::Response& response, const Answer& answer) {
  fill(response, answer.status, json_body(answer.body));
}

void refuse(http::Response& response, const Error& error) {
  Answer answer;
  answer.status = status_of(error);
  answer.body["reason"] = std::string(error.reason_text());
  answer.body["message"] = error.message();
  fill(response, answer);
}

}  // namespace

Result<std::unique_ptr<ControlServer>> ControlServer::open(host::Host& host,
                                                           const std::string& path) {
  std::unique_ptr<ControlServer> server(new ControlServer(host));
  http::ServerLimits limits;
  limits.max_body_bytes = kMaxBodyBytes;
  limits.max_connections = 64;
  TR_TRY(server->server_, http::Server::on_socket(host.control_core(), path, limits, *server));
  TR_CHECK(server->server_->start());
  return server;
}

ControlServer::~ControlServer() {
  stop(Duration(0));
}

void ControlServer::stop(Duration drain) {
  if (server_ == nullptr || std::exchange(stopped_, true)) return;
  std::promise<void> done;
  auto ended = done.get_future();
  server_->stop(drain, [&done] { done.set_value(); });
  ended.wait();
}

/// Runs on the core, so that any number of calls may be under way at once.
async::Task<void> ControlServer::call_actor(const http::Request& request, http::Response& response,
                                            async::CancelScope& scope) {
  host::Host& host = host_;
  std::move_only_function<Result<PreparedCall>()> work =
      [&host, body = std::string(as_text(request.body()))] { return prepare_call(host, body); };
  auto prepared = co_await host_.control_pool().run<PreparedCall>(scope, std::move(work));
  if (!prepared) {
    refuse(response, prepared.error());
    co_return;
  }
  TimePoint deadline = TimePoint::max();
  const CallRequest& call = prepared->request;
  if (call.deadline) deadline = scope.core().clock().now() + *call.deadline;
  async::CancelScope call_scope(scope, deadline);
  auto report = co_await host_.call(prepared->line, call.operation, call.payload, call_scope);
  // A report of megabytes takes long to write, and actors run on this core.
  std::move_only_function<Result<Bytes>()> write = [report = std::move(report)] {
    return Result<Bytes>(json_body(abi::to_json(report)));
  };
  auto body = co_await host_.control_pool().run<Bytes>(scope, std::move(write));
  if (body) {
    fill(response, 200, *std::move(body));
  } else {
    refuse(response, body.error());
  }
}

async::Task<void> ControlServer::handle(const http::Request& request, http::Response& response,
                                        async::CancelScope& scope) {
  if (request.path() == kCallPath && request.method() == "POST") {
    co_await call_actor(request, response, scope);
    co_return;
  }
  Job job{std::string(request.method()), std::string(request.path()),
          std::string(as_text(request.body()))};
  host::Host& host = host_;
  std::move_only_function<Result<Answer>()> work = [&host, job = std::move(job)] {
    return run(host, job);
  };
  auto answer = co_await host_.control_pool().run<Answer>(scope, std::move(work));
  if (answer) {
    fill(response, *answer);
  } else {
    refuse(response, answer.error());
  }
}

}  // namespace trellis::control
