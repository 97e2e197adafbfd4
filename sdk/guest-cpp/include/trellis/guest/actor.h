// An actor: a table from operations to handlers, and the waPC entry point that serves it.
//
//   namespace guest = trellis::guest;
//   guest::Reply echo(guest::Bytes payload) { return payload; }
//   TRELLIS_ACTOR(guest::on("echo", echo))
//
// One source file of an actor holds one TRELLIS_ACTOR.
#pragma once

#include "trellis/guest/contracts.h"
#include "trellis/guest/host.h"
#include "trellis/guest/msgpack.h"

namespace trellis::guest {

// What a handler returns: the response's bytes, or an Error.
using Reply = Result<Bytes>;

// An operation and the function that serves it.
struct Handler {
  Text operation;
  Reply (*serve)(Bytes payload);
};

// A handler of raw bytes. http_server.h makes handlers of typed functions.
constexpr Handler on(Text operation, Reply (*serve)(Bytes payload)) {
  return Handler{operation, serve};
}

namespace detail {

// The answer to a host that asks after an actor's health (operation HealthRequest).
inline Reply healthy() {
  msgpack::Writer writer;
  if (kGeneration2021) {
    writer.map(2).field("healthy", true).field("message", "");
  } else {
    writer.nil();
  }
  return writer.bytes();
}

inline Reply dispatch(const Handler* handlers, size_t count, Text operation, Bytes payload) {
  for (size_t i = 0; i < count; ++i) {
    if (handlers[i].operation == operation) {
      return handlers[i].serve(payload);
    }
  }
  if (operation == Text("HealthRequest")) {
    return healthy();
  }
  return Error{
      Builder().add("No handler registered for function \"").add(operation).add('"').text()};
}

inline int32_t serve(const Handler* handlers, size_t count, size_t operation_size,
                     size_t payload_size) {
  arena.reset();
  auto* operation = static_cast<char*>(allocate(operation_size));
  auto* payload = static_cast<uint8_t*>(allocate(payload_size));
  abi::guest_request(operation, payload);
  Reply reply =
      dispatch(handlers, count, Text(operation, operation_size), Bytes(payload, payload_size));
  if (reply) {
    abi::guest_response(reply->data, reply->size);
    return 1;
  }
  abi::guest_error(reply.error().text.data, reply.error().text.size);
  return 0;
}

}  // namespace detail
}  // namespace trellis::guest

// Defines the module's entry point with the handlers given. An operation that none of them serves
// answers `No handler registered for function "X"`; HealthRequest is served unless it is given.
#define TRELLIS_ACTOR(...)                                                                 \
  TRELLIS_GUEST_EXPORT("__guest_call")                                                     \
  int32_t trellis_guest_call(size_t operation_size, size_t payload_size) {                 \
    static constexpr ::trellis::guest::Handler handlers[] = {__VA_ARGS__};                 \
    return ::trellis::guest::detail::serve(handlers, sizeof handlers / sizeof handlers[0], \
                                           operation_size, payload_size);                  \
  }
