// A server that answers every request with five bytes, on one core: what the HTTP path itself
// costs. `http_hello PORT`; compare CPU time per request (/proc/PID/stat) with nginx `return 200`.
#include <cstdio>
#include <string>

#include "trellis/async/core.h"
#include "trellis/base/bytes.h"
#include "trellis/net/http/server.h"

namespace {

using namespace trellis;

class Hello final : public http::Handler {
 public:
  async::Task<void> handle(const http::Request&, http::Response& response,
                           async::CancelScope&) override {
    response.set_status(200);
    response.add_header("Content-Type", "text/plain");
    response.set_body_static(as_bytes("hello"));
    co_return;
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: http_hello PORT\n");
    return 2;
  }
  async::Core core(0);
  Hello hello;
  const std::string address = std::string("127.0.0.1:") + argv[1];
  auto server = http::Server::on_address({&core}, address, http::ServerLimits{},
                                         [&](async::Core&) -> http::Handler& { return hello; });
  if (!server) {
    std::fprintf(stderr, "%s\n", server.error().message().c_str());
    return 1;
  }
  if (auto started = (*server)->start(); !started) return 1;
  std::printf("listening on %s\n", (*server)->address().c_str());
  std::fflush(stdout);
  core.run();
  return 0;
}
