#include "trellis/providers/http_server/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "trellis/base/unique_fd.h"
#include "trellis/codec/json.h"
#include "trellis/codec/msgpack.h"
#include "trellis/core/buffer_stream.h"
#include "trellis/net/http/request_parser.h"
#include "trellis/providers/testing/fixture.h"

namespace trellis::providers::http_server {
namespace {

using codec::msgpack::Reader;
using codec::msgpack::Writer;

// --- routes ---

std::vector<Route> routes(std::initializer_list<std::pair<std::string, std::string>> list) {
  std::vector<Route> out;
  for (const auto& [host, path] : list) out.push_back({.host = host, .path = path});
  return out;
}

std::string found(const RouteTable& table, std::string_view host, std::string_view path) {
  const Route* route = table.find(host, path);
  return route == nullptr ? "-" : route->host + route->path;
}

TEST(Routes, LongestPrefixAtASegmentWins) {
  auto table = RouteTable::create(routes({{"", "/a"}, {"", "/a/b/"}, {"", "/c"}}));
  ASSERT_TRUE(table);
  EXPECT_EQ(found(**table, "h", "/a"), "/a");
  EXPECT_EQ(found(**table, "h", "/a/"), "/a");
  EXPECT_EQ(found(**table, "h", "/a/x"), "/a");
  EXPECT_EQ(found(**table, "h", "/ab"), "-");
  EXPECT_EQ(found(**table, "h", "/a/b"), "/a/b/");
  EXPECT_EQ(found(**table, "h", "/a/b/c/d"), "/a/b/");
  EXPECT_EQ(found(**table, "h", "/a/bc"), "/a");
  EXPECT_EQ(found(**table, "h", "/"), "-");
  EXPECT_EQ(found(**table, "h", "/%61"), "-");
  EXPECT_EQ(found(**table, "h", "*"), "-");
  EXPECT_EQ(found(**table, "h", ""), "-");
  EXPECT_EQ(found(**table, "", "/c"), "/c");
}

TEST(Routes, TheRootTakesTheRest) {
  auto table = RouteTable::create(routes({{"", "/"}, {"", "/a"}}));
  ASSERT_TRUE(table);
  EXPECT_EQ(found(**table, "h", "/"), "/");
  EXPECT_EQ(found(**table, "h", "/ab"), "/");
  EXPECT_EQ(found(**table, "h", "/a"), "/a");
  EXPECT_EQ(found(**table, "h", "*"), "-");
}

TEST(Routes, NamedHostsGoFirst) {
  auto table = RouteTable::create(
      routes({{"", "/a"}, {"", "/b"}, {"One.Example", "/a"}, {"[::1]", "/a/b"}}));
  ASSERT_TRUE(table) << table.error().message();
  EXPECT_EQ(found(**table, "one.example", "/a"), "One.Example/a");
  EXPECT_EQ(found(**table, "ONE.example.:8080", "/a/x"), "One.Example/a");
  EXPECT_EQ(found(**table, "one.example", "/b"), "/b");
  EXPECT_EQ(found(**table, "two.example", "/a"), "/a");
  EXPECT_EQ(found(**table, "[::1]:80", "/a/b"), "[::1]/a/b");
  EXPECT_EQ(found(**table, std::string(5000, 'h'), "/a"), "/a");
}

TEST(Routes, AgreeWithAnOracle) {
  const std::vector<std::string> paths = {"/", "/a", "/a/a", "/aa", "/a/b", "/a/b/a", "/b/a/a"};
  std::vector<Route> list;
  for (const auto& path : paths) list.push_back({.path = path});
  auto table = RouteTable::create(std::move(list));
  ASSERT_TRUE(table);
  for (unsigned seed = 0; seed < 4096; ++seed) {
    std::string path = "/";
    for (unsigned bits = seed, i = 0; i < 6; ++i, bits /= 4) path += "/aab"[bits % 4];
    std::string best = "-";
    for (const auto& route : paths) {
      const bool under = route == "/" || path == route || path.starts_with(route + "/");
      if (under && (best == "-" || route.size() > best.size())) best = route;
    }
    EXPECT_EQ(found(**table, "h", path), best) << path;
  }
}

TEST(Routes, RefuseWhatNoRequestCanMean) {
  for (const char* path : {"", "a", "/a b", "/a?b", "/a#b", "/a\n", "/\xc3\xa9"}) {
    auto table = RouteTable::create(routes({{"", path}}));
    ASSERT_FALSE(table) << path;
    EXPECT_EQ(table.error().reason(), Reason::ManifestInvalid);
  }
  EXPECT_FALSE(RouteTable::create(routes({{"", "/a"}, {"", "/a/"}})));
  EXPECT_FALSE(RouteTable::create(routes({{"h", "/a"}, {"H:80", "/a"}})));
  EXPECT_FALSE(RouteTable::create(routes({{"a b", "/a"}})));
  EXPECT_TRUE(RouteTable::create({}));
}

// --- requests ---

/// A parsed request; keeps its text.
class Parsed {
 public:
  explicit Parsed(std::string head, std::string body = "")
      : head_(std::move(head)), body_(std::move(body)), parser_(1U << 20U) {
    EXPECT_EQ(parser_.parse(head_), http::ParseStatus::Complete);
    request_.emplace(head_.data(), parser_.head(), as_bytes(body_), "127.0.0.1:1");
  }

