// Calls any import with any numbers. The operation is the import's name, the payload its arguments:
// decimal or 0x numbers, `-N` below zero, `end` for the size of the memory, `end+N` and `end-N`.
// Answers `done`. The host calls go to (`b`, `n`, `o`) when a name is not what is tried.
//
//   console_log end-4 8      host_call 0 1 0 1 0 1 -1 2      host_response end-1

#include "trellis/guest/actor.h"

namespace guest = trellis::guest;

// The imports again, with plain numbers for their pointers.
#define WAPC(name) TRELLIS_GUEST_IMPORT("wapc", name)
#define WASI(name) TRELLIS_GUEST_IMPORT("wasi_snapshot_preview1", name)
WAPC("__guest_request") void raw_guest_request(uint32_t, uint32_t);
WAPC("__guest_response") void raw_guest_response(uint32_t, uint32_t);
WAPC("__guest_error") void raw_guest_error(uint32_t, uint32_t);
WAPC("__host_call")
uint32_t raw_host_call(uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t,
                       uint32_t);
WAPC("__host_response") void raw_host_response(uint32_t);
WAPC("__host_error") void raw_host_error(uint32_t);
WAPC("__console_log") void raw_console_log(uint32_t, uint32_t);
WASI("fd_write") uint32_t raw_fd_write(uint32_t, uint32_t, uint32_t, uint32_t);
WASI("random_get") uint32_t raw_random_get(uint32_t, uint32_t);
WASI("clock_time_get") uint32_t raw_clock_time_get(uint32_t, uint64_t, uint32_t);
WASI("clock_res_get") uint32_t raw_clock_res_get(uint32_t, uint32_t);
WASI("args_sizes_get") uint32_t raw_args_sizes_get(uint32_t, uint32_t);
WASI("environ_sizes_get") uint32_t raw_environ_sizes_get(uint32_t, uint32_t);
WASI("fd_fdstat_get") uint32_t raw_fd_fdstat_get(uint32_t, uint32_t);
WASI("poll_oneoff") uint32_t raw_poll_oneoff(uint32_t, uint32_t, uint32_t, uint32_t);
TRELLIS_GUEST_IMPORT("env", "abort") void raw_abort(uint32_t, uint32_t, uint32_t, uint32_t);

namespace {

uint32_t arguments[8];

uint32_t digits(guest::Text text, size_t at) {
  uint32_t value = 0;
  uint32_t base = 10;
  if (at + 1 < text.size && text.data[at] == '0' && text.data[at + 1] == 'x') {
    base = 16;
    at += 2;
  }
  for (; at < text.size; ++at) {
    char c = text.data[at];
    value = value * base + static_cast<uint32_t>(c <= '9' ? c - '0' : c - 'a' + 10);
  }
  return value;
}

uint32_t number(guest::Text word) {
  if (word.size >= 3 && guest::Text(word.data, 3) == guest::Text("end")) {
    // 4 GiB wraps to 0, which is what a 32-bit host would compute.
    auto end = static_cast<uint32_t>(__builtin_wasm_memory_size(0) << 16);
    if (word.size == 3) {
      return end;
    }
    uint32_t offset = digits(word, 4);
    return word.data[3] == '-' ? end - offset : end + offset;
  }
  return word.data[0] == '-' ? 0 - digits(word, 1) : digits(word, 0);
}

// Missing arguments are 0.
const uint32_t* parse(guest::Bytes payload) {
  guest::Text text = guest::text_of(payload);
  size_t count = 0;
  for (uint32_t& argument : arguments) {
    argument = 0;
  }
  for (size_t at = 0; at < text.size && count < 8; ++count) {
    size_t end = at;
    while (end < text.size && text.data[end] != ' ') {
      ++end;
    }
    arguments[count] = number(guest::Text(text.data + at, end - at));
    at = end + 1;
  }
  return arguments;
}

guest::Reply done() {
  return guest::Text("done").bytes();
}

// A response or an error to copy out must be there first.
void ask_host(guest::Text operation) {
  guest::abi::host_call("b", 1, "n", 1, operation.data, operation.size, nullptr, 0);
}

#define TRY(name, call)                           \
  guest::Reply try_##name(guest::Bytes payload) { \
    const uint32_t* a = parse(payload);           \
    call;                                         \
    return done();                                \
  }
TRY(guest_request, raw_guest_request(a[0], a[1]))
TRY(guest_response, raw_guest_response(a[0], a[1]))
TRY(guest_error, raw_guest_error(a[0], a[1]))
TRY(host_call, raw_host_call(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]))
TRY(host_response, ask_host("response"); raw_host_response(a[0]))
TRY(host_error, ask_host("error"); raw_host_error(a[0]))
TRY(console_log, raw_console_log(a[0], a[1]))
TRY(fd_write, raw_fd_write(a[0], a[1], a[2], a[3]))
TRY(random_get, raw_random_get(a[0], a[1]))
TRY(clock_time_get, raw_clock_time_get(a[0], a[1], a[2]))
TRY(clock_res_get, raw_clock_res_get(a[0], a[1]))
TRY(args_sizes_get, raw_args_sizes_get(a[0], a[1]))
TRY(environ_sizes_get, raw_environ_sizes_get(a[0], a[1]))
TRY(fd_fdstat_get, raw_fd_fdstat_get(a[0], a[1]))
TRY(poll_oneoff, raw_poll_oneoff(a[0], a[1], a[2], a[3]))
TRY(abort, raw_abort(a[0], a[1], a[2], a[3]))

}  // namespace

#define ON(name) guest::on(#name, try_##name)
TRELLIS_ACTOR(ON(guest_request), ON(guest_response), ON(guest_error), ON(host_call),
              ON(host_response), ON(host_error), ON(console_log), ON(fd_write), ON(random_get),
              ON(clock_time_get), ON(clock_res_get), ON(args_sizes_get), ON(environ_sizes_get),
              ON(fd_fdstat_get), ON(poll_oneoff), ON(abort))
