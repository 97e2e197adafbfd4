// The C++ guest SDK, compiled for this machine with a host made of plain functions.

#include <cstdlib>
#include <fstream>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#define TRELLIS_GUEST_LIBC 1
#include "trellis/guest/extras.h"
#include "trellis/guest/http_server.h"
#include "trellis/guest/keyvalue.h"
#include "trellis/guest/logging.h"

namespace guest = trellis::guest;
namespace http = trellis::guest::http;
namespace json = boost::json;
using guest::msgpack::Kind;
using guest::msgpack::Reader;
using guest::msgpack::Writer;

namespace {

struct FakeHost {
  std::string operation;
  std::string payload;
  std::string response;
  std::string error;
  // What a host call gets: by operation. An operation that is missing is an error.
  std::map<std::string, std::string> replies;
  std::vector<std::string> calls;
  std::string host_response;
  std::string host_error;
};

FakeHost host;  // the SDK's imports are functions without a context

std::string str(guest::Bytes bytes) {
  return std::string(reinterpret_cast<const char*>(bytes.data), bytes.size);
}

std::string str(guest::Text text) {
  return std::string(text.data, text.size);
}

std::string from_hex(std::string_view hex) {
  std::string bytes;
  std::string digits;
  for (char c : hex) {
    if (c == '-' || c == ' ') {
      continue;
    }
    digits.push_back(c);
    if (digits.size() == 2) {
      bytes.push_back(static_cast<char>(std::stoi(digits, nullptr, 16)));
      digits.clear();
    }
  }
  return bytes;
}

}  // namespace

namespace trellis::guest::abi {

void guest_request(char* operation, uint8_t* payload) {
  memcpy(operation, host.operation.data(), host.operation.size());
  memcpy(payload, host.payload.data(), host.payload.size());
}

void guest_response(const uint8_t* data, size_t size) {
  host.response.assign(reinterpret_cast<const char*>(data), size);
}

void guest_error(const char* data, size_t size) {
  host.error.assign(data, size);
}

int32_t host_call(const char* binding, size_t binding_size, const char* contract,
                  size_t contract_size, const char* operation, size_t operation_size,
                  const uint8_t* payload, size_t payload_size) {
  std::string name(operation, operation_size);
  host.calls.push_back(std::string(binding, binding_size) + "|" +
                       std::string(contract, contract_size) + "|" + name + "|" +
                       std::string(reinterpret_cast<const char*>(payload), payload_size));
  host.host_response.clear();
  host.host_error.clear();
  auto found = host.replies.find(name);
  if (found == host.replies.end()) {
    host.host_error = "no " + name;
    return 0;
  }
  host.host_response = found->second;
  return 1;
}

size_t host_response_len() {
  return host.host_response.size();
}

void host_response(uint8_t* to) {
  memcpy(to, host.host_response.data(), host.host_response.size());
}

size_t host_error_len() {
  return host.host_error.size();
}

void host_error(char* to) {
  memcpy(to, host.host_error.data(), host.host_error.size());
}

void console_log(const char* data, size_t size) {
  host.calls.emplace_back(data, size);
}

}  // namespace trellis::guest::abi

namespace {

guest::Result<http::Response> count(const http::Request& request) {
  guest::Result<int32_t> number = guest::KeyValue().add(request.path, 1);
  if (!number) {
    return number.error();
  }
  return http::text(201, guest::Builder().add(*number).text());
}

guest::Reply echo(guest::Bytes payload) {
  return payload;
}

}  // namespace

TRELLIS_ACTOR(http::on_request<count>(), guest::on("echo", echo))

namespace {

int32_t call(std::string_view operation, std::string_view payload) {
  host.operation = operation;
  host.payload = payload;
  host.response.clear();
  host.error.clear();
  host.calls.clear();
  return trellis_guest_call(operation.size(), payload.size());
}

class Sdk : public ::testing::Test {
 protected:
  void SetUp() override {
    host = FakeHost();
    guest::detail::arena.reset();
  }
};

TEST_F(Sdk, DispatchesByOperation) {
  EXPECT_EQ(call("echo", "some bytes"), 1);
  EXPECT_EQ(host.response, "some bytes");
  EXPECT_EQ(call("", ""), 0);
  EXPECT_EQ(host.error, "No handler registered for function \"\"");
  EXPECT_EQ(call("ech", ""), 0);
  EXPECT_EQ(call("HealthRequest", ""), 1);
  EXPECT_EQ(host.response, "\xc0");
}

TEST_F(Sdk, ServesHttpThroughTheStore) {
  host.replies["Add"] = from_hex("81 a5 76616c7565 07");
  Writer request;
  request.map(2).field("path", "/a").field("ignored", true);
  EXPECT_EQ(call("HandleRequest", str(request.bytes())), 1);
  ASSERT_EQ(host.calls.size(), 1U);
  EXPECT_EQ(host.calls[0],
            "default|wascc:keyvalue|Add|" + from_hex("82 a3 6b6579 a2 2f61 a5 76616c7565 01"));
  guest::Bytes encoded(host.response);
  auto response = http::decode_response(encoded);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status_code, 201U);
  EXPECT_EQ(str(response->body), "7");
  EXPECT_EQ(str(response->headers.find("content-type")), "text/plain");

