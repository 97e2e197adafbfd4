// Adds 1 to the key `storm` for ever: a provider that is still called after the deadline shows it.

#include "trellis/guest/actor.h"
#include "trellis/guest/keyvalue.h"

namespace guest = trellis::guest;

namespace {

guest::Reply storm(guest::Bytes) {
  guest::msgpack::Writer request;
  request.map(2).field("key", "storm").field("value", 1);
  guest::Bytes bytes = request.bytes();
  while (guest::abi::host_call("default", 7, guest::kKeyValue.data, guest::kKeyValue.size, "Add", 3,
                               bytes.data, bytes.size) == 1) {
  }
  return guest::Error{"Add failed"};
}

}  // namespace

TRELLIS_ACTOR(guest::on("storm", storm))
