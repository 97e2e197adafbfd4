// What the host keeps for a call is empty when the next one begins. Each call answers with seven
// numbers: the lengths of host response and host error before any host call; then the code and both
// lengths after a host call to (`a`, `state`, `first`), then the two lengths after another one to
// (`a`, `state`, `second`). The request is asked for three times and must be the same each time.

#include "trellis/guest/host.h"

namespace guest = trellis::guest;

namespace {

guest::Builder answer;

void put_lengths() {
  answer.add(guest::abi::host_response_len()).add(' ').add(guest::abi::host_error_len()).add(' ');
}

int32_t call(guest::Text operation) {
  return guest::abi::host_call("a", 1, "state", 5, operation.data, operation.size, nullptr, 0);
}

bool same_request_each_time(size_t operation_size, size_t payload_size) {
  guest::Text operations[3];
  guest::Bytes payloads[3];
  for (int i = 0; i < 3; ++i) {
    auto* operation = guest::allocate_array<char>(operation_size);
    auto* payload = guest::allocate_array<uint8_t>(payload_size);
    guest::abi::guest_request(operation, payload);
    operations[i] = guest::Text(operation, operation_size);
    payloads[i] = guest::Bytes(payload, payload_size);
    if (!(operations[i] == operations[0]) ||
        !(guest::text_of(payloads[i]) == guest::text_of(payloads[0]))) {
      return false;
    }
  }
  return true;
}

}  // namespace

TRELLIS_GUEST_EXPORT("__guest_call")

int32_t guest_call(size_t operation_size, size_t payload_size) {
  guest::detail::arena.reset();
  answer = guest::Builder();
  put_lengths();
  answer.add(call("first")).add(' ');
  put_lengths();
  call("second");
  put_lengths();
  if (!same_request_each_time(operation_size, payload_size)) {
    guest::abi::guest_error("the request changed", 19);
    return 0;
  }
  guest::abi::guest_response(answer.bytes().data, answer.bytes().size - 1);
  return 1;
}
