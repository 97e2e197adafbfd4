// Every corner of the rule for a call's result. The operation is a recipe of letters, done from
// left to right: `r` response "response", `R` response "second", `z` empty response, `e` error
// "error", `E` error "other", `x` an error that is not UTF-8, `t` trap (unreachable); the digit at
// the end is the returned code (`n` is -1). `re0`: both set, returns 0. A recipe without a digit
// returns 1.

#include "trellis/guest/abi.h"

namespace abi = trellis::guest::abi;

namespace {

char operation[1024];
uint8_t payload[1024];

void respond(const char* text, size_t size) {
  abi::guest_response(reinterpret_cast<const uint8_t*>(text), size);
}

}  // namespace

TRELLIS_GUEST_EXPORT("__guest_call")

int32_t guest_call(size_t operation_size, size_t payload_size) {
  if (operation_size > sizeof operation || payload_size > sizeof payload) {
    __builtin_trap();
  }
  abi::guest_request(operation, payload);
  for (size_t i = 0; i < operation_size; ++i) {
    char letter = operation[i];
    switch (letter) {
      case 'r': respond("response", 8); break;
      case 'R': respond("second", 6); break;
      case 'z': respond("", 0); break;
      case 'e': abi::guest_error("error", 5); break;
      case 'E': abi::guest_error("other", 5); break;
      case 'x': abi::guest_error("bad \xff\xc0 text", 11); break;
      case 't': __builtin_trap();
      case 'n': return -1;
      default: return letter - '0';
    }
  }
  return 1;
}
