// The request vectors of llhttp in strict mode. Each case is bytes and the events that llhttp
// reports; ours must refuse what llhttp refuses, and read what both accept the same way. Cases
// written without a Host get one, since this server refuses such requests as such.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "trellis/net/http/chunked.h"
#include "trellis/net/http/request.h"
#include "trellis/net/http/syntax.h"

namespace trellis::http {
namespace {

struct Message {
  std::string method;
  std::string target;
  std::string body;
};

struct Outcome {
  std::vector<Message> messages;
  bool refused = false;
  bool closed = false;
};

struct Vector {
  std::string title;
  std::string bytes;
  Outcome expected;
};

std::string unescape(std::string text) {
  if (!text.empty() && text.back() == '\n') text.pop_back();
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') {
      out += "\r\n";
    } else if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
    } else {
      const char kind = text[++i];
      switch (kind) {
        case '\n': break;
        case 'n': out += '\n'; break;
        case 'r': out += '\r'; break;
        case 't': out += '\t'; break;
        case 'f': out += '\f'; break;
        case 'x': {
          std::size_t end = i + 1;
          while (end < text.size() && end < i + 3 && hex_value(text[end]) >= 0) ++end;
          out += static_cast<char>(std::stoi(text.substr(i + 1, end - i - 1), nullptr, 16));
          i = end - 1;
          break;
        }
        default: out.append("\\").push_back(kind); break;
      }
    }
  }
  return out;
}

Outcome read_log(const std::string& log) {
  Outcome outcome;
  Message message;
  static const std::regex span_line(R"re(span\[(\w+)\]="(.*)"$)re");
  static const std::regex error_line(R"re(error code=(\d+))re");
  std::size_t at = 0;
  while (at < log.size()) {
    const std::size_t end = std::min(log.find('\n', at), log.size());
    const std::string line = log.substr(at, end - at);
    at = end + 1;
    std::smatch match;
    if (std::regex_search(line, match, span_line)) {
      const std::string kind = match[1];
      if (kind == "method") message.method += unescape(match[2]);
      if (kind == "url") message.target += unescape(match[2]);
      if (kind == "body") message.body += unescape(match[2]);
    } else if (line.ends_with("message complete")) {
      outcome.messages.push_back(message);
      message = {};
    } else if (std::regex_search(line, match, error_line)) {
      const std::string code = match[1];
      // 5: data after `Connection: close`; 21, 22, 23: a pause, the message itself is accepted.
      if (code == "5") {
        outcome.closed = true;
      } else if (code != "21" && code != "22" && code != "23") {
        outcome.refused = true;
      }
    }
  }
  return outcome;
}

std::optional<std::string> block_after(const std::string& text, const std::string& fence,
                                       std::size_t& at) {
  const std::size_t start = text.find(fence + "\n", at);
  if (start == std::string::npos) return std::nullopt;
  const std::size_t from = start + fence.size() + 1;
  const std::size_t end = text.find("```", from);
  at = end;
  return text.substr(from, end - from);
}

std::vector<Vector> read_vectors(const std::filesystem::path& file) {
  std::ifstream in(file);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  static const std::string meta_mark = "<!-- meta=";
  std::vector<Vector> vectors;
  std::size_t at = text.find(meta_mark);
  while (at != std::string::npos) {
    const std::string meta = text.substr(at, text.find("-->", at) - at);
    const std::size_t heading = text.rfind("\n#", at);
    const std::size_t heading_end = text.find('\n', heading + 1);
    Vector one;
    one.title =
        file.filename().string() + ": " + text.substr(heading + 1, heading_end - heading - 1);
    std::size_t cursor = at;
    const auto bytes = block_after(text, "```http", cursor);
    const auto log = block_after(text, "```log", cursor);
    at = text.find(meta_mark, at + 1);
    if (!bytes || !log || meta.find("\"type\": \"request\"") == std::string::npos) continue;
    if (meta.find("skipBody") != std::string::npos) continue;  // for a parser told to skip bodies
    one.bytes = unescape(*bytes);
    one.expected = read_log(*log);
    vectors.push_back(std::move(one));
  }
  return vectors;
}

/// A Host for each request of version 1.1 that has none.
std::string with_host(std::string bytes) {
  static const std::regex host_line("\r\n[hH][oO][sS][tT]:");
  static const std::string version_end = " HTTP/1.1\r\n";
  std::size_t at = bytes.find(version_end);
  while (at != std::string::npos) {
    const std::string head = bytes.substr(at, bytes.find("\r\n\r\n", at) - at);
    at += version_end.size();
    if (!std::regex_search(head, host_line)) bytes.insert(at, "Host: h\r\n");
    at = bytes.find(version_end, at);
  }
  return bytes;
}

