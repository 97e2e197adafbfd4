// Passes each HTTP request on to the actor with the call alias `hello` and its answer back, with a
// header of its own.

#include "trellis/guest/http_server.h"

namespace guest = trellis::guest;
namespace http = trellis::guest::http;

namespace {

guest::Result<http::Response> forward(const http::Request& request) {
  guest::Result<guest::Bytes> reply =
      guest::call_actor("hello", "HandleRequest", http::encode(request));
  if (!reply) {
    return reply.error();
  }
  guest::Result<http::Response> answer = http::decode_response(*reply);
  if (!answer) {
    return answer.error();
  }
  http::Response response = *answer;
  response.headers.add("x-chain", "hello");
  return response;
}

}  // namespace

TRELLIS_ACTOR(http::on_request<forward>())
