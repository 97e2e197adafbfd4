// One request over a Unix socket, blocking: how the command line asks a running host.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "trellis/base/bytes.h"
#include "trellis/base/clock.h"
#include "trellis/base/error.h"

namespace trellis::http {

struct ClientHeader {
  std::string name;
  std::string value;
};

struct ClientResponse {
  int status = 0;
  std::vector<ClientHeader> headers;
  Bytes body;
};

struct ClientLimits {
  /// From connecting to the last byte of the answer.
  Duration timeout = std::chrono::seconds(60);
  std::uint64_t max_body_bytes = 64 * 1024 * 1024;
  std::uint64_t max_header_bytes = 64 * 1024;
};

/// Sends `method target` with `body` (content type application/json when it is not empty) to the
/// server at the socket `path` and reads its answer. Reason::ControlUnreachable when nobody
/// answers there or the answer is not HTTP, in one line that says what to do. Any thread.
Result<ClientResponse> request_over_unix(const std::string& path, std::string_view method,
                                         std::string_view target, ByteView body,
                                         const ClientLimits& limits = {});

}  // namespace trellis::http
