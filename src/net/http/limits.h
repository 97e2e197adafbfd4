// What one HTTP server allows its clients. Every bound is one of these; defaults as interfaces.md.
#pragma once

#include <chrono>
#include <cstdint>

#include "trellis/base/clock.h"

namespace trellis::http {

struct ServerLimits {
  /// Open connections of the whole server, all cores together.
  std::uint32_t max_connections = 1000;
  /// Request line and headers with their line ends; trailers and chunk extensions likewise.
  std::uint32_t max_header_bytes = 16 * 1024;
  std::uint64_t max_body_bytes = 8 * 1024 * 1024;

  /// From accept, or from the first byte of a further request, to the end of the header.
  Duration header_timeout = std::chrono::seconds(5);
  /// The whole body of a request.
  Duration body_timeout = std::chrono::seconds(30);
  /// Between two requests.
  Duration idle_timeout = std::chrono::seconds(60);

  /// A client that reads slowly: it may take this long plus what it took at min_write_rate.
  Duration write_timeout = std::chrono::seconds(30);
  /// Bytes per second.
  std::uint64_t min_write_rate = 16 * 1024;

  /// After the last answer of a connection: how long, and for how many bytes, what the client still
  /// sends is read and dropped, so that it can read that answer.
  Duration linger_timeout = std::chrono::seconds(2);
  std::uint64_t linger_bytes = 32 * 1024 * 1024;
};

/// The largest header block that can be configured: offsets in a head are 32 bits wide.
inline constexpr std::uint32_t kMaxHeaderBytesLimit = 16 * 1024 * 1024;

/// How long an idle connection stays open once the server stops, so that a request which is already
/// on the wire is answered (interfaces.md asks for at least 200 ms).
inline constexpr Duration kStopIdleGrace = std::chrono::milliseconds(300);

}  // namespace trellis::http
