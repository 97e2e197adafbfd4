// The waPC imports, as the host defines them (module `wapc`). Pointers are offsets in this module's
// own memory, lengths are bytes. Actors use actor.h and host.h; nothing else needs these.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __wasm__
#define TRELLIS_GUEST_IMPORT(module, name) \
  extern "C" __attribute__((import_module(module), import_name(name)))
#define TRELLIS_GUEST_EXPORT(name) extern "C" __attribute__((export_name(name)))
#else  // a native unit test of an actor defines the imports itself
#define TRELLIS_GUEST_IMPORT(module, name) extern "C"
#define TRELLIS_GUEST_EXPORT(name) extern "C"
#endif

namespace trellis::guest::abi {

// Copies the operation and the payload of the current call to the two addresses. Their lengths are
// the arguments of __guest_call.
TRELLIS_GUEST_IMPORT("wapc", "__guest_request")
void guest_request(char* operation, uint8_t* payload);

// The response and the error of the current call; the host copies at once, the last one wins.
TRELLIS_GUEST_IMPORT("wapc", "__guest_response")
void guest_response(const uint8_t* data, size_t size);
TRELLIS_GUEST_IMPORT("wapc", "__guest_error")
void guest_error(const char* data, size_t size);

// 1: the host has a response. 0: the host has an error. Each call replaces both.
TRELLIS_GUEST_IMPORT("wapc", "__host_call")
int32_t host_call(const char* binding, size_t binding_size, const char* contract,
                  size_t contract_size, const char* operation, size_t operation_size,
                  const uint8_t* payload, size_t payload_size);
TRELLIS_GUEST_IMPORT("wapc", "__host_response_len")
size_t host_response_len();
TRELLIS_GUEST_IMPORT("wapc", "__host_response")
void host_response(uint8_t* to);
TRELLIS_GUEST_IMPORT("wapc", "__host_error_len")
size_t host_error_len();
TRELLIS_GUEST_IMPORT("wapc", "__host_error")
void host_error(char* to);

// One line for the actor's log.
TRELLIS_GUEST_IMPORT("wapc", "__console_log")
void console_log(const char* data, size_t size);

}  // namespace trellis::guest::abi