  const http::Request& request() const { return *request_; }

 private:
  std::string head_;
  std::string body_;
  http::RequestParser parser_;
  std::optional<http::Request> request_;
};

TEST(Encoder, WritesTheBytesOfTheContract) {
  RequestEncoder encoder;
  const Parsed parsed("GET /foo/bar?a=1 HTTP/1.1\r\nHost: h\r\nAccept: */*\r\n\r\n", "hi");
  EXPECT_EQ(to_hex(encoder.encode(parsed.request())),
            "85a66d6574686f64a3474554"
            "a470617468a82f666f6f2f626172"
            "ab7175657279537472696e67a3613d31"
            "a6686561646572"
            "82a4686f7374a168a6616363657074a32a2f2a"
            "a4626f6479c4026869");
}

std::string header_of(std::string_view lines) {
  RequestEncoder encoder;
  const Parsed parsed("POST /%2e/x HTTP/1.1\r\nHost: h\r\n" + std::string(lines) + "\r\n");
  Reader reader(encoder.encode(parsed.request()));
  EXPECT_EQ(reader.map(), 5U);
  for (int i = 0; i < 7; ++i) reader.text();
  std::string out;
  const auto count = reader.map().value_or(0);
  for (std::uint32_t i = 0; i < count; ++i) {
    out += std::string(reader.text().value_or("?")) + "=" +
           std::string(reader.text().value_or("?")) + "|";
  }
  EXPECT_EQ(reader.text(), "body");
  EXPECT_FALSE(reader.failed());
  return out;
}

TEST(Encoder, JoinsDuplicatesAndLowersNames) {
  EXPECT_EQ(header_of("X-A: 1\r\nx-b: 2\r\nX-a: 3\r\nx-A:\r\n"), "host=h|x-a=1, 3, |x-b=2|");
  EXPECT_EQ(header_of("Cookie: a=1\r\ncookie: b=2\r\n"), "host=h|cookie=a=1; b=2|");
  // Latin-1 becomes UTF-8; what is UTF-8 stays.
  EXPECT_EQ(header_of("x: \xe9\r\ny: \xc3\xa9\r\n"), "host=h|x=\xc3\xa9|y=\xc3\xa9|");
}

TEST(Encoder, ManyFieldsAreGroupedToo) {
  std::string lines;
  for (int i = 0; i < 1500; ++i) lines += "n" + std::to_string(i % 50) + ": v\r\n";
  const std::string header = header_of(lines);
  EXPECT_EQ(std::ranges::count(header, '|'), 51);
  EXPECT_NE(header.find("|n7=v, v, "), std::string::npos);
}

// --- responses ---

std::string decoded(const Bytes& payload) {
  http::Response response;
  auto done = decode_response(payload, response);
  if (!done) {
    EXPECT_EQ(done.error().reason(), Reason::GuestReply);
    return "!" + done.error().message();
  }
  return std::to_string(response.status()) + " " + std::string(response.fields()) + "|" +
         std::string(as_text(response.body()));
}

std::string decoded(std::string_view hex) {
  return decoded(from_hex(hex).value());
}

const std::string kStatus = "aa737461747573436f6465";
const std::string kHeader = "a6686561646572";
const std::string kBody = "a4626f6479";

TEST(Decoder, AcceptsEverySpelling) {
  EXPECT_EQ(decoded("81" + kStatus + "ccc8"), "200 |");
  EXPECT_EQ(decoded("82" + kBody + "c4026869" + kStatus + "cd00c8"), "200 |hi");
  EXPECT_EQ(decoded("82" + kStatus + "ccc8" + kBody + "926869"), "200 |hi");
  EXPECT_EQ(decoded("82" + kStatus + "ccc8" + kBody + "a26869"), "200 |hi");
  EXPECT_EQ(decoded("83" + kStatus + "ccc8" + kBody + "c0" + kHeader + "c0"), "200 |");
  EXPECT_EQ(decoded("94cd0194a24f4b81a178a179c40162"), "404 x: y\r\n|b");
  EXPECT_EQ(decoded("82" + kStatus + "ccc8" + kBody + "c4026869" + "00"), "200 |hi");
  EXPECT_EQ(decoded("82" + kStatus + "ccc8" + kHeader + "82a17892a161a162a179c40163"),
            "200 x: a\r\nx: b\r\ny: c\r\n|");
  EXPECT_EQ(decoded("83" + kStatus + "ccc8" + "a6737461747573a24f4ba16e91c0"), "200 |");
}

TEST(Decoder, DropsTheFieldsOfTheConnection) {
  Bytes out;
  Writer writer(out);
  writer.map(2);
  writer.text("statusCode");
  writer.unsigned_integer(200);
  writer.text("header");
  const std::vector<std::string> dropped = {
      "Content-Length",   "transfer-encoding", "CONNECTION", "keep-alive",
      "Proxy-Connection", "upgrade",           "te",         "trailer"};
  writer.map(static_cast<std::uint32_t>(dropped.size() + 1));
  for (const auto& name : dropped) {
    writer.text(name);
    writer.text("7");
  }
  writer.text("content-type");
  writer.text("text/plain");
  EXPECT_EQ(decoded(out), "200 content-type: text/plain\r\n|");
}

TEST(Decoder, RefusesWhatIsNoResponse) {
  for (const char* status : {"00", "64", "ccc7", "cd0258", "ceffffffff", "ff", "c0", "a3323030"}) {
    EXPECT_TRUE(decoded("81" + kStatus + status).starts_with("!")) << status;
  }
  for (const char* hex : {"", "c0", "80", "90", "a0", "c1", "dfffffffff", "ddffffffff"}) {
    EXPECT_TRUE(decoded(hex).starts_with("!")) << hex;
  }
  // CR, LF and NUL in a value, a bad name, a value that is a number, a body that is a map.
  for (const char* header : {"81a178a1"
                             "0d",
                             "81a178a1"
                             "0a",
                             "81a178a1"
                             "00",
                             "81a178a3610d0a", "81a0a179", "81a27820a179", "81a2783aa179",
                             "81a17801", "81a178910a", "91a178",
                             "81a1789"
                             "2a161a1"
                             "0a"}) {
    EXPECT_TRUE(decoded("82" + kStatus + "ccc8" + kHeader + header).starts_with("!")) << header;
  }
  for (const char* body : {"80", "91cd0100", "91ff", "ddffffffff", "01"}) {
    const auto payload = from_hex("82" + kStatus + "ccc8" + kBody + body);
    if (payload) EXPECT_TRUE(decoded(*payload).starts_with("!")) << body;
  }
}

// --- the straight line ---

/// An actor made of a function.
class FakeActor final : public core::Dispatcher {
 public:
  using Answer = std::function<Result<core::Reply>(const core::Invocation&)>;

