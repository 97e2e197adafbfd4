// What a host call costs: `get` makes as many Gets of the key `bench` as the payload says
// (decimal), `import` calls the import __host_response_len as often, which does nothing. Both
// answer with the count; the difference of their times is the price of the Gets.

#include "trellis/guest/actor.h"

namespace guest = trellis::guest;

namespace {

uint32_t number(guest::Bytes text) {
  uint32_t value = 0;
  for (uint8_t digit : text) {
    value = value * 10 + (digit - '0');
  }
  return value;
}

guest::Reply get(guest::Bytes payload) {
  uint32_t count = number(payload);
  guest::msgpack::Writer request;
  request.map(1).field("key", "bench");
  guest::Bytes bytes = request.bytes();
  // One buffer for all replies, so that the arena does not grow with the count.
  uint8_t reply[256];
  for (uint32_t i = 0; i < count; ++i) {
    if (guest::abi::host_call("default", 7, guest::kKeyValue.data, guest::kKeyValue.size, "Get", 3,
                              bytes.data, bytes.size) != 1) {
      return guest::Error{"Get failed"};
    }
    if (guest::abi::host_response_len() > sizeof reply) {
      return guest::Error{"the reply is longer than expected"};
    }
    guest::abi::host_response(reply);
  }
  return guest::Builder().add(count).bytes();
}

guest::Reply import(guest::Bytes payload) {
  uint32_t count = number(payload);
  for (uint32_t i = 0; i < count; ++i) {
    guest::abi::host_response_len();
  }
  return guest::Builder().add(count).bytes();
}

}  // namespace

TRELLIS_ACTOR(guest::on("get", get), guest::on("import", import))
