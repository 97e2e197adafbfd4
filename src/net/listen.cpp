#include "trellis/net/listen.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <utility>

#include "trellis/base/file.h"

namespace trellis::net {
namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }

  sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
};

Error bad_address(std::string_view text) {
  return {Reason::HostListen, "cannot listen on `" + std::string(text) +
                                  "`: give an IP address and a port, such as 127.0.0.1:8080 or "
                                  "[::1]:8080"};
}

Result<Address> parse_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::unexpected(bad_address(text));
  std::string host(text.substr(0, colon));
  const auto digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits.empty() || problem != std::errc() || end != digits.data() + digits.size()) {
    return std::unexpected(bad_address(text));
  }
  if (host == "localhost") host = "127.0.0.1";
  Address address;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    address.size = sizeof(*v6);
    const std::string inner = host.substr(1, host.size() - 2);
    if (::inet_pton(AF_INET6, inner.c_str(), &v6->sin6_addr) == 1) return address;
  } else {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    address.size = sizeof(*v4);
    if (::inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) return address;
  }
  return std::unexpected(bad_address(text));
}

std::unexpected<Error> cannot_listen(std::string_view where, std::string_view step, int error) {
  std::string message = "cannot listen on " + std::string(where) + ": ";
  if (error == EADDRINUSE) {
    message +=
        "another process already listens there; stop it or choose another port (0 takes a "
        "free one)";
  } else {
    message += std::string(step) + ": " + errno_text(error);
    if (error == EACCES) message += "; choose a port from 1024 up, or run with more rights";
    if (error == EADDRNOTAVAIL) message += "; choose an address of this machine";
  }
  return fail(Reason::HostListen, std::move(message));
}

bool set_option(int fd, int level, int name) {
  const int on = 1;
  return ::setsockopt(fd, level, name, &on, sizeof(on)) == 0;
}

/// The first socket is bound without SO_REUSEPORT: a port that another process has is then refused
/// even when that process would share it. The option is set afterwards, for the others.
Result<UniqueFd> bind_tcp(std::string_view where, const Address& address, bool first) {
  UniqueFd fd(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return cannot_listen(where, "opening a socket", errno);
  bool good = set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR) &&
              set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY);
  if (address.storage.ss_family == AF_INET6) {
    good = good && set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY);
  }
  if (!first) good = good && set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT);
  if (!good) return cannot_listen(where, "setting its options", errno);
  if (::bind(fd.get(), address.get(), address.size) != 0) {
    return cannot_listen(where, "binding", errno);
  }
  if (first && !set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT)) {
    return cannot_listen(where, "setting its options", errno);
  }
  if (::listen(fd.get(), kListenBacklog) != 0) return cannot_listen(where, "listening", errno);
  return fd;
}

enum class SocketFile { Absent, Dead, Alive, NoSocket };

SocketFile look_at(const std::string& path, const Address& address) {
  struct stat found{};
  if (::lstat(path.c_str(), &found) != 0) return SocketFile::Absent;
  if (!S_ISSOCK(found.st_mode)) return SocketFile::NoSocket;
  const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (::connect(probe.get(), address.get(), address.size) == 0) return SocketFile::Alive;
  return errno == ECONNREFUSED || errno == ENOENT ? SocketFile::Dead : SocketFile::Alive;
}

}  // namespace

Result<void> check_tcp_address(std::string_view address) {
  TR_CHECK(parse_address(address));
  return {};
}

Result<TcpListeners> listen_tcp(std::string_view address, std::size_t count) {
  TR_TRY(Address where, parse_address(address));
  TcpListeners result;
  for (std::size_t i = 0; i < count; ++i) {
    TR_TRY(UniqueFd fd, bind_tcp(address, where, i == 0));
    if (i == 0) {
      where.size = sizeof(where.storage);
      if (::getsockname(fd.get(), where.get(), &where.size) != 0) {
        return cannot_listen(address, "reading its address", errno);
      }
    }
    result.sockets.push_back(std::move(fd));
  }
  result.address = peer_text(where.storage);
  result.port = ntohs(where.storage.ss_family == AF_INET6
                          ? reinterpret_cast<const sockaddr_in6*>(&where.storage)->sin6_port
                          : reinterpret_cast<const sockaddr_in*>(&where.storage)->sin_port);
  return result;
}

Result<UniqueFd> listen_unix(const std::string& path) {
  Address address;
  auto* name = reinterpret_cast<sockaddr_un*>(&address.storage);
  if (path.empty() || path.size() >= sizeof(name->sun_path)) {
    return fail(Reason::HostListen, "cannot listen on the socket `" + path +
                                        "`: a socket's path has 1 to 107 bytes; choose a shorter "
                                        "directory");
  }
  name->sun_family = AF_UNIX;
  std::memcpy(name->sun_path, path.data(), path.size());
  address.size = sizeof(sockaddr_un);
  switch (look_at(path, address)) {
    case SocketFile::Absent: break;
    case SocketFile::Dead: ::unlink(path.c_str()); break;
    case SocketFile::Alive:
      return fail(Reason::HostListen,
                  "cannot listen on the socket " + path +
                      ": a running process answers there; stop it or choose another path");
    case SocketFile::NoSocket:
      return fail(Reason::HostListen, "cannot listen on the socket " + path +
                                          ": a file that is no socket has this name; move it or "
                                          "choose another path");
  }
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return cannot_listen(path, "opening a socket", errno);
  // The file takes the mode that the socket has when it is bound: it is never open to others.
  if (::fchmod(fd.get(), 0600) != 0) return cannot_listen(path, "setting its mode", errno);
  if (::bind(fd.get(), address.get(), address.size) != 0) {
    return cannot_listen(path, "binding", errno);
  }
  if (::listen(fd.get(), kListenBacklog) != 0) return cannot_listen(path, "listening", errno);
  return fd;
}

std::string peer_text(const sockaddr_storage& peer) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (peer.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(peer);
    ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
    return std::string(text.data()) + ":" + std::to_string(ntohs(v4.sin_port));
  }
  if (peer.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(peer);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
    return "[" + std::string(text.data()) + "]:" + std::to_string(ntohs(v6.sin6_port));
  }
  return "unix";
}

}  // namespace trellis::net