  explicit FakeActor(Answer answer) : answer_(std::move(answer)) {}

  async::Task<Result<core::Reply>> dispatch(const core::Invocation& invocation) override {
    co_return answer_(invocation);
  }

 private:
  Answer answer_;
};

async::Task<void> serve(Site& site, const http::Request& request, http::Response& response,
                        async::Core& core) {
  async::CancelScope scope(core, TimePoint::max());
  auto task = site.handle(request, response, scope);
  co_await std::move(task);
}

class SiteTest : public testing::Test {
 protected:
  void answer_with(FakeActor::Answer answer) {
    actor_.emplace(std::move(answer));
    site_.emplace("web", *actor_);
    std::vector<Route> list;
    list.push_back({.path = "/a",
                    .grant = router::GrantIssuer::make(
                        {.holder = "system", .contract = "wascc:http_server", .tenant = "t1"}),
                    .call_limit = std::chrono::milliseconds(250)});
    list.push_back({.path = "/refused",
                    .refusal = Error(Reason::ClaimsExpired, "the token expired yesterday")});
    auto table = RouteTable::create(std::move(list));
    ASSERT_TRUE(table);
    site_->set_routes(*std::move(table));
  }

  const http::Response& get(const std::string& path) {
    const Parsed parsed("GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n");
    async::Gate gate(core_);
    gate.spawn(serve(*site_, parsed.request(), response_, core_));
    core_.run_ready();
    EXPECT_EQ(gate.inside(), 0U);
    return response_;
  }

