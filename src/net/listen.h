// Listening sockets: TCP, one per core on the same port, and Unix. Blocking, at start only.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "trellis/base/error.h"
#include "trellis/base/unique_fd.h"

namespace trellis::net {

inline constexpr int kListenBacklog = 1024;

/// Whether listen_tcp could read `address`; Reason::HostListen says what one looks like.
Result<void> check_tcp_address(std::string_view address);

struct TcpListeners {
  std::vector<UniqueFd> sockets;  // non-blocking, TCP_NODELAY, SO_REUSEPORT, one per core
  std::string address;            // "127.0.0.1:8080", with the port that was found
  std::uint16_t port = 0;
};

/// `address`: "127.0.0.1:8080", "[::1]:8080" or "localhost:8080"; port 0 takes a free one. Opens
/// `count` sockets that share the port among them; a port that anybody else listens on is
/// Reason::HostListen.
Result<TcpListeners> listen_tcp(std::string_view address, std::size_t count);

/// A Unix stream socket of mode 0600. A socket file that no process answers is replaced; one that a
/// live process answers, or a file that is no socket, is Reason::HostListen.
Result<UniqueFd> listen_unix(const std::string& path);

/// "127.0.0.1:50000", "[::1]:50000" or "unix".
std::string peer_text(const sockaddr_storage& peer);

}  // namespace trellis::net
