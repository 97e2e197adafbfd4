// Answers with the request as JSON, in the form of waSCC's echo actor.

#include "trellis/guest/http_server.h"

namespace guest = trellis::guest;
namespace http = trellis::guest::http;

namespace {

http::Response echo(const http::Request& request) {
  guest::Builder json;
  json.add("{\"method\":").add_json(request.method);
  json.add(",\"path\":").add_json(request.path);
  json.add(",\"query_string\":").add_json(request.query_string);
  json.add(",\"headers\":{");
  guest::Text comma = "";
  for (const http::Header& header : request.headers) {
    json.add(comma).add_json(header.name).add(':').add_json(header.value);
    comma = ",";
  }
  json.add("},\"body\":[");
  comma = "";
  for (uint8_t octet : request.body) {
    json.add(comma).add(uint32_t{octet});
    comma = ",";
  }
  json.add("]}");
  return http::text(200, json.text(), "application/json");
}

}  // namespace

TRELLIS_ACTOR(http::on_request<echo>())