  host.replies.clear();
  EXPECT_EQ(call("HandleRequest", from_hex("80")), 0);
  EXPECT_EQ(host.error, "no Add");
  EXPECT_EQ(call("HandleRequest", ""), 0);
  EXPECT_EQ(host.error, "the payload is not a Request");
}

TEST_F(Sdk, ReadsRequestsOfAnyGeneration) {
  // By position, with the body as an array of integers.
  std::string positional = from_hex("95 a3 474554 a2 2f61 a1 71 81 a1 68 a1 76 92 68 cc ff");
  auto request = http::decode_request(guest::Bytes(positional));
  ASSERT_TRUE(request);
  EXPECT_EQ(str(request->method), "GET");
  EXPECT_EQ(str(request->query_string), "q");
  EXPECT_EQ(str(request->headers.find("h")), "v");
  EXPECT_EQ(str(request->body), "h\xff");
  // The old name of the query, and a byte behind the end.
  Writer old;
  old.map(1).field("query_string", "a=1").nil();
  auto again = http::decode_request(old.bytes());
  ASSERT_TRUE(again);
  EXPECT_EQ(str(again->query_string), "a=1");
}

TEST_F(Sdk, GivesEachHeaderNameOnce) {
  http::Response response;
  response.headers.add("a", "1").add("b", "2").add("a", "3");
  Reader reader(http::encode(response));
  static constexpr guest::Text kNames[] = {"header"};
  std::string seen;
  EXPECT_TRUE(guest::msgpack::read_struct(reader, kNames, [&](size_t) {
    uint32_t names = reader.map();
    for (uint32_t i = 0; i < names; ++i) {
      seen += str(reader.text());
      uint32_t values = reader.peek() == Kind::Array ? reader.array() : 1;
      for (uint32_t k = 0; k < values; ++k) {
        seen += str(reader.text());
      }
    }
  }));
  EXPECT_EQ(seen, "a13b2");
}

TEST_F(Sdk, ReadsBothSpellingsOfCounts) {
  host.replies["Push"] = from_hex("81 a8 6e6577436f756e74 03");
  host.replies["SetAdd"] = from_hex("81 a9 6e65775f636f756e74 04");
  host.replies["Range"] = from_hex("81 a6 76616c756573 92 a1 61 a1 62");
  host.replies["Get"] = "\xc1";
  guest::KeyValue store;
  EXPECT_EQ(*store.push("k", "v"), 3);
  EXPECT_EQ(*store.set_add("k", "v"), 4);
  auto range = store.range("k", 0, -1);
  ASSERT_TRUE(range);
  ASSERT_EQ(range->size, 2U);
  EXPECT_EQ(str((*range)[1]), "b");
  EXPECT_FALSE(store.get("k"));
  EXPECT_EQ(str(store.del("k").error().text), "no Del");
}

TEST_F(Sdk, ReadsTheThreeFormsOfExtras) {
  host.replies["RequestGuid"] = from_hex("a1 67");
  host.replies["RequestSequence"] = from_hex(
      "83 a4 67756964 c0 ae "
      "73657175656e63654e756d626572 09 ac "
      "72616e646f6d4e756d626572 01");
  host.replies["RequestRandom"] = from_hex("81 ad 72616e646f6d5f6e756d626572 cd 0100");
  guest::Extras extras;
  EXPECT_EQ(str(*extras.guid()), "g");
  EXPECT_EQ(*extras.sequence(), 9U);
  EXPECT_EQ(*extras.random(0, 300), 256U);
}

TEST_F(Sdk, BuildsText) {
  guest::Builder builder;
  builder.add(INT64_MIN).add(' ').add(UINT64_MAX).add(' ').add(0).add(' ').add(uint8_t{255});
  EXPECT_EQ(str(builder.text()), "-9223372036854775808 18446744073709551615 0 255");
}

TEST_F(Sdk, EscapesJson) {
  using namespace std::string_literals;
  std::string odd = "\"\\\n\x7f\0 \xc3\xa4 \xf0\x9f\x99\x82 \xff \xed\xa0\x80 \xc3"s;
  std::string replaced = "\xef\xbf\xbd";
  std::string expected = "\"\\\n\x7f\0 \xc3\xa4 \xf0\x9f\x99\x82 "s + replaced + " " + replaced +
                         replaced + replaced + " " + replaced;
  std::string escaped = str(guest::Builder().add_json(guest::Text(odd)).text());
  EXPECT_EQ(std::string(json::parse(escaped).as_string()), expected);
}

