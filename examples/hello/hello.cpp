// The smallest useful actor: answers every HTTP request with one line.

#include "trellis/guest/http_server.h"

namespace guest = trellis::guest;
namespace http = trellis::guest::http;

namespace {

http::Response hello() {
  return http::text(200, "Hello from Trellis\n");
}

guest::Reply echo(guest::Bytes payload) {
  return payload;
}

guest::Reply fail(guest::Bytes) {
  return guest::Error{"deliberate failure"};
}

}  // namespace

TRELLIS_ACTOR(http::on_request<hello>(), guest::on("echo", echo), guest::on("fail", fail))
