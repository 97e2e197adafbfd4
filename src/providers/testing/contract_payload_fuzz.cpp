// Payloads of a hostile guest, to every operation: each call ends with a reply or an error, what it
// leaves behind stays within the limits, and no answer of an actor can break a line of HTTP.
//
// Input: steps of one byte for the operation, one for the length, and the payload.

#include <array>
#include <cstdlib>

#include "trellis/net/http/response.h"
#include "trellis/providers/extras/extras.h"
#include "trellis/providers/http_server/payload.h"
#include "trellis/providers/keyvalue/keyvalue.h"
#include "trellis/providers/logging/logging.h"
#include "trellis/providers/testing/fixture.h"

namespace trellis::providers {
namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

class BoundedSink final : public logging::LogSink {
 public:
  void write(const logging::Record& record) override {
    require(record.level >= logging::Level::Error && record.level <= logging::Level::Trace);
    require(record.text.size() < 512 && record.target.size() < 512);
  }
};

constexpr std::array kOperations = {"Get",
                                    "Set",
                                    "Add",
                                    "KeyExists",
                                    "Del",
                                    "Clear",
                                    "Range",
                                    "Push",
                                    "SetAdd",
                                    "ListItemDelete",
                                    "SetRemove",
                                    "SetQuery",
                                    "SetUnion",
                                    "SetIntersection",
                                    "RequestGuid",
                                    "RequestRandom",
                                    "RequestSequence",
                                    "WriteLog",
                                    "write"};
constexpr std::size_t kKeyValueOperations = 14;
constexpr std::size_t kExtrasOperations = 17;

constexpr std::size_t kMaxSpaceBytes = 4096;

/// Field lines end in CRLF and hold no other control character.
void check_lines(std::string_view fields) {
  while (!fields.empty()) {
    const auto end = fields.find("\r\n");
    require(end != std::string_view::npos && end > 0);
    for (const char c : fields.substr(0, end)) {
      require(static_cast<unsigned char>(c) >= 0x20 || c == '\t');
    }
    fields.remove_prefix(end + 2);
  }
}

void decode_as_response(ByteView payload) {
  http::Response response;
  if (!http_server::decode_response(payload, response)) return;
  require(response.status() >= 200 && response.status() <= 599);
  check_lines(response.fields());
  require(response.body().size() <= payload.size());
}

struct World {
  World() {
    keyvalue::Limits limits;
    limits.max_space_bytes = kMaxSpaceBytes;
    limits.max_items = 8;
    store = *keyvalue::create({.name = "store", .file = std::nullopt, .limits = limits}, pool);
  }

  core::Dispatcher& target(std::size_t operation) {
    if (operation < kKeyValueOperations) return *store;
    return operation < kExtrasOperations ? *extras : *logs;
  }

  async::OffloadPool pool{1, 1};
  BoundedSink sink;
  std::unique_ptr<provider::Provider> store;
  std::unique_ptr<provider::Provider> extras = extras::create("extras");
  std::unique_ptr<provider::Provider> logs = logging::create("logs", sink);
  std::shared_ptr<const core::Grant> grant = router::GrantIssuer::make({});
  Caller caller;
};

}  // namespace
}  // namespace trellis::providers

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trellis;
  using namespace trellis::providers;
  World world;
  ByteView input{reinterpret_cast<const std::byte*>(data), size};
  while (input.size() >= 2) {
    const auto choice = std::to_integer<std::size_t>(input[0]);
    const auto length = std::min(std::to_integer<std::size_t>(input[1]), input.size() - 2);
    const ByteView payload = input.subspan(2, length);
    input = input.subspan(2 + length);
    decode_as_response(payload);
    const std::size_t operation = choice % kOperations.size();
    const auto reply =
        world.caller.call(world.target(operation), *world.grant, kOperations[operation], payload);
    require(!reply || reply->payload.size() <= kMaxSpaceBytes);
  }
  return 0;
}
