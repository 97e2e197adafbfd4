#include "trellis/net/http/request_parser.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "trellis/net/http/chunked.h"
#include "trellis/net/http/request.h"
#include "trellis/net/http/response.h"
#include "trellis/net/http/syntax.h"

namespace trellis::http {
namespace {

constexpr std::uint32_t kMaxHead = 1000;

/// All that a parse tells, as text, so that two can be compared.
std::string describe(RequestParser& parser, ParseStatus status, std::string_view bytes) {
  switch (status) {
    case ParseStatus::NeedMore: return "more";
    case ParseStatus::Failed: return std::string(reason_text(parser.refusal().reason));
    case ParseStatus::Complete: break;
  }
  const Head& head = parser.head();
  const Request request(bytes.data(), head, {}, "peer");
  std::string text = std::to_string(parser.size());
  for (const auto part :
       {request.method(), request.target(), request.path(), request.query(), request.host()}) {
    text.append("|").append(part);
  }
  text += "|" + std::to_string(head.minor_version) + std::to_string(head.chunked) +
          std::to_string(head.keep_alive) + std::to_string(head.expect_continue) +
          std::to_string(head.content_length);
  for (const HeaderView field : request.headers()) {
    text.append("|").append(field.name).append("=").append(field.value);
  }
  return text;
}

std::string parse_whole(std::string_view bytes) {
  RequestParser parser(kMaxHead);
  return describe(parser, parser.parse(bytes), bytes);
}

/// Fed byte by byte, and at each single split.
void expect_independent_of_splits(std::string_view bytes) {
  const std::string expected = parse_whole(bytes);
  for (std::size_t split = 0; split <= bytes.size(); ++split) {
    RequestParser parser(kMaxHead);
    ParseStatus status = parser.parse(bytes.substr(0, split));
    if (status == ParseStatus::NeedMore) status = parser.parse(bytes);
    EXPECT_EQ(describe(parser, status, bytes), expected) << "split at " << split;
  }
  RequestParser parser(kMaxHead);
  ParseStatus status = ParseStatus::NeedMore;
  for (std::size_t end = 0; end <= bytes.size() && status == ParseStatus::NeedMore; ++end) {
    const std::string moved(bytes.substr(0, end));  // each time at another address
    status = parser.parse(moved);
  }
  EXPECT_EQ(describe(parser, status, bytes), expected);
}

struct Case {
  const char* name;
  std::string bytes;
  std::string expected;  // the start of what describe() gives
};

TEST(RequestParser, Accepts) {
  const Case cases[] = {
      {"plain", "GET /a/b?x=1&y HTTP/1.1\r\nHost: h\r\n\r\n", "|GET|/a/b?x=1&y|/a/b|x=1&y|h|101"},
      {"one empty line in front", "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", "|GET|/|/||h|101"},
      {"two empty lines in front", "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", "|GET|/|/||h|101"},
      {"1.0 closes", "GET / HTTP/1.0\r\n\r\n", "|GET|/|/|||0000"},
      {"1.0 keep-alive", "GET / HTTP/1.0\r\nconnection: foo , Keep-Alive\r\n\r\n",
       "|GET|/|/|||0010"},
      {"close", "GET / HTTP/1.1\r\nHost: h\r\nConnection: x,CLOSE\r\n\r\n", "|GET|/|/||h|1000"},
      {"close wins", "GET / HTTP/1.0\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n",
       "|GET|/|/|||0000"},
      {"absolute", "GET http://A.b:81/p?q HTTP/1.1\r\nHost: other\r\n\r\n",
       "|GET|http://A.b:81/p?q|/p|q|A.b:81|"},
      {"absolute without path", "GET HTTPS://a?q HTTP/1.1\r\nHost: a\r\n\r\n",
       "|GET|HTTPS://a?q|/|q|a|"},
      {"options *", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "|OPTIONS|*|*||h|"},
      {"length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0012\r\n\r\n",
       "|POST|/|/||h|101012|"},
      {"chunked", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n",
       "|POST|/|/||h|11100|"},
      {"continue", "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\n\r\n",
       "|POST|/|/||h|10110|"},
      {"values are trimmed", "GET / HTTP/1.1\r\nHost:h \t\r\nA: \t b c\t \r\nE:\r\n\r\n",
       "|GET|/|/||h|10100|Host=h|A=b c|E="},
      {"any method token", "M-SEARCH!x / HTTP/1.1\r\nHost: h\r\n\r\n", "|M-SEARCH!x|"},
      {"obs-text", "GET / HTTP/1.1\r\nHost: h\r\nA: \xE4\r\n\r\n",
       "|GET|/|/||h|10100|Host=h|A=\xE4"},
      {"ipv6", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "|GET|/|/||[::1]:80|"},
      {"visible target", "GET /!\"#$%&'()*+,-.;<=>@[\\]^_`{|}~ HTTP/1.1\r\nHost: h\r\n\r\n",
       "|GET|"},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.name);
    const std::string expected = std::to_string(one.bytes.size()) + one.expected;
    EXPECT_EQ(parse_whole(one.bytes).substr(0, expected.size()), expected);
    expect_independent_of_splits(one.bytes);
  }
}

TEST(RequestParser, Refuses) {
  const std::string host = "Host: h\r\n";
  const std::string line = "GET / HTTP/1.1\r\n";
  const auto with = [&](const std::string& fields) { return line + host + fields + "\r\n"; };
  const std::string bad = "http.malformed";
  const Case cases[] = {
      {"no host", line + "\r\n", bad},
      {"two hosts", with(host), bad},
      {"empty host", line + "Host:\r\n\r\n", bad},
      {"host with a path", line + "Host: a/b\r\n\r\n", bad},
      {"host with user", line + "Host: u@h\r\n\r\n", bad},
      {"host with two ports", line + "Host: h:1:2\r\n\r\n", bad},
      {"host list", line + "Host: a, b\r\n\r\n", "http."},
      {"CL and TE", with("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"), bad},
      {"TE and CL", with("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n"), bad},
      {"two CL", with("Content-Length: 1\r\nContent-Length: 2\r\n"), bad},
      {"two equal CL", with("Content-Length: 1\r\nContent-Length: 1\r\n"), bad},
      {"CL list", with("Content-Length: 1, 1\r\n"), bad},
      {"CL plus", with("Content-Length: +1\r\n"), bad},
      {"CL minus", with("Content-Length: -1\r\n"), bad},
      {"CL hex", with("Content-Length: 0x1\r\n"), bad},
      {"CL empty", with("Content-Length: \r\n"), bad},
      {"CL with a space inside", with("Content-Length: 1 2\r\n"), bad},
      {"CL overflow", with("Content-Length: 18446744073709551616\r\n"), bad},
      {"TE identity", with("Transfer-Encoding: identity\r\n"), bad},
      {"TE list", with("Transfer-Encoding: gzip, chunked\r\n"), bad},
      {"TE twice in one", with("Transfer-Encoding: chunked, chunked\r\n"), bad},
      {"TE twice", with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), bad},
      {"TE in quotes", with("Transfer-Encoding: \"chunked\"\r\n"), bad},
      {"TE with a parameter", with("Transfer-Encoding: chunked;a=b\r\n"), bad},
      {"TE with a vertical tab",
       with("Transfer-Encoding: \x0B"
            "chunked\r\n"),
       bad},
      {"TE empty", with("Transfer-Encoding:\r\n"), bad},
      {"TE in 1.0", "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", bad},
      {"space before colon", with("Content-Length : 1\r\n"), bad},
      {"tab before colon", with("Content-Length\t: 1\r\n"), bad},
      {"space before name", with(" A: 1\r\n"), bad},
      {"obs-fold", with("A: 1\r\n b\r\n"), bad},
      {"obs-fold by tab", with("A: 1\r\n\tb\r\n"), bad},
      {"first line folded", line + " Host: h\r\n\r\n", bad},
      {"no name", with(": 1\r\n"), bad},
      {"no colon", with("abc\r\n"), bad},
      {"name with a bracket", with("A[1]: 1\r\n"), bad},
      {"name beyond ASCII", with("\xC3\xA4: 1\r\n"), bad},
      {"NUL in a name", with(std::string("A\0: 1\r\n", 7)), bad},
      {"NUL in a value", with(std::string("A: 1\0\r\n", 7)), bad},
      {"control in a value", with("A: \x01\r\n"), bad},
      {"DEL in a value", with("A: \x7F\r\n"), bad},
      {"bare CR in a value", with("A: 1\r2\r\n"), bad},
      {"bare CR before CRLF", with("A: 1\r\r\n"), bad},
      {"bare LF", "GET / HTTP/1.1\nHost: h\n\n", bad},
      {"bare LF after a header", line + "Host: h\nA: 1\r\n\r\n", bad},
      {"bare LF at the end", line + "Host: h\r\n\n", bad},
      {"bare CR without LF", "GET / HTTP/1.1\rHost: h\r\r", bad},
      {"three empty lines in front", "\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", bad},
      {"bare LF in front", "\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", bad},
      {"space in front", " GET / HTTP/1.1\r\nHost: h\r\n\r\n", bad},
      {"two spaces", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", bad},
      {"two spaces before version", "GET /  HTTP/1.1\r\nHost: h\r\n\r\n", bad},
      {"trailing space", "GET / HTTP/1.1 \r\nHost: h\r\n\r\n", bad},
      {"tab", "GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n", bad},
      {"space in the target", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", bad},
      {"DEL in the target", "GET /\x7F HTTP/1.1\r\nHost: h\r\n\r\n", bad},
      {"target beyond ASCII", "GET /\xC3\xA4 HTTP/1.1\r\nHost: h\r\n\r\n", bad},
      {"target without slash", "GET a HTTP/1.1\r\nHost: h\r\n\r\n", bad},
      {"GET *", "GET * HTTP/1.1\r\nHost: h\r\n\r\n", bad},
      {"other scheme", "GET ftp://a/ HTTP/1.1\r\nHost: h\r\n\r\n", bad},
      {"absolute without host", "GET http:///a HTTP/1.1\r\nHost: h\r\n\r\n", bad},
      {"absolute with user", "GET http://u:p@h/ HTTP/1.1\r\nHost: h\r\n\r\n", bad},
      {"absolute without Host", "GET http://h/ HTTP/1.1\r\n\r\n", bad},
      {"no version", "GET /\r\n\r\n", bad},
      {"lower-case version", "GET / http/1.1\r\nHost: h\r\n\r\n", bad},
      {"long version", "GET / HTTP/1.10\r\nHost: h\r\n\r\n", bad},
      {"short version", "GET / HTTP/1\r\nHost: h\r\n\r\n", bad},
      {"version 2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "http."},
      {"version 1.2", "GET / HTTP/1.2\r\nHost: h\r\n\r\n", "http.version"},
      {"version 0.9", "GET / HTTP/0.9\r\nHost: h\r\n\r\n", "http.version"},
      {"connect", "CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n", "http.method"},
      {"method with a bracket", "G[T / HTTP/1.1\r\nHost: h\r\n\r\n", bad},
      {"method too long", std::string(65, 'A') + " / HTTP/1.1\r\nHost: h\r\n\r\n", bad},
      {"expectation", with("Expect: 200-ok\r\n"), "http.expectation"},
      {"a TLS hello", std::string("\x16\x03\x01\x00\xA5", 5), bad},
      {"long target", "GET /" + std::string(kMaxHead, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n",
       "http.target_too_long"},
      {"long headers", with("A: " + std::string(kMaxHead, 'a') + "\r\n"), "http.header_too_large"},
      {"endless header", line + "A: " + std::string(std::size_t{2} * kMaxHead, 'a'),
       "http.header_too_large"},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.name);
    EXPECT_EQ(parse_whole(one.bytes).substr(0, one.expected.size()), one.expected);
    expect_independent_of_splits(one.bytes);
  }
}

TEST(RequestParser, LimitsAtTheEdge) {
  const std::string start = "GET / HTTP/1.1\r\nHost: h\r\nA: ";
  const std::string fits = start + std::string(kMaxHead - start.size() - 4, 'a') + "\r\n\r\n";
  ASSERT_EQ(fits.size(), kMaxHead);
  EXPECT_EQ(parse_whole(fits).substr(0, 5), "1000|");
  const std::string over = start + std::string(kMaxHead - start.size() - 3, 'a') + "\r\n\r\n";
  EXPECT_EQ(parse_whole(over).substr(0, 21), "http.header_too_large");

  for (const std::size_t count : {RequestParser::kMaxHeaders, RequestParser::kMaxHeaders + 1}) {
    std::string many = "GET / HTTP/1.1\r\nHost: h\r\n";
    for (std::size_t i = 1; i < count; ++i) many += "a:\r\n";
    many += "\r\n";
    RequestParser parser(1 << 20);
    const ParseStatus status = parser.parse(many);
    if (count == RequestParser::kMaxHeaders) {
      EXPECT_EQ(status, ParseStatus::Complete);
    } else {
      EXPECT_EQ(status, ParseStatus::Failed);
      EXPECT_EQ(parser.refusal().reason, Reason::HttpHeaderTooLarge);
    }
  }
}

TEST(RequestParser, NothingOfARequestReachesTheNext) {
  RequestParser parser(kMaxHead);
  ASSERT_EQ(parser.parse("POST http://a/p?q HTTP/1.0\r\nHost: h\r\nContent-Length: 7\r\n"
                         "Connection: keep-alive\r\n\r\n"),
            ParseStatus::Complete);
  parser.reset();
  const std::string next = "GET / HTTP/1.1\r\nHost: i\r\n\r\n";
  EXPECT_EQ(describe(parser, parser.parse(next), next), parse_whole(next));
}

std::string decode(std::string_view bytes, std::size_t split, std::uint64_t max_body = 100) {
  ChunkedDecoder decoder(max_body, 64);
  Bytes body;
  std::size_t used = 0;
  std::size_t consumed = 0;
  ParseStatus status = decoder.feed(bytes.substr(0, split), body, used);
  consumed = used;
  if (status == ParseStatus::NeedMore) {
    EXPECT_EQ(used, split);
    status = decoder.feed(bytes.substr(split), body, used);
    consumed += used;
  }
  EXPECT_LE(consumed, bytes.size());
  if (status == ParseStatus::Failed) return std::string(reason_text(decoder.refusal().reason));
  if (status == ParseStatus::NeedMore) return "more";
  return std::string(as_text(body)) + "|" + std::string(bytes.substr(consumed));
}

TEST(ChunkedDecoder, Table) {
  const std::string bad = "http.malformed";
  const std::pair<std::string, std::string> cases[] = {
      {"0\r\n\r\n", "|"},
      {"5\r\nhello\r\n6\r\n world\r\n000\r\n\r\nGET", "hello world|GET"},
      {"A;a;b=c;d=\"x;\\\"\r\"\r\n0123456789\r\n0\r\n\r\n", bad},
      {"a;a;b=c;d=\"x; \\\"\"\r\n0123456789\r\n0;x\r\nT: v\r\n\r\n", "0123456789|"},
      {"0\r\nContent-Length: 5\r\nX:\r\n\r\nrest", "|rest"},
      {"5\r\nhello", "more"},
      {"\r\n", bad},
      {";a\r\n", bad},
      {" 5\r\nhello\r\n0\r\n\r\n", bad},
      {"5 \r\nhello\r\n0\r\n\r\n", bad},
      {"5;\r\nhello\r\n0\r\n\r\n", bad},
      {"5; a\r\nhello\r\n0\r\n\r\n", bad},
      {"5;a=\r\nhello\r\n0\r\n\r\n", bad},
      {"5;a b\r\nhello\r\n0\r\n\r\n", bad},
      {"5;a\nhello\r\n0\r\n\r\n", bad},
      {"5\nhello\r\n0\r\n\r\n", bad},
      {"5\rhello\r\n0\r\n\r\n", bad},
      {"0x5\r\nhello\r\n0\r\n\r\n", bad},
      {"+5\r\nhello\r\n0\r\n\r\n", bad},
      {"-5\r\nhello\r\n0\r\n\r\n", bad},
      {"5g\r\nhello\r\n0\r\n\r\n", bad},
      {"5\r\nhelloX\r\n0\r\n\r\n", bad},
      {"5\r\nhello\n0\r\n\r\n", bad},
      {"5\r\nhello0\r\n\r\n", bad},
      {"00000000000000005\r\nhello\r\n0\r\n\r\n", bad},
      {"10000000000000005\r\n", bad},
      {"FFFFFFFFFFFFFFFF\r\n", "http.body_too_large"},
      {"65\r\n", "http.body_too_large"},
      {"0\r\nA b: c\r\n\r\n", bad},
      {"0\r\n: c\r\n\r\n", bad},
      {"0\r\nA: c\n\r\n", bad},
      {"0\r\nA: b\rc\r\n\r\n", bad},
      {"0\r\n A: b\r\n\r\n", bad},
      {"0\r\n\rX", bad},
      {"0\r\nA: " + std::string(80, 'x') + "\r\n\r\n", "http.header_too_large"},
      {"1;" + std::string(80, 'x') + "\r\n", bad},
  };
  for (const auto& [bytes, expected] : cases) {
    SCOPED_TRACE(bytes);
    for (std::size_t split = 0; split <= bytes.size(); ++split) {
      EXPECT_EQ(decode(bytes, split), expected) << "split at " << split;
    }
  }
  EXPECT_EQ(decode("64\r\n" + std::string(100, 'x') + "\r\n0\r\n\r\n", 7).size(), 101U);
  EXPECT_EQ(decode("60\r\n" + std::string(96, 'x') + "\r\n5\r\n", 7), "http.body_too_large");
}

TEST(Response, HeadersAreChecked) {
  Response response;
  EXPECT_EQ(response.add_header("X", "a\r\nY: b"), AddHeader::Refused);
  EXPECT_EQ(response.add_header("X", std::string_view("a\0b", 3)), AddHeader::Refused);
  EXPECT_EQ(response.add_header("X\n", "a"), AddHeader::Refused);
  EXPECT_EQ(response.add_header("X:", "a"), AddHeader::Refused);
  EXPECT_EQ(response.add_header("", "a"), AddHeader::Refused);
  EXPECT_EQ(response.add_header("cOntent-length", "1"), AddHeader::Dropped);
  EXPECT_EQ(response.add_header("Transfer-Encoding", "chunked"), AddHeader::Dropped);
  EXPECT_EQ(response.add_header("Connection", "close"), AddHeader::Dropped);
  EXPECT_EQ(response.fields(), "");
  EXPECT_EQ(response.add_header("Set-Cookie", " a=b "), AddHeader::Added);
  EXPECT_EQ(response.add_header("Set-Cookie", "c"), AddHeader::Added);
  EXPECT_EQ(response.fields(), "Set-Cookie: a=b\r\nSet-Cookie: c\r\n");
  EXPECT_FALSE(response.set_status(199));
  EXPECT_FALSE(response.set_status(600));
  EXPECT_EQ(response.status(), 500);
}

TEST(Response, ErrorBodyIsBoundedJson) {
  Response response;
  response.set_error(Reason::GuestError, "a \"quoted\"\\ \n\x1B[2J \xFF");
  EXPECT_EQ(as_text(response.body()),
            "{\"reason\":\"guest.error\",\"message\":\"a \\\"quoted\\\"\\\\ \\n\\\\x1b[2J "
            "\xEF\xBF\xBD\"}");
  std::string nasty;
  for (int i = 0; i < 5000; ++i) nasty += "\"\xC3\xA4";
  response.set_error(Reason::GuestError, nasty);
  EXPECT_LE(response.body().size(), kMaxErrorBodyBytes);
  EXPECT_GT(response.body().size(), kMaxErrorBodyBytes - 8);
  EXPECT_TRUE(as_text(response.body()).ends_with("\"}"));
}

class FixedClock final : public Clock {
 public:
  TimePoint now() const noexcept override { return TimePoint{}; }

  std::int64_t wall_nanoseconds() const noexcept override { return wall; }

  std::int64_t wall = 784111777'500'000'000;
};

TEST(DateLine, IsMadeOnceASecond) {
  FixedClock clock;
  DateLine line(clock);
  const TimePoint start{std::chrono::seconds(100)};
  EXPECT_EQ(line.at(start), "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
  clock.wall += 500'000'000;
  EXPECT_EQ(line.at(start + std::chrono::milliseconds(499)),
            "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
  EXPECT_EQ(line.at(start + std::chrono::milliseconds(500)),
            "Date: Sun, 06 Nov 1994 08:49:38 GMT\r\n");
}

}  // namespace
}  // namespace trellis::http
