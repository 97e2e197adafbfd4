// Calls from the actor to the host: capability providers, other actors, the log.
#pragma once

#include "trellis/guest/abi.h"
#include "trellis/guest/result.h"

namespace trellis::guest {

// Calls `operation` of `contract` (a contract id, an actor's key or its call alias) over the link
// named `binding` and waits for the reply. The error is the host's text.
inline Result<Bytes> host_call(Text binding, Text contract, Text operation, Bytes payload) {
  int32_t code = abi::host_call(binding.data, binding.size, contract.data, contract.size,
                                operation.data, operation.size, payload.data, payload.size);
  if (code == 1) {
    size_t size = abi::host_response_len();
    auto* data = static_cast<uint8_t*>(allocate(size));
    abi::host_response(data);
    return Bytes(data, size);
  }
  size_t size = abi::host_error_len();
  auto* data = static_cast<char*>(allocate(size));
  abi::host_error(data);
  return Error{Text(data, size)};
}

// Calls another actor, by its key (M...) or its call alias. The token must hold that name among its
// capabilities; no link is needed.
inline Result<Bytes> call_actor(Text key_or_alias, Text operation, Bytes payload) {
  return host_call("default", key_or_alias, operation, payload);
}

// One line for the actor's log, without a capability.
inline void console_log(Text line) {
  abi::console_log(line.data, line.size);
}

namespace detail {

[[noreturn]] inline void stop(const char* text, size_t size) {
  abi::guest_error(text, size);
  __builtin_trap();
}

}  // namespace detail
}  // namespace trellis::guest
