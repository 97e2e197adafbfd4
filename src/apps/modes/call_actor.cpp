#include "trellis/apps/modes/call_actor.h"

#include <chrono>
#include <utility>

#include "trellis/codec/json.h"
#include "trellis/control/socket_path.h"
#include "trellis/net/http/unix_client.h"

namespace trellis::apps::modes {
namespace {

/// The host ends the call at the actor's own deadline, which is at most a day.
constexpr std::chrono::hours kPatience{25};

Result<codec::json::Object> ask(const std::string& socket, std::string_view actor,
                                std::string_view operation, ByteView payload) {
  codec::json::Object body;
  body["actor"] = std::string(actor);
  body["operation"] = std::string(operation);
  body["payload_hex"] = to_hex(payload);
  http::ClientLimits limits;
  limits.timeout = kPatience;
  TR_TRY(const auto response,
         http::request_over_unix(socket, "POST", "/v1/call", as_bytes(codec::json::to_text(body)),
                                 limits));
  TR_TRY(const auto value,
         codec::json::parse(as_text(response.body),
                            {.max_bytes = std::size_t{64} << 20, .max_depth = 16}));
  const auto* const object = value.if_object();
  if (object == nullptr) {
    return fail(Reason::ControlUnreachable, "the host at " + socket + " did not answer with JSON");
  }
  if (response.status == 200) return *object;
  const auto message = codec::json::find_text(*object, "message").value_or("no message");
  const bool unknown = codec::json::find_text(*object, "reason") == "actor.unknown";
  return fail(unknown ? Reason::ActorUnknown : Reason::UsageInvalid, std::string(message));
}

std::optional<std::string> text_of(const codec::json::Object& object, std::string_view key) {
  const auto text = codec::json::find_text(object, key);
  if (!text) return std::nullopt;
  return std::string(*text);
}

}  // namespace

Result<abi::StepReport> call_actor(const std::optional<std::string>& socket, std::string_view actor,
                                   std::string_view operation, ByteView payload) {
  std::string path;
  if (socket) {
    path = *socket;
  } else {
    TR_TRY(path, control::only_socket());
  }
  TR_TRY(const auto object, ask(path, actor, operation, payload));
  abi::StepReport report;
  report.ok = codec::json::find_bool(object, "ok").value_or(false);
  if (const auto hex = text_of(object, "response_hex")) report.response = from_hex(*hex);
  report.error = text_of(object, "error");
  report.reason = text_of(object, "reason");
  report.trap = text_of(object, "trap");
  report.message = text_of(object, "message");
  if (const auto* duration = codec::json::find(object, "duration_us")) {
    report.duration_us = static_cast<std::uint64_t>(codec::json::integer(*duration).value_or(0));
  }
  return report;
}

}  // namespace trellis::apps::modes
