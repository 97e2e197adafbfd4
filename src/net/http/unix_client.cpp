#include "trellis/net/http/unix_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "trellis/base/file.h"
#include "trellis/base/unique_fd.h"
#include "trellis/net/http/syntax.h"

namespace trellis::http {
namespace {

class Exchange {
 public:
  Exchange(const std::string& path, const ClientLimits& limits)
      : path_(path), limits_(limits), deadline_(SteadyClock::now() + limits.timeout) {}

  Result<void> connect();
  Result<void> send(std::string_view bytes);
  Result<ClientResponse> receive(bool head_only);

 private:
  std::unexpected<Error> failed(std::string_view what) const {
    return fail(Reason::ControlUnreachable,
                "asking the host at " + path_ + ": " + std::string(what));
  }

  Result<void> wait(short events) const;
  /// Appends what arrives next to `bytes`; 0 at the end of the stream.
  Result<std::size_t> more(std::string& bytes) const;
  Result<void> read_head(std::string& bytes, std::size_t& head_end) const;
  Result<ClientResponse> parse_head(std::string_view head) const;
  Result<void> read_body(ClientResponse& response, std::string bytes) const;

  const std::string& path_;
  const ClientLimits& limits_;
  TimePoint deadline_;
  UniqueFd fd_;
};

Result<void> Exchange::connect() {
  sockaddr_un address{};
  if (path_.empty() || path_.size() >= sizeof(address.sun_path)) {
    return failed("a socket's path has 1 to 107 bytes");
  }
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path_.data(), path_.size());
  fd_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd_) return failed("opening a socket: " + errno_text(errno));
  if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return failed(errno_text(errno) + "; is `trellis up` running with this control socket?");
  }
  return {};
}

Result<void> Exchange::wait(short events) const {
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline_ - SteadyClock::now()).count();
    if (left <= 0) return failed("no answer in time");
    pollfd one{fd_.get(), events, 0};
    const int ready = ::poll(&one, 1, static_cast<int>(std::min<std::int64_t>(left, 1'000'000)));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return failed(errno_text(errno));
  }
}

Result<void> Exchange::send(std::string_view bytes) {
  while (!bytes.empty()) {
    TR_CHECK(wait(POLLOUT));
    const ssize_t count =
        ::send(fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno == EPIPE || errno == ECONNRESET) {
      return {};  // an early answer may be waiting to be read
    } else if (errno != EINTR && errno != EAGAIN) {
      return failed("sending: " + errno_text(errno));
    }
  }
  return {};
}

Result<std::size_t> Exchange::more(std::string& bytes) const {
  std::array<char, 64 * 1024> part;
  for (;;) {
    TR_CHECK(wait(POLLIN));
    const ssize_t count = ::recv(fd_.get(), part.data(), part.size(), MSG_DONTWAIT);
    if (count >= 0) {
      bytes.append(part.data(), static_cast<std::size_t>(count));
      return static_cast<std::size_t>(count);
    }
    if (errno == ECONNRESET) return 0U;
    if (errno != EINTR && errno != EAGAIN) return failed("receiving: " + errno_text(errno));
  }
}

Result<void> Exchange::read_head(std::string& bytes, std::size_t& head_end) const {
  for (;;) {
    const std::size_t end = bytes.find("\r\n\r\n");
    if (end != std::string::npos) {
      head_end = end + 4;
      return {};
    }
    if (bytes.size() > limits_.max_header_bytes)
      return failed("the header of the answer is too large");
    TR_TRY(const std::size_t count, more(bytes));
    if (count == 0) return failed("the connection ended without a whole answer");
  }
}

Result<ClientResponse> Exchange::parse_head(std::string_view head) const {
  // "HTTP/1.1 200 OK"
  ClientResponse response;
  const std::size_t line_end = head.find("\r\n");
  const auto status = head.starts_with("HTTP/1.") && line_end >= 12
                          ? parse_decimal(head.substr(9, 3))
                          : std::nullopt;
  if (!status) return failed("the answer is not HTTP");
  response.status = static_cast<int>(*status);
  head.remove_prefix(line_end + 2);
  while (!head.starts_with("\r\n")) {
    const std::size_t end = head.find("\r\n");
    const auto line = head.substr(0, end);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return failed("a header of the answer is malformed");
    response.headers.push_back(
        {std::string(line.substr(0, colon)), std::string(trim(line.substr(colon + 1)))});
    head.remove_prefix(end + 2);
  }
  return response;
}

Result<void> Exchange::read_body(ClientResponse& response, std::string bytes) const {
  std::optional<std::uint64_t> length;
  for (const auto& header : response.headers) {
    if (equal_ignoring_case(header.name, "content-length")) length = parse_decimal(header.value);
    if (equal_ignoring_case(header.name, "transfer-encoding")) {
      return failed("the answer uses a transfer encoding, which a host never does");
    }
  }
  while (!length || bytes.size() < *length) {
    if ((length && *length > limits_.max_body_bytes) || bytes.size() > limits_.max_body_bytes) {
      return failed("the answer is too large");
    }
    TR_TRY(const std::size_t count, more(bytes));
    if (count == 0 && length) return failed("the answer ended early");
    if (count == 0) break;
  }
  if (length) bytes.resize(static_cast<std::size_t>(*length));
  response.body = to_bytes(bytes);
  return {};
}

Result<ClientResponse> Exchange::receive(bool head_only) {
  std::string bytes;
  std::size_t head_end = 0;
  TR_CHECK(read_head(bytes, head_end));
  TR_TRY(auto response, parse_head(std::string_view(bytes).substr(0, head_end)));
  if (head_only || response.status == 204 || response.status == 304) return response;
  bytes.erase(0, head_end);
  TR_CHECK(read_body(response, std::move(bytes)));
  return response;
}

}  // namespace

Result<ClientResponse> request_over_unix(const std::string& path, std::string_view method,
                                         std::string_view target, ByteView body,
                                         const ClientLimits& limits) {
  if (!is_token(method) || !is_visible(target) || target.empty()) {
    return fail(Reason::UsageInvalid,
                "the request's method or target has characters that HTTP "
                "does not allow");
  }
  Exchange exchange(path, limits);
  TR_CHECK(exchange.connect());
  std::string request(method);
  request.append(" ").append(target).append(
      " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
  if (!body.empty()) request.append("Content-Type: application/json\r\n");
  request.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n\r\n");
  TR_CHECK(exchange.send(request));
  TR_CHECK(exchange.send(as_text(body)));
  return exchange.receive(method == "HEAD");
}

}  // namespace trellis::http