TEST_F(Sdk, ArenaKeepsWhatACallHasAndStartsOver) {
  std::string large(1 << 20, 'x');
  for (int round = 0; round < 50; ++round) {
    EXPECT_EQ(call("echo", large), 1);
    EXPECT_EQ(host.response, large);
  }
  guest::Builder builder;
  for (int i = 0; i < 100000; ++i) {
    builder.add(i % 10);
    if (i % 1000 == 0) {
      guest::allocate(10);  // the builder is not the last block and must move
    }
  }
  EXPECT_EQ(builder.text().size, 100000U);
  EXPECT_EQ(str(builder.text()).substr(99990), "0123456789");
}

// What one value of the vectors must read as; false: of a kind that is not compared.
bool same_value(const json::object& vector, guest::Bytes bytes) {
  Reader reader(bytes);
  if (auto* value = vector.if_contains("string")) {
    return str(reader.text()) == value->as_string() && reader.at_end();
  }
  if (auto* value = vector.if_contains("binary")) {
    return str(reader.binary()) == from_hex(value->as_string()) && reader.at_end();
  }
  if (auto* value = vector.if_contains("bool")) {
    return reader.boolean() == value->as_bool() && reader.at_end();
  }
  if (vector.contains("nil")) {
    return reader.peek() == Kind::Nil;
  }
  if (auto* value = vector.if_contains("number"); value != nullptr && value->is_int64()) {
    Kind kind = reader.peek();
    return kind == Kind::Float || (reader.integer() == value->as_int64() && reader.at_end());
  }
  return true;
}

TEST_F(Sdk, ReadsTheVectorsOfOthers) {
  const char* folder = std::getenv("TRELLIS_VECTORS");
  std::ifstream file(std::string(folder == nullptr ? "" : folder) + "/msgpack-test-suite.json");
  if (!file) {
    GTEST_SKIP() << "no msgpack-test-suite.json in TRELLIS_VECTORS";
  }
  std::stringstream content;
  content << file.rdbuf();
  json::value suite = json::parse(content.str());
  size_t checked = 0;
  for (const auto& group : suite.as_object()) {
    for (const json::value& entry : group.value().as_array()) {
      for (const json::value& form : entry.as_object().at("msgpack").as_array()) {
        std::string bytes = from_hex(form.as_string());
        SCOPED_TRACE(std::string(form.as_string()));
        Reader whole{guest::Bytes(bytes)};
        whole.skip();
        EXPECT_TRUE(whole.ok() && whole.at_end());
        EXPECT_TRUE(same_value(entry.as_object(), guest::Bytes(bytes)));
        for (size_t size = 0; size < bytes.size(); ++size) {
          std::string cut = bytes.substr(0, size);
          Reader reader{guest::Bytes(cut)};
          reader.skip();
          EXPECT_FALSE(reader.ok()) << size;
        }
        ++checked;
      }
    }
  }
  EXPECT_GT(checked, 200U);
}

TEST_F(Sdk, WritesTheShortestForm) {
  const std::pair<int64_t, const char*> numbers[] = {
      {0, "00"},
      {127, "7f"},
      {128, "cc80"},
      {256, "cd0100"},
      {65536, "ce00010000"},
      {int64_t{1} << 32, "cf0000000100000000"},
      {-1, "ff"},
      {-32, "e0"},
      {-33, "d0df"},
      {-129, "d1ff7f"},
      {-32769, "d2ffff7fff"},
      {INT64_MIN, "d38000000000000000"},
  };
  for (const auto& [number, hex] : numbers) {
    EXPECT_EQ(str(Writer().integer(number).bytes()), from_hex(hex)) << number;
  }
  for (size_t size : std::initializer_list<size_t>{0, 31, 32, 255, 256, 65535, 65536}) {
    std::string text(size, 'x');
    Writer writer;
    writer.text(guest::Text(text)).binary(guest::Bytes(text)).array(static_cast<uint32_t>(size));
    Reader reader(writer.bytes());
    EXPECT_EQ(str(reader.text()), text);
    EXPECT_EQ(str(reader.binary()), text);
    size_t header = size < 32 ? 1 : size < 256 ? 2 : size < 65536 ? 3 : 5;
    EXPECT_EQ(str(Writer().text(guest::Text(text)).bytes()).size(), header + size);
  }
}

TEST_F(Sdk, SurvivesAnyBytes) {
  std::mt19937 random(7);
  size_t accepted = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string bytes(random() % 40, '\0');
    for (char& c : bytes) {
      c = static_cast<char>(random());
    }
    if (!bytes.empty() && round % 2 == 0) {
      bytes[0] = static_cast<char>(0x80 + random() % 32);
    }
    guest::detail::arena.reset();
    guest::Bytes view(bytes);
    accepted += http::decode_request(view) ? 1 : 0;
    accepted += http::decode_response(view) ? 1 : 0;
    Reader reader(view);
    reader.binary();
    // A lying array of four billion must not be believed.
    EXPECT_LE(Reader(view).array(), bytes.size());
  }
  EXPECT_GT(accepted, 0U);
  EXPECT_LT(accepted, 20000U);
}

}  // namespace
