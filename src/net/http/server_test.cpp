#include "trellis/net/http/server.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "trellis/net/http/test_server.h"
#include "trellis/net/http/unix_client.h"

namespace trellis::http {
namespace {

using namespace testing;

const std::string kGet = "GET /a?q=1 HTTP/1.1\r\nHost: h\r\n\r\n";
const std::string kClose = "GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

std::string ask(std::uint16_t port, std::string_view bytes) {
  Client client(port);
  client.send(bytes);
  return client.read_all();
}

TEST(Server, AnswersAndKeepsAlive) {
  TestServer test;
  Client client(test.server->port());
  for (int i = 0; i < 3; ++i) {
    client.send(kGet);
    const std::string answer = client.read_until("body=");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\nDate: ")) << answer;
    EXPECT_EQ(count_of(answer, "Content-Length: 23\r\n"), 1U) << answer;
    EXPECT_EQ(count_of(answer, "Connection"), 0U);
    EXPECT_TRUE(answer.ends_with("\r\n\r\nGET /a?q=1 host=h body=")) << answer;
  }
  client.send(kClose);
  const std::string last = client.read_all();
  EXPECT_EQ(count_of(last, "Connection: close\r\n"), 1U);
  EXPECT_TRUE(client.closed);
}

TEST(Server, PipelinedAnswersComeInOrder) {
  TestServer test;
  std::string requests;
  for (int i = 0; i < 300; ++i) {
    const std::string number = std::to_string(i);
    const std::string body = i % 3 == 0 ? "body" + number : "";
    requests += "POST /" + std::string(i % 7 == 0 ? "pause" : number) +
                " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) +
                "\r\n\r\n" + body;
    if (i == 20) break;
  }
  for (int i = 21; i < 300; ++i) {
    requests += "POST /" + std::to_string(i) +
                " HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\n\r\n";
  }
  const std::string answers = ask(test.server->port(), requests + kClose);
  EXPECT_EQ(count_of(answers, "HTTP/1.1 200 OK"), 301U);
  std::size_t at = 0;
  for (int i = 0; i < 300; ++i) {
    const bool pause = i <= 20 && i % 7 == 0;
    at = answers.find(pause ? "paused" : "POST /" + std::to_string(i) + " ", at);
    ASSERT_NE(at, std::string::npos) << i;
  }
}

TEST(Server, Http10) {
  TestServer test;
  const std::string plain = ask(test.server->port(), "GET / HTTP/1.0\r\n\r\n");
  EXPECT_EQ(count_of(plain, "Connection: close\r\n"), 1U);
  Client client(test.server->port());
  client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(count_of(client.read_until("body="), "Connection: keep-alive\r\n"), 1U);
  client.send(kClose);
  EXPECT_EQ(count_of(client.read_all(), "200 OK"), 1U);
}

TEST(Server, HeadAndBodilessStatuses) {
  TestServer test;
  const std::string head = "HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n";
  const std::string answers =
      ask(test.server->port(), head + "GET /status/204 HTTP/1.1\r\nHost: h\r\n\r\n" +
                                   "GET /status/304 HTTP/1.1\r\nHost: h\r\n\r\n" +
                                   "HEAD /big HTTP/1.1\r\nHost: h\r\n\r\n" + kClose);
  EXPECT_EQ(count_of(answers, "HTTP/1.1 "), 5U) << answers;
  EXPECT_EQ(count_of(answers, "Content-Length: "), 3U) << answers;
  EXPECT_EQ(count_of(answers, "Content-Length: 3000000\r\n"), 1U);
  EXPECT_EQ(count_of(answers, "\r\n\r\nHTTP/1.1 "), 4U) << "a body where none may be";
}

TEST(Server, LargeBodies) {
  TestServer test;
  const std::string body(5'000'000, 'y');
  const std::string post = "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 5000000\r\n\r\n" + body;
  std::string chunked = "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 50; ++i) chunked += "186A0\r\n" + body.substr(0, 100'000) + "\r\n";
  chunked += "0\r\nTrailer: x\r\n\r\n";
  const std::string big = "GET /big HTTP/1.1\r\nHost: h\r\n\r\n";
  Client client(test.server->port());
  std::thread writer([&] { client.send(post + chunked + big + big + kClose); });
  const std::string answers = client.read_all();
  writer.join();
  EXPECT_EQ(count_of(answers, "HTTP/1.1 200 OK"), 5U);
  EXPECT_EQ(count_of(answers, "body=5000000"), 2U);
  EXPECT_GT(answers.size(), 6'000'000U);
}

/// Every byte in a packet of its own gives the same answers as all bytes at once.
TEST(Server, SplitRequestsGiveTheSameAnswers) {
  TestServer test;
  const std::string requests =
      "\r\nPOST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
      "POST /y HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc" +
      kClose;
  const auto bodies = [](const std::string& answers) {
    return count_of(answers, "POST /x host=h body=hello") +
           count_of(answers, "POST /y host=h body=abc") + count_of(answers, "GET /last host=h");
  };
  for (std::size_t split = 0; split <= requests.size(); ++split) {
    Client client(test.server->port());
    const int on = 1;
    ::setsockopt(client.fd(), IPPROTO_TCP, 1 /* TCP_NODELAY */, &on, sizeof(on));
    client.send(requests.substr(0, split));
    client.send(requests.substr(split));
    ASSERT_EQ(bodies(client.read_all()), 3U) << split;
  }
}

TEST(Server, SmugglingIsRefusedOverASocket) {
  TestServer test;
  const std::string start = "POST /first HTTP/1.1\r\nHost: h\r\n";
  const std::string chunked = start + "Transfer-Encoding: chunked\r\n\r\n";
  const std::vector<std::string> attacks = {
      start + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      start + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
      start + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
      start + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
      start + "Content-Length: 5, 5\r\n\r\nhello",
      start + "Content-Length: +5\r\n\r\nhello",
      start + "Content-Length: 0x5\r\n\r\nhello",
      start + "Content-Length: 5a\r\n\r\nhello",
      start + "Content-Length: -1\r\n\r\nhello",
      start + "Content-Length:\r\n\r\nhello",
      start + "Content-Length: 5 5\r\n\r\nhello",
      start +
          "Content-Length: \x0B"
          "5\r\n\r\nhello",
      start + "Content-Length: 99999999999999999999\r\n\r\nhello",
      start + "Content-Length : 5\r\n\r\nhello",
      start + "Content-Length\t: 5\r\n\r\nhello",
      start + " Content-Length: 5\r\n\r\nhello",
      start + "X: y\r\n Content-Length: 5\r\n\r\nhello",
      start + "X: y\nContent-Length: 5\r\n\r\nhello",
      start + "X: y\rContent-Length: 5\r\n\r\nhello",
      start + "X: y\r\rContent-Length: 5\r\n\r\nhello",
      start + std::string("X: y\0\r\n", 7) + "\r\n",
      start + std::string("X\0: y\r\n", 7) + "\r\n",
      start + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
      start + "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
      start + "Transfer-Encoding: identity\r\n\r\n",
      start + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
      start + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      start + "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
      start +
          "Transfer-Encoding: \x0C"
          "chunked\r\n\r\n0\r\n\r\n",
      start + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
      start + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
      start + "Transfer-Encoding: 'chunked'\r\n\r\n0\r\n\r\n",
      start + "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n",
      start + "Transfer-Encoding:\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      start + "Host: other\r\n\r\n",
      start + "host: h\r\n\r\n",
      "GET / HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n",
      "GET  / HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET / HTTP/1.1 \r\nHost: h\r\n\r\n",
      "GET /  HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET / x HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET\t/\tHTTP/1.1\r\nHost: h\r\n\r\n",
      "GET / HTTP/1.1\nHost: h\n\n",
      "GET / HTTP/1.1\r\nHost: h\r\n\n",
      "GET / HTTP/1.1\r\nHost: h\n\r\n",
      "GET /\x80 HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET /\x7F HTTP/1.1\r\nHost: h\r\n\r\n",
      std::string("GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n", 28),
      "GET / HTTP/1.1\r\nHost: h\r\nname\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\n: v\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\nna me: v\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\nna(me: v\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\nX: \x1F\r\n\r\n",
      "GET / HTTP/01.1\r\nHost: h\r\n\r\n",
      "GET / HTTP/1.1x\r\nHost: h\r\n\r\n",
      "GET / HTTP/1,1\r\nHost: h\r\n\r\n",
      "GET /\r\nHost: h\r\n\r\n",
      chunked + "5 \r\nhello\r\n0\r\n\r\n",
      chunked + " 5\r\nhello\r\n0\r\n\r\n",
      chunked + "0x5\r\nhello\r\n0\r\n\r\n",
      chunked + "+5\r\nhello\r\n0\r\n\r\n",
      chunked + "-0\r\n\r\n",
      chunked + "5\nhello\r\n0\r\n\r\n",
      chunked + "5\r\nhello\n0\r\n\r\n",
      chunked + "5\r\nhellohello\r\n0\r\n\r\n",
      chunked + "5;\r\nhello\r\n0\r\n\r\n",
      chunked + "5;a=\x01\r\nhello\r\n0\r\n\r\n",
      chunked + "5;a\nb\r\nhello\r\n0\r\n\r\n",
      chunked + "5;\n0;\r\nhello\r\n0\r\n\r\n",
      chunked + "10000000000000000\r\nhello\r\n0\r\n\r\n",
      chunked + "\r\nhello\r\n0\r\n\r\n",
      chunked + "0\r\nX\r\n\r\n",
      chunked + "0\r\nX : y\r\n\r\n",
      chunked + "0\r\n\n",
      chunked + "5;" + std::string(20'000, 'x') + "\r\nhello\r\n0\r\n\r\n",
  };
  ASSERT_GE(attacks.size(), 60U);
  for (const auto& attack : attacks) {
    SCOPED_TRACE(attack.substr(0, 200));
    const int before = test.handler.calls;
    Client client(test.server->port());
    client.send(attack + "GET /second HTTP/1.1\r\nHost: h\r\n\r\n");
    const std::string answer = client.read_all();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 Bad Request\r\n")) << answer;
    EXPECT_EQ(count_of(answer, "HTTP/1.1 "), 1U) << answer;
    EXPECT_EQ(count_of(answer, "Connection: close\r\n"), 1U);
    EXPECT_EQ(count_of(answer, "{\"reason\":\"http.malformed\",\"message\":"), 1U) << answer;
    EXPECT_TRUE(client.closed);
    EXPECT_FALSE(client.was_reset);
    EXPECT_EQ(test.handler.calls, before);
  }
}

TEST(Server, OtherRefusals) {
  ServerLimits limits;
  limits.max_body_bytes = 1000;
  limits.max_header_bytes = 2000;
  TestServer test(limits);
  const std::string line = "POST / HTTP/1.1\r\nHost: h\r\n";
  const std::pair<std::string, std::string> cases[] = {
      {line + "X: " + std::string(2000, 'x') + "\r\n\r\n", "431"},
      {"GET /" + std::string(2000, 'x') + " HTTP/1.1\r\nHost: h\r\n\r\n", "414"},
      {line + "Content-Length: 1001\r\nExpect: 100-continue\r\n\r\n", "413"},
      {line + "Content-Length: 10000000000\r\n\r\n" + std::string(100'000, 'x'), "413"},
      {line + "Transfer-Encoding: chunked\r\n\r\n3E9\r\n" + std::string(1001, 'x'), "413"},
      {line + "Expect: nothing\r\n\r\n", "417"},
      {"GET / HTTP/2.0\r\nHost: h\r\n\r\n", "505"},
      {"GET / HTTP/1.2\r\nHost: h\r\n\r\n", "505"},
      {"CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n", "405"},
  };
  for (const auto& [request, status] : cases) {
    Client client(test.server->port());
    client.send(request);
    const std::string answer = client.read_all();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + status + " ")) << request << answer;
    EXPECT_EQ(count_of(answer, "HTTP/1.1 "), 1U) << answer;
    EXPECT_TRUE(client.closed);
    EXPECT_FALSE(client.was_reset) << request;
  }
  EXPECT_EQ(test.handler.calls, 0);
  const std::string fits = line + "Content-Length: 1000\r\nConnection: close\r\n\r\n";
  EXPECT_EQ(count_of(ask(test.server->port(), fits + std::string(1000, 'x')), "body=1000"), 1U);
}

TEST(Server, ErrorAnswerIsReadableWhileTheBodyIsStillSent) {
  TestServer test;
  Client client(test.server->port());
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 20000000\r\n\r\n");
  std::string body;
  body.resize(20'000'000, 'x');
  client.send(body);
  client.finish();
  const std::string answer = client.read_all();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 413 ")) << answer;
  EXPECT_FALSE(client.was_reset);
}

TEST(Server, ContinueIsSaidOnlyWhenTheBodyIsRead) {
  TestServer test;
  Client client(test.server->port());
  const std::string head =
      "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n";
  client.send(head + "\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("abc");
  EXPECT_TRUE(client.read_until("body=abc").starts_with("HTTP/1.1 200 OK"));
  // The body is there already: there is nothing to wait for.
  client.send(head + "\r\nabc");
  EXPECT_TRUE(client.read_until("body=abc").starts_with("HTTP/1.1 200 OK"));
  client.send(
      "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n"
      "\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
}

TEST(Server, TimeLimits) {
  ServerLimits limits;
  limits.header_timeout = milliseconds(60);
  limits.body_timeout = milliseconds(120);
  limits.idle_timeout = milliseconds(180);
  TestServer test(limits);
  const auto lasts = [&](const std::string& bytes, std::string& answer) {
    const auto start = SteadyClock::now();
    answer = ask(test.server->port(), bytes);
    return std::chrono::duration_cast<milliseconds>(SteadyClock::now() - start).count();
  };
  std::string answer;
  auto took = lasts("GET / HT", answer);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 408 ")) << answer;
  EXPECT_GE(took, 60);
  took = lasts("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab", answer);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 408 ")) << answer;
  EXPECT_GE(took, 120);
  took = lasts("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", answer);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 408 ")) << answer;
  EXPECT_GE(took, 120);
  took = lasts(kGet, answer);  // idle afterwards: closed without a word
  EXPECT_EQ(count_of(answer, "HTTP/1.1 "), 1U) << answer;
  EXPECT_GE(took, 180);
}

TEST(Server, TheHeadersTimeRunsFromItsFirstByte) {
  ServerLimits limits;
  limits.header_timeout = milliseconds(60);
  limits.idle_timeout = std::chrono::minutes(10);  // were this the time, the test would not end
  TestServer test(limits);
  const std::string answer = ask(test.server->port(), kGet + "GET");
  EXPECT_EQ(count_of(answer, "HTTP/1.1 408 "), 1U) << answer;
}

TEST(Server, SlowReaderIsCut) {
  ServerLimits limits;
  limits.write_timeout = milliseconds(50);
  limits.min_write_rate = 1'000'000'000;
  TestServer test(limits);
  Client client(test.server->port());
  std::string many;
  for (int i = 0; i < 10; ++i) many += "GET /big HTTP/1.1\r\nHost: h\r\n\r\n";
  client.send(many);
  EXPECT_TRUE(eventually([&] { return test.handler.calls > 0; }));
  EXPECT_TRUE(eventually([&] { return test.server->connections() == 0; }));
  EXPECT_LT(test.handler.calls, 10);
}

TEST(Server, DisconnectCancelsTheCallSoon) {
  TestServer test;
  for (const bool reset : {false, true}) {
    Client client(test.server->port());
    client.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
    ASSERT_TRUE(eventually([&] { return test.handler.waiting.load(); }));
    if (reset) {
      const linger now{1, 0};
      ::setsockopt(client.fd(), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    }
    const auto start = SteadyClock::now();
    client.close();
    ASSERT_TRUE(eventually([&] { return !test.handler.waiting.load(); }));
    EXPECT_TRUE(test.handler.cancelled);
    // 10 ms is the promise; a loaded test machine gets more. The call never ends by itself.
    EXPECT_LT(test.handler.cancelled_at.load() - start, std::chrono::seconds(2));
  }
}

TEST(Server, PipelinedDataDoesNotCancelAndAHalfClosedClientIsAnswered) {
  TestServer test;
  Client client(test.server->port());
  client.send("GET /pause HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return test.handler.calls == 1; }));
  client.send(kGet);
  const std::string answers = client.read_until("body=");
  EXPECT_EQ(count_of(answers, "paused"), 1U);
  EXPECT_FALSE(test.handler.cancelled);

  Client half(test.server->port());
  half.send(kGet + kGet);
  half.finish();
  EXPECT_EQ(count_of(half.read_all(), "body="), 2U);
  Client partial(test.server->port());
  partial.send("GET / HTTP/1.1\r\nHost");
  partial.finish();
  EXPECT_TRUE(partial.read_all().starts_with("HTTP/1.1 400 "));
}

TEST(Server, StopAnswersWhatIsOnTheWireAndClosesIdleConnectionsLater) {
  TestServer test;
  Client idle(test.server->port());
  idle.send(kGet);
  idle.read_until("body=");
  Client late(test.server->port());
  late.send(kGet);
  late.read_until("body=");
  Client busy(test.server->port());
  busy.send("GET /pause HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return test.handler.calls == 3; }));

  const auto start = SteadyClock::now();
  const std::uint16_t port = test.server->port();
  test.stop(seconds(5));
  EXPECT_TRUE(eventually([&] { return !Client(port).connected(); }));
  late.send(kGet);
  const std::string answer = late.read_all();
  EXPECT_EQ(count_of(answer, "Connection: close\r\n"), 1U) << answer;
  EXPECT_EQ(count_of(busy.read_all(), "Connection: close\r\n"), 1U);
  EXPECT_EQ(idle.read_all(), "");
  EXPECT_TRUE(idle.closed);
  EXPECT_GE(SteadyClock::now() - start, milliseconds(200));
  idle.close();
  late.close();
  busy.close();
  test.wait_stopped();
  EXPECT_LT(SteadyClock::now() - start, seconds(2));
  EXPECT_EQ(test.server->connections(), 0U);
}

TEST(Server, DrainDeadlineCancelsCalls) {
  TestServer test;
  Client client(test.server->port());
  client.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return test.handler.waiting.load(); }));
  test.stop(milliseconds(50));
  test.wait_stopped();
  EXPECT_TRUE(test.handler.cancelled);
  EXPECT_EQ(count_of(client.read_all(), "Connection: close\r\n"), 1U);
}

TEST(Server, TooManyConnectionsAreTurnedAway) {
  ServerLimits limits;
  limits.max_connections = 2;
  TestServer test(limits);
  Client one(test.server->port());
  Client two(test.server->port());
  ASSERT_TRUE(eventually([&] { return test.server->connections() == 2; }));
  Client three(test.server->port());
  EXPECT_TRUE(three.read_all().starts_with("HTTP/1.1 503 "));
  EXPECT_TRUE(three.closed);
  one.close();
  ASSERT_TRUE(eventually([&] { return test.server->connections() == 1; }));
  EXPECT_EQ(count_of(ask(test.server->port(), kClose), "200 OK"), 1U);
}

TEST(Server, OutOfDescriptorsTurnsAwayWithoutSpinning) {
  TestServer test;
  Client before(test.server->port());
  before.send(kGet);
  before.read_until("body=");
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &old), 0);
  std::vector<std::unique_ptr<Client>> waiting;
  for (int i = 0; i < 3; ++i) waiting.push_back(std::make_unique<Client>(test.server->port()));
  ASSERT_TRUE(eventually([&] { return test.server->connections() == 4; }));
  UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const rlimit none{3, old.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(test.server->port());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int connected =
      ::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  before.send(kGet);  // who is inside is served on
  const std::string inside = before.read_until("body=");
  rusage start{};
  ::getrusage(RUSAGE_SELF, &start);
  ::usleep(100'000);  // the time in which a spinning server would burn CPU
  rusage end{};
  ::getrusage(RUSAGE_SELF, &end);
  ::setrlimit(RLIMIT_NOFILE, &old);
  EXPECT_EQ(connected, 0);
  EXPECT_EQ(count_of(inside, "200 OK"), 1U);
  const auto burnt = (end.ru_utime.tv_sec - start.ru_utime.tv_sec) * 1'000'000 +
                     (end.ru_utime.tv_usec - start.ru_utime.tv_usec) +
                     (end.ru_stime.tv_sec - start.ru_stime.tv_sec) * 1'000'000 +
                     (end.ru_stime.tv_usec - start.ru_stime.tv_usec);
  EXPECT_LT(burnt, 50'000);
  EXPECT_EQ(count_of(ask(test.server->port(), kClose), "200 OK"), 1U);
}

TEST(Server, PortInUseSaysWhatToDo) {
  TestServer test;
  async::Core core(0);
  EchoHandler handler;
  const auto handler_of = [&](async::Core&) -> Handler& { return handler; };
  auto second = Server::on_address({&core}, test.server->address(), {}, handler_of);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().reason(), Reason::HostListen);
  EXPECT_NE(second.error().message().find("choose another port"), std::string::npos);
  for (const char* bad : {"", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "nohost:1",
                          "[::1:80", "127.0.0.1:1x"}) {
    auto wrong = Server::on_address({&core}, bad, {}, handler_of);
    ASSERT_FALSE(wrong.has_value()) << bad;
    EXPECT_EQ(wrong.error().reason(), Reason::HostListen);
  }
}

TEST(Server, CoresShareAPort) {
  TestServer test({}, "", 2);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 32; ++i) {
    clients.push_back(std::make_unique<Client>(test.server->port()));
    clients.back()->send(kGet);
  }
  for (auto& client : clients) EXPECT_EQ(count_of(client->read_until("body="), "200 OK"), 1U);
}

class UnixServer : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = std::filesystem::temp_directory_path() / "trellis-net-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    path_ = folder_ + "/control.sock";
  }

  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string folder_;
  std::string path_;
};

TEST_F(UnixServer, ServesTheUnixClient) {
  TestServer test({}, path_);
  struct stat found{};
  ASSERT_EQ(::stat(path_.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0600U);
  auto answer = request_over_unix(path_, "POST", "/v1/call?x", as_bytes("{}"));
  ASSERT_TRUE(answer.has_value()) << answer.error().message();
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(as_text(answer->body), "POST /v1/call?x host=localhost body={}");
  const Bytes large(1'000'000, std::byte{'x'});
  answer = request_over_unix(path_, "POST", "/l", large);
  ASSERT_TRUE(answer.has_value()) << answer.error().message();
  EXPECT_EQ(as_text(answer->body), "POST /l host=localhost body=1000000");
  answer = request_over_unix(path_, "GET", "/big", {});
  ASSERT_TRUE(answer.has_value()) << answer.error().message();
  EXPECT_EQ(answer->body.size(), 3'000'000U);
  const Bytes too_large(9'000'000, std::byte{'x'});
  answer = request_over_unix(path_, "POST", "/l", too_large);
  ASSERT_TRUE(answer.has_value()) << answer.error().message();
  EXPECT_EQ(answer->status, 413);
  ClientLimits hurried;
  hurried.timeout = milliseconds(30);
  answer = request_over_unix(path_, "GET", "/wait", {}, hurried);
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().reason(), Reason::ControlUnreachable);
  EXPECT_TRUE(eventually([&] { return test.handler.cancelled.load(); }));
}

TEST_F(UnixServer, LiveSocketIsRefusedDeadOneIsReplaced) {
  async::Core core(0);
  EchoHandler handler;
  {
    TestServer test({}, path_);
    auto second = Server::on_socket(core, path_, {}, handler);
    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error().reason(), Reason::HostListen);
  }
  EXPECT_FALSE(std::filesystem::exists(path_)) << "stop() removes the file";
  {
    UniqueFd dead(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    path_.copy(name.sun_path, sizeof(name.sun_path) - 1);
    ASSERT_EQ(::bind(dead.get(), reinterpret_cast<const sockaddr*>(&name), sizeof(name)), 0);
  }
  ASSERT_TRUE(std::filesystem::exists(path_));
  auto replaced = Server::on_socket(core, path_, {}, handler);
  EXPECT_TRUE(replaced.has_value());
  std::filesystem::remove(path_);
  std::filesystem::create_directory(path_);
  auto folder = Server::on_socket(core, path_, {}, handler);
  ASSERT_FALSE(folder.has_value());
  EXPECT_TRUE(std::filesystem::exists(path_));
  auto nobody = request_over_unix(folder_ + "/none.sock", "GET", "/", {});
  ASSERT_FALSE(nobody.has_value());
  EXPECT_EQ(nobody.error().reason(), Reason::ControlUnreachable);
}

}  // namespace
}  // namespace trellis::http
