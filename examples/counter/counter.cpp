// Counts the requests for each path in the key-value store.

#include "trellis/guest/http_server.h"
#include "trellis/guest/keyvalue.h"

namespace guest = trellis::guest;
namespace http = trellis::guest::http;

namespace {

// "/foo/bar" counts under ":foo:bar".
guest::Text key_of(guest::Text path) {
  auto* key = guest::allocate_array<char>(path.size);
  for (size_t i = 0; i < path.size; ++i) {
    key[i] = path.data[i] == '/' ? ':' : path.data[i];
  }
  return guest::Text(key, path.size);
}

guest::Result<http::Response> count(const http::Request& request) {
  guest::Result<int32_t> counter = guest::KeyValue().add(key_of(request.path), 1);
  if (!counter) {
    return counter.error();
  }
  guest::Builder json;
  json.add("{\"counter\":").add(*counter).add('}');
  return http::text(200, json.text(), "application/json");
}

}  // namespace

TRELLIS_ACTOR(http::on_request<count>())