Outcome run(std::string_view bytes) {
  Outcome outcome;
  while (!bytes.empty()) {
    RequestParser parser(16384);
    const ParseStatus status = parser.parse(bytes);
    if (status != ParseStatus::Complete) {
      outcome.refused = status == ParseStatus::Failed;
      return outcome;
    }
    const Head& head = parser.head();
    Message message{std::string(head.method.of(bytes.data())),
                    std::string(head.target.of(bytes.data())), ""};
    bytes.remove_prefix(parser.size());
    if (head.chunked) {
      ChunkedDecoder decoder(1 << 20, 16384);
      Bytes body;
      std::size_t consumed = 0;
      const ParseStatus chunks = decoder.feed(bytes, body, consumed);
      if (chunks != ParseStatus::Complete) {
        outcome.refused = chunks == ParseStatus::Failed;
        return outcome;
      }
      message.body = as_text(body);
      bytes.remove_prefix(consumed);
    } else {
      if (bytes.size() < head.content_length) return outcome;
      message.body = bytes.substr(0, static_cast<std::size_t>(head.content_length));
      bytes.remove_prefix(static_cast<std::size_t>(head.content_length));
    }
    outcome.messages.push_back(message);
    if (!head.keep_alive) {
      outcome.closed = true;
      return outcome;
    }
  }
  return outcome;
}

/// Accepted by llhttp, refused here: proxies' CONNECT, other protocols, codings other than
/// `chunked`, user names in a target, `*` for other methods than OPTIONS, HTTP/0.9.
const std::set<std::string> kStricter = {
    "method.md: ### CONNECT request",
    "method.md: ### CONNECT request with CAPS",
    "method.md: ### CONNECT with body",
    "method.md: ### M-SEARCH request",
    "method.md: ### PRI request HTTP2",
    "method.md: ### SOURCE request with ICE",
    "method.md: ### OPTIONS request with RTSP",
    "method.md: ### ANNOUNCE request with RTSP",
    "sample.md: ## No HTTP version",
    "transfer-encoding.md: ## POST with `chunked` as last transfer-encoding",
    "transfer-encoding.md: ## POST with `chunked` as last transfer-encoding (multiple headers)",
    "uri.md: ## Underscore in hostname",
    "uri.md: ## `host:port` and basic auth",
};

/// llhttp knows a list of methods; here any token is one, and the actor decides.
const std::set<std::string> kAnyMethod = {
    "invalid.md: ### HTTP protocol and ANNOUNCE method",
    "invalid.md: ### Invalid method",
};

void expect_same_messages(const Outcome& got, const Outcome& expected) {
  ASSERT_EQ(got.messages.size(), expected.messages.size());
  for (std::size_t i = 0; i < got.messages.size(); ++i) {
    EXPECT_EQ(got.messages[i].method, expected.messages[i].method);
    EXPECT_EQ(got.messages[i].target, expected.messages[i].target);
    EXPECT_EQ(got.messages[i].body, expected.messages[i].body);
  }
}

TEST(Llhttp, RequestVectors) {
  const char* folder = std::getenv("TRELLIS_VECTORS");
  const auto root = std::filesystem::path(folder == nullptr ? "" : folder) / "llhttp" / "request";
  if (!std::filesystem::is_directory(root)) {
    GTEST_SKIP() << "the llhttp vectors are not here (TRELLIS_VECTORS)";
  }
  int refused = 0;
  int accepted = 0;
  for (const auto& entry : std::filesystem::directory_iterator(root)) {
    if (entry.path().filename().string().starts_with("lenient")) continue;
    for (const Vector& one : read_vectors(entry.path())) {
      SCOPED_TRACE(one.title + "\n" + one.bytes);
      const std::string bytes = with_host(one.bytes);
      Outcome got = run(bytes);
      if (kAnyMethod.contains(one.title)) {
        EXPECT_FALSE(got.refused);
      } else if (one.expected.refused || kStricter.contains(one.title)) {
        ++refused;
        if (!got.refused) got = run(bytes + "\r\n\r\n");  // some vectors stop within a line
        EXPECT_TRUE(got.refused);
        EXPECT_LE(got.messages.size(), one.expected.messages.size());
      } else {
        ++accepted;
        EXPECT_FALSE(got.refused);
        expect_same_messages(got, one.expected);
      }
    }
  }
  EXPECT_GE(refused, 55);
  EXPECT_GE(accepted, 60);
}

}  // namespace
}  // namespace trellis::http
