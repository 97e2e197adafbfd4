#include "trellis/provider/provider.h"

#include "trellis/base/text.h"
#include "trellis/codec/msgpack.h"

namespace trellis::provider {
namespace {

/// HealthResponse (wascc.md 4.7).
Bytes encode_healthy() {
  Bytes out;
  codec::msgpack::Writer writer(out);
  writer.map(2);
  writer.text("healthy");
  writer.boolean(true);
  writer.text("message");
  writer.text("");
  return out;
}

/// A guest chose the name: it may be long and hold anything.
constexpr std::size_t kMaxQuotedBytes = 128;

}  // namespace

Result<core::Reply> answer_other(const Contract& contract, const core::Invocation& invocation) {
  const std::string_view operation = invocation.operation;
  if (invocation.grant.holder() == kSystemHolder) {
    if (operation == "GetCapabilityDescriptor") {
      const std::string_view asked = invocation.grant.contract();
      const std::string_view id = contract.has_id(asked) ? asked : contract.ids.front();
      return reply_with(encode_descriptor(contract, id));
    }
    if (operation == "BindActor" || operation == "RemoveActor") return core::Reply{};
    if (operation == "HealthRequest") return reply_with(encode_healthy());
  }
  std::string message = "bad dispatch: ";
  message += contract.name;
  message += " has no operation ";
  message += escape_line(cut_utf8(operation, kMaxQuotedBytes));
  return fail(Reason::ContractOperation, std::move(message));
}

std::unexpected<Error> denied(const core::Invocation& invocation) {
  const core::Grant& grant = invocation.grant;
  std::string message = "Actor ";
  message += grant.holder();
  message += " attempted to call ";
  message += escape_line(cut_utf8(invocation.operation, kMaxQuotedBytes));
  message += " on ";
  message += grant.contract();
  message += ',';
  message += grant.binding();
  message += " - PERMISSION DENIED.";
  return fail(Reason::PolicyDenied, std::move(message));
}

}  // namespace trellis::provider