  /// "503 claims.expired the token..." of an error answer.
  std::string error_of(const std::string& path) {
    const http::Response& response = get(path);
    EXPECT_EQ(response.fields(), "Content-Type: application/json\r\n");
    EXPECT_LE(response.body().size(), 4096U);
    const auto json = codec::json::parse(as_text(response.body()));
    if (!json || !json->is_object()) return "no JSON";
    const auto& object = json->get_object();
    return std::to_string(response.status()) + " " +
           std::string(codec::json::find_text(object, "reason").value_or("?")) + " " +
           std::string(codec::json::find_text(object, "message").value_or("?"));
  }

  HandClock clock_;
  async::Core core_{0, clock_};
  std::optional<FakeActor> actor_;
  std::optional<Site> site_;
  http::Response response_;
};

core::Reply reply_of(std::string_view hex) {
  return {.payload = core::Buffer(from_hex(hex).value()), .stream = nullptr, .usage = {}};
}

const std::string kOk = "81" + kStatus + "ccc8";

TEST_F(SiteTest, TheActorGetsTheRequestInTheRightContext) {
  std::string seen;
  answer_with([&](const core::Invocation& invocation) -> Result<core::Reply> {
    const core::Principal& principal = invocation.context.principal;
    seen = std::string(invocation.operation) + " " + std::string(principal.tenant) + " " +
           std::string(principal.caller.key) + " " + std::string(principal.caller.name) + " " +
           std::string(principal.link);
    EXPECT_EQ(principal.origin, core::Origin::User);
    EXPECT_EQ(invocation.context.deadline, clock_.now() + std::chrono::milliseconds(250));
    EXPECT_EQ(invocation.context.cancel.deadline(), invocation.context.deadline);
    EXPECT_NE(invocation.context.id, core::CallId{});
    EXPECT_NE(as_text(invocation.payload).find("/a/%41?"[0]), std::string_view::npos);
    EXPECT_NE(as_text(invocation.payload).find("/a/%41"), std::string_view::npos);
    return reply_of("82" + kStatus + "ccc9" + kBody + "c4026869");
  });
  const http::Response& response = get("/a/%41?q");
  EXPECT_EQ(response.status(), 201);
  EXPECT_EQ(as_text(response.body()), "hi");
  EXPECT_EQ(seen, "HandleRequest t1 system web actor -> provider");
}

TEST_F(SiteTest, FailuresHaveTheStatusOfTheirKind) {
  Reason reason = Reason::GuestError;
  answer_with([&](const core::Invocation&) -> Result<core::Reply> {
    return fail(reason, "what <b>\x1b[1m\nwent wrong");
  });
  const auto status_for = [&](Reason of) {
    reason = of;
    return error_of("/a").substr(0, 3);
  };
  const std::string shown = error_of("/a");
  EXPECT_TRUE(shown.starts_with("500 guest.error what <b>")) << shown;
  EXPECT_TRUE(shown.ends_with("[1m\nwent wrong")) << shown;
  EXPECT_EQ(as_text(response_.body()).find('\x1b'), std::string_view::npos);
  EXPECT_EQ(status_for(Reason::EngineTrapUnreachable), "500");
  EXPECT_EQ(status_for(Reason::ContractMalformed), "500");
  EXPECT_EQ(status_for(Reason::EngineDeadline), "504");
  EXPECT_EQ(status_for(Reason::ActorBusy), "503");
  EXPECT_EQ(status_for(Reason::ActorRestarting), "503");
  EXPECT_EQ(status_for(Reason::ActorStopped), "503");
  EXPECT_EQ(status_for(Reason::CallDepth), "503");
  EXPECT_EQ(status_for(Reason::PolicyDenied), "403");
  EXPECT_EQ(error_of("/none").substr(0, 17), "404 http.no_route");
  EXPECT_EQ(error_of("/refused"), "503 claims.expired the token expired yesterday");
}

TEST_F(SiteTest, AMalformedAnswerIsA500WithoutItsHeaders) {
  answer_with([](const core::Invocation&) -> Result<core::Reply> {
    return reply_of("82" + kHeader + "82a2782d6fa179a2782d62a10a" + kStatus + "ccc8");
  });
  EXPECT_EQ(error_of("/a").substr(0, 15), "500 guest.reply");
}

TEST_F(SiteTest, ALongGuestErrorStaysWithinItsBound) {
  answer_with([](const core::Invocation&) -> Result<core::Reply> {
    return fail(Reason::GuestError, std::string(100'000, '"'));
  });
  EXPECT_EQ(error_of("/a").substr(0, 17), "500 guest.error \"");
}

TEST_F(SiteTest, AStreamedAnswerIsGathered) {
  answer_with([](const core::Invocation&) -> Result<core::Reply> {
    core::Reply reply = reply_of("82" + kStatus + "ccc8" + kBody + "c404");
    reply.stream = std::make_unique<core::BufferStream>(core::Buffer::copy(as_bytes("rest")));
    return reply;
  });
  EXPECT_EQ(as_text(get("/a").body()), "rest");
}

TEST_F(SiteTest, NoTableIsNoRoute) {
  answer_with([](const core::Invocation&) -> Result<core::Reply> { return reply_of(kOk); });
  EXPECT_EQ(get("/a").status(), 200);
  site_->set_routes(nullptr);
  EXPECT_EQ(error_of("/a").substr(0, 3), "404");
}

/// Sends one request over TCP while `core` runs, and returns what came back until the close.
std::string fetch(async::Core& core, std::uint16_t port, std::string_view request) {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return "!";
  if (::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return "!";
  std::string out;
  const TimePoint give_up = SteadyClock::now() + std::chrono::seconds(10);
  while (SteadyClock::now() < give_up) {
    core.run_ready();
    std::array<char, 4096> buffer{};
    const ssize_t count = ::recv(fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count == 0) return out;
    if (count > 0) out.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return out + "(timed out)";
}

TEST(HttpServer, ServesOverTcpAndStops) {
  FakeActor actor([](const core::Invocation& invocation) -> Result<core::Reply> {
    EXPECT_EQ(invocation.operation, "HandleRequest");
    return reply_of("82" + kStatus + "ccc8" + kBody + "c4026869");
  });
  async::Core core(0);
  auto server =
      HttpServer::create({.name = "web", .address = "127.0.0.1:0", .limits = {}}, {&core}, actor);
  ASSERT_TRUE(server) << server.error().message();
  EXPECT_EQ((*server)->name(), "web");
  EXPECT_EQ((*server)->contract().name, "http_server");
  ASSERT_NE((*server)->port(), 0);
  std::vector<Route> list;
  list.push_back({.path = "/a", .grant = router::GrantIssuer::make({})});
  (*server)->site(core).set_routes(*RouteTable::create(std::move(list)));
  ASSERT_TRUE((*server)->start());

  const std::string tail = " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
  const std::string good = fetch(core, (*server)->port(), "GET /a/x" + tail);
  EXPECT_TRUE(good.starts_with("HTTP/1.1 200 ")) << good;
  EXPECT_TRUE(good.ends_with("\r\n\r\nhi")) << good;
  const std::string head = fetch(core, (*server)->port(), "HEAD /a" + tail);
  EXPECT_TRUE(head.starts_with("HTTP/1.1 200 ")) << head;
  EXPECT_TRUE(head.ends_with("\r\n\r\n")) << head;
  const std::string none = fetch(core, (*server)->port(), "GET /b" + tail);
  EXPECT_TRUE(none.starts_with("HTTP/1.1 404 ")) << none;
  EXPECT_NE(none.find("http.no_route"), std::string::npos) << none;

  bool stopped = false;
  (*server)->stop_serving(std::chrono::seconds(1), [&stopped] { stopped = true; });
  const TimePoint give_up = SteadyClock::now() + std::chrono::seconds(10);
  while (!stopped && SteadyClock::now() < give_up) core.run_ready();
  EXPECT_TRUE(stopped);
}

}  // namespace
}  // namespace trellis::providers::http_server
