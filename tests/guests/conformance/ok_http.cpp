// An HTTP actor that does what the path says, for tests of the server in front of it.
//
// /status/N        status N and an empty body             /body/N    a body of N bytes `x`
// /echo            the request's body                      /size      the body's size in decimal
// /header/NAME     the value of a request's header         /cookies   two set-cookie lines
// /sleep/MS        waits, then `slept`                     /loop      never answers
// /grow/N          grows to N pages, writes them all, waits 200 ms, answers with the pages
// /trap            unreachable                             /error     the guest error `deliberate`
// /crlf            a header value with CR LF in it         /nul       a header value with NUL
// /framing         content-length, transfer-encoding and connection headers that are wrong
// /malformed       a response that is not MessagePack      /empty     an empty response

#include "trellis/guest/http_server.h"

namespace guest = trellis::guest;
namespace http = trellis::guest::http;

TRELLIS_GUEST_IMPORT("wasi_snapshot_preview1", "poll_oneoff")
int32_t poll_oneoff(const void* wishes, void* events, size_t count, size_t* occurred);

namespace {

bool starts_with(guest::Text text, guest::Text prefix, guest::Text& rest) {
  if (text.size < prefix.size || !(guest::Text(text.data, prefix.size) == prefix)) {
    return false;
  }
  rest = guest::Text(text.data + prefix.size, text.size - prefix.size);
  return true;
}

uint32_t number(guest::Text text) {
  uint32_t value = 0;
  for (char digit : text) {
    value = value * 10 + static_cast<uint32_t>(digit - '0');
  }
  return value;
}

http::Response sleep(uint32_t milliseconds) {
  // A subscription of WASI preview 1 is 48 bytes: tag (0: clock) at 8, the clock at 16 (1: the
  // monotonic one), the timeout in nanoseconds at 24. An event is 32 bytes.
  alignas(8) uint8_t wish[48] = {};
  uint8_t event[32];
  uint64_t timeout = uint64_t{milliseconds} * 1000000;
  wish[16] = 1;
  memcpy(wish + 24, &timeout, sizeof timeout);
  size_t occurred = 0;
  if (poll_oneoff(wish, event, 1, &occurred) != 0) {
    return http::text(500, "poll_oneoff failed");
  }
  return http::text(200, "slept");
}

http::Response grow(uint32_t pages) {
  size_t have = __builtin_wasm_memory_size(0);
  if (pages > have && __builtin_wasm_memory_grow(0, pages - have) == static_cast<size_t>(-1)) {
    return http::text(500, "grow failed");
  }
  // What was there already holds the stack, the data and the request.
  for (size_t at = have << 16; at < uint64_t{pages} << 16; at += 4096) {
    *reinterpret_cast<volatile uint8_t*>(at) = 1;
  }
  sleep(200);
  return http::text(200, guest::Builder().add(uint64_t{__builtin_wasm_memory_size(0)}).text());
}

http::Response with_header(guest::Text name, guest::Text value) {
  http::Response response = http::text(200, "x");
  response.headers.add(name, value);
  return response;
}

http::Response cookies() {
  http::Response response = http::text(200, "two\n");
  response.headers.add("set-cookie", "a=1").add("set-cookie", "b=2");
  return response;
}

http::Response framing() {
  http::Response response = http::text(200, "true length\n");
  response.headers.add("content-length", "3")
      .add("transfer-encoding", "chunked")
      .add("connection", "upgrade");
  return response;
}

http::Response sized(uint32_t size) {
  auto* body = guest::allocate_array<char>(size);
  memset(body, 'x', size);
  return http::text(200, guest::Text(body, size));
}

guest::Result<http::Response> handle(const http::Request& request) {
  guest::Text rest;
  if (starts_with(request.path, "/status/", rest)) {
    http::Response response;
    response.status_code = number(rest);
    return response;
  }
  if (starts_with(request.path, "/body/", rest)) {
    return sized(number(rest));
  }
  if (starts_with(request.path, "/header/", rest)) {
    return http::text(200, request.headers.find(rest));
  }
  if (starts_with(request.path, "/sleep/", rest)) {
    return sleep(number(rest));
  }
  if (starts_with(request.path, "/grow/", rest)) {
    return grow(number(rest));
  }
  if (request.path == "/echo") {
    return http::text(200, guest::text_of(request.body), "application/octet-stream");
  }
  if (request.path == "/size") {
    return http::text(200, guest::Builder().add(uint64_t{request.body.size}).text());
  }
  if (request.path == "/cookies") {
    return cookies();
  }
  if (request.path == "/framing") {
    return framing();
  }
  if (request.path == "/crlf") {
    return with_header("x-split", "a\r\nx-injected: b");
  }
  if (request.path == "/nul") {
    return with_header("x-nul", guest::Text("a\0b", 3));
  }
  if (request.path == "/error") {
    return guest::Error{"deliberate"};
  }
  if (request.path == "/trap") {
    __builtin_trap();
  }
  if (request.path == "/loop") {
    for (volatile uint32_t turn = 0;;) {
      turn = turn + 1;
    }
  }
  return http::text(200, "ok\n");
}

// Two paths answer with what is not a Response, so they stand before the typed handler.
guest::Reply serve(guest::Bytes payload) {
  guest::Result<http::Request> request = http::decode_request(payload);
  if (!request) {
    return request.error();
  }
  if (request->path == "/malformed") {
    return guest::Text("\xc1 not MessagePack").bytes();
  }
  if (request->path == "/empty") {
    return guest::Bytes();
  }
  guest::Result<http::Response> response = handle(*request);
  if (!response) {
    return response.error();
  }
  return http::encode(*response);
}

}  // namespace

TRELLIS_ACTOR(guest::on("HandleRequest", serve))
