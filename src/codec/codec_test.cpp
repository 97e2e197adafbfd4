#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

#include "trellis/base/file.h"
#include "trellis/codec/base32.h"
#include "trellis/codec/base64url.h"
#include "trellis/codec/json.h"
#include "trellis/codec/leb128.h"
#include "trellis/codec/yaml.h"

namespace trellis::codec {
namespace {

TEST(Base64Url, RoundTripAndRfcExamples) {
  const std::pair<const char*, const char*> cases[] = {
      {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
      {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff", "-_8"}};
  for (const auto& [plain, encoded] : cases) {
    EXPECT_EQ(base64url_encode(as_bytes(plain)), encoded);
    EXPECT_EQ(base64url_decode(encoded), to_bytes(std::string_view(plain)));
  }
}

TEST(Base64Url, OnlyTheCanonicalSpelling) {
  for (const char* text : {"Zg==", "Zg=", "Zh", "Zm9", "Z", "Zm9vY", "Zm 8", "Zm8\n", " Zm8", "+_8",
                           "/_8", "Zm8.", "\xc3\xa4"})
    EXPECT_EQ(base64url_decode(text), std::nullopt) << text;
  EXPECT_EQ(base64url_decode(std::string_view("Zm8\0", 4)), std::nullopt);
}

TEST(Base32, RoundTripAndRfcExamples) {
  const std::pair<const char*, const char*> cases[] = {{"", ""},
                                                       {"f", "MY"},
                                                       {"fo", "MZXQ"},
                                                       {"foo", "MZXW6"},
                                                       {"foob", "MZXW6YQ"},
                                                       {"fooba", "MZXW6YTB"},
                                                       {"foobar", "MZXW6YTBOI"}};
  for (const auto& [plain, encoded] : cases) {
    EXPECT_EQ(base32_encode(as_bytes(plain)), encoded);
    EXPECT_EQ(base32_decode(encoded), to_bytes(std::string_view(plain)));
  }
  for (const char* text : {"M", "MZX", "MZXW6Y", "my", "MZ", "MY======", "MZXQ ", "M1", "M8"})
    EXPECT_EQ(base32_decode(text), std::nullopt) << text;
}

Bytes hex(std::string_view text) {
  return from_hex(text).value();
}

TEST(Leb128, Unsigned) {
  EXPECT_EQ(read_leb_u32(hex("e58e26"))->value, 624485U);
  EXPECT_EQ(read_leb_u32(hex("ffffffff0f"))->value, 0xFFFFFFFFU);
  EXPECT_EQ(read_leb_u32(hex("8080808000"))->length, 5U);
  EXPECT_FALSE(read_leb_u32(hex("ffffffff1f")));
  EXPECT_FALSE(read_leb_u32(hex("808080808000")));
  EXPECT_FALSE(read_leb_u32(hex("80")));
  EXPECT_FALSE(read_leb_u32({}));
  EXPECT_EQ(read_leb_u64(hex("ffffffffffffffffff01"))->value, ~std::uint64_t{0});
  EXPECT_FALSE(read_leb_u64(hex("ffffffffffffffffff02")));
  for (const std::uint64_t value :
       {0ULL, 127ULL, 128ULL, 16383ULL, 16384ULL, 0xFFFFFFFFULL, ~0ULL}) {
    Bytes out;
    append_leb(out, value);
    EXPECT_EQ(out.size(), leb_length(value));
    EXPECT_EQ(read_leb_u64(out)->value, value);
  }
}

TEST(Leb128, Signed) {
  EXPECT_EQ(read_leb_signed<32>(hex("c0bb78"))->value, -123456);
  EXPECT_EQ(read_leb_signed<32>(hex("7f"))->value, -1);
  EXPECT_EQ(read_leb_signed<32>(hex("8080808078"))->value, -2147483648LL);
  EXPECT_EQ(read_leb_signed<32>(hex("ffffffff07"))->value, 2147483647LL);
  EXPECT_FALSE(read_leb_signed<32>(hex("8080808070")));
  EXPECT_FALSE(read_leb_signed<32>(hex("ffffffff0f")));
  EXPECT_FALSE(read_leb_signed<32>(hex("808080808000")));
  EXPECT_EQ(read_leb_signed<33>(hex("ffffffff0f"))->value, 4294967295LL);
  EXPECT_EQ(read_leb_signed<64>(hex("8080808080808080807f"))->value,
            std::numeric_limits<std::int64_t>::min());
  EXPECT_FALSE(read_leb_signed<64>(hex("8080808080808080807e")));
}

TEST(Json, TestSuite) {
  const char* folder = std::getenv("TRELLIS_VECTORS");
  const Result<Bytes> file =
      folder == nullptr ? fail(Reason::FileUnreadable, "no folder")
                        : read_file(std::string(folder) + "/jsontestsuite_parsing.json", 8U << 20U);
  if (!file) GTEST_SKIP() << "TRELLIS_VECTORS has no jsontestsuite_parsing.json";
  const json::Value suite = json::parse(as_text(*file), {8U << 20U, 8}).value();
  // Two texts of the suite repeat a key, which RFC 8259 tolerates and this parser refuses.
  const std::string_view repeated[] = {"y_object_duplicated_key.json",
                                       "y_object_duplicated_key_and_value.json"};
  int accepted = 0;
  int refused = 0;
  for (const auto& test : suite.get_object()) {
    const std::string_view name(test.key().data(), test.key().size());
    // The folder holds ordinary base64; its alphabet differs in two characters and the padding.
    std::string text(json::text_of(test.value().get_string()));
    for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
    text.resize(text.find_last_not_of('=') + 1);
    const Bytes input = base64url_decode(text).value();
    const Result<json::Value> value = json::parse(as_text(input));
    const bool twice = name == repeated[0] || name == repeated[1];
    if (name.starts_with("y_") && !twice) {
      EXPECT_TRUE(value) << name;
      if (value) {
        const Result<json::Value> again = json::parse(json::to_text(*value));
        EXPECT_TRUE(again && *again == *value) << name;
        const Result<json::Value> pretty = json::parse(json::to_pretty_text(*value));
        EXPECT_TRUE(pretty && *pretty == *value) << name;
      }
      ++accepted;
    }
    if (name.starts_with("n_") || twice) {
      EXPECT_FALSE(value) << name;
      ++refused;
    }
  }
  EXPECT_EQ(accepted, 93);
  EXPECT_EQ(refused, 190);
}

TEST(Json, RefusesRepeatedKeysAtAnyDepth) {
  for (const char* text : {R"({"a":1,"a":2})", R"({"a":1,"\u0061":1})", R"([{"b":{"c":1,"c":1}}])",
                           R"({"a":{"x":1,"y":2},"a":{"x":1,"y":2}})", R"({"a":{"x":1},"a":1})"}) {
    const Result<json::Value> value = json::parse(text);
    ASSERT_FALSE(value) << text;
    EXPECT_EQ(value.error().reason(), Reason::JsonMalformed);
  }
  EXPECT_TRUE(json::parse(R"({"a":1,"a":2})", {.allow_repeated_keys = true}));
  EXPECT_TRUE(json::parse(R"({"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]})"));
}

TEST(Json, BoundsDepthAndSize) {
  const auto nested = [](std::size_t n) { return std::string(n, '[') + std::string(n, ']'); };
  EXPECT_TRUE(json::parse(nested(32)));
  EXPECT_FALSE(json::parse(nested(33)));
  EXPECT_TRUE(json::parse("[1]", {3, 1}));
  EXPECT_FALSE(json::parse("[10]", {3, 1}));
  EXPECT_FALSE(json::parse("[[1]]", {10, 1}));
  EXPECT_FALSE(json::parse(""));
  EXPECT_FALSE(json::parse("\xef\xbb\xbf{}"));
}

TEST(Json, TextHasNoControlBytes) {
  const std::string hostile = "a\x1b[31m\x7f\xc2\x9b\xe2\x80\xae\xe2\x81\xa6\n\"\\\xff";
  const std::string text = json::quote(hostile);
  EXPECT_EQ(text, "\"a\\u001b[31m\\u007f\\u009b\\u202e\\u2066\\n\\\"\\\\\xef\xbf\xbd\"");
  EXPECT_TRUE(json::parse(text));
  EXPECT_EQ(json::to_text(json::parse(R"({"x":[1,-2,1.5,true,null,"ä"],"y":{}})").value()),
            R"({"x":[1,-2,1.5,true,null,"ä"],"y":{}})");
  EXPECT_EQ(json::to_pretty_text(json::parse(R"({"x":[1,{}],"y":[]})").value()),
            "{\n  \"x\": [\n    1,\n    {}\n  ],\n  \"y\": []\n}");
  EXPECT_EQ(json::to_text(json::parse("1e3").value()), "1000.0");
  EXPECT_EQ(json::integer(json::parse("18446744073709551616").value()), std::nullopt);
  EXPECT_EQ(json::parse("18446744073181844616.7").value().get_double(), 18446744073181844616.7);
  EXPECT_EQ(json::to_text(json::parse("0.1").value()), "0.1");
  EXPECT_EQ(json::integer(json::parse("1.0").value()), std::nullopt);
  EXPECT_EQ(json::integer(json::parse("-7").value()), -7);
}

TEST(Yaml, TreeWithPlaces) {
  const auto root =
      yaml::parse("a: 1\nlist:\n  - x\n  - \"2\"\n  - ~\n  -\nmap: { k: 'v', n: null }\n");
  ASSERT_TRUE(root) << root.error().message;
  ASSERT_TRUE(root->is_map());
  ASSERT_EQ(root->members.size(), 3U);
  EXPECT_EQ(root->members[1].key, "list");
  EXPECT_EQ(root->members[1].line, 2U);
  EXPECT_EQ(root->members[1].column, 1U);
  EXPECT_EQ(yaml::integer(*root->find("a")), 1);
  const yaml::Node& list = *root->find("list");
  ASSERT_EQ(list.items.size(), 4U);
  EXPECT_EQ(list.items[1].line, 4U);
  EXPECT_EQ(list.items[1].column, 5U);
  EXPECT_TRUE(list.items[1].quoted);
  EXPECT_EQ(yaml::integer(list.items[1]), std::nullopt);
  EXPECT_TRUE(list.items[2].is_null());
  EXPECT_TRUE(list.items[3].is_null());
  EXPECT_EQ(root->find("map")->find("k")->text, "v");
  EXPECT_TRUE(root->find("map")->find("n")->is_null());
  EXPECT_EQ(root->find("absent"), nullptr);
}

TEST(Yaml, Scalars) {
  const auto root =
      yaml::parse("[true, FALSE, yes, 'true', 010, -5, 1.5, 99999999999999999999, '']");
  ASSERT_TRUE(root);
  EXPECT_EQ(yaml::boolean(root->items[0]), true);
  EXPECT_EQ(yaml::boolean(root->items[1]), false);
  EXPECT_EQ(yaml::boolean(root->items[2]), std::nullopt);
  EXPECT_EQ(yaml::boolean(root->items[3]), std::nullopt);
  EXPECT_EQ(yaml::integer(root->items[4]), 10);
  EXPECT_EQ(yaml::integer(root->items[5]), -5);
  EXPECT_EQ(yaml::integer(root->items[6]), std::nullopt);
  EXPECT_EQ(yaml::integer(root->items[7]), std::nullopt);
  EXPECT_TRUE(root->items[8].is_scalar());
  EXPECT_TRUE(root->items[8].quoted);
  const auto block = yaml::parse("text: |\n  one\n  two\n");
  ASSERT_TRUE(block);
  EXPECT_EQ(block->find("text")->text, "one\ntwo\n");
  EXPECT_TRUE(block->find("text")->quoted);
  EXPECT_TRUE(yaml::parse("")->is_null());
  EXPECT_TRUE(yaml::parse("# only a comment\n")->is_null());
}

TEST(Yaml, Refusals) {
  const std::pair<std::string, std::uint32_t> cases[] = {
      {"a: 1\nb: 2\na: 3\n", 3},
      {"a: &x 1\nb: 2\n", 1},
      {"a: 1\nb: *x\n", 2},
      {"a: 1\nb: !!int 2\n", 2},
      {"? [1]\n: 2\n", 1},
      {"? {a: 1}\n: 2\n", 1},
      {"a: [1, 2\n", 2},
      {"a: 1\n b: 2\n", 2},
      {"a: \"x\n", 2},
      {"'': 1\n", 1},
      {"a: 1\n---\nb: 2\n", 2},
      {"- a\nb: 1\n", 2},
      {"\xff\xfe", 1},
      {std::string(33, '[') + std::string(33, ']'), 1},
      {std::string(100'000, '['), 1},
      {"{a: 1, b: {c: 1, c: 2}}", 1},
  };
  for (const auto& [text, line] : cases) {
    const auto root = yaml::parse(text);
    ASSERT_FALSE(root) << text.substr(0, 40);
    EXPECT_EQ(root.error().line, line) << text.substr(0, 40) << ": " << root.error().message;
    EXPECT_FALSE(root.error().message.empty());
  }
  EXPECT_TRUE(yaml::parse(std::string(32, '[') + std::string(32, ']')));
  EXPECT_FALSE(yaml::parse(std::string(yaml::kMaxBytes + 1, ' ')));
  // Nine levels of nine aliases would be 387 million nodes.
  EXPECT_FALSE(yaml::parse("a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n"));
}

}  // namespace
}  // namespace trellis::codec
