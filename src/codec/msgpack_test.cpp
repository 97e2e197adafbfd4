#include "trellis/codec/msgpack.h"

#include <array>
#include <cstdlib>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "trellis/base/file.h"
#include "trellis/codec/json.h"

namespace trellis::codec::msgpack {
namespace {

Bytes hex(std::string_view text) {
  std::string plain;
  for (const char c : text)
    if (c != '-' && c != ' ') plain.push_back(c);
  return from_hex(plain).value();
}

json::Value load_vectors(const std::string& name) {
  const char* folder = std::getenv("TRELLIS_VECTORS");
  if (folder == nullptr) return nullptr;
  const Result<Bytes> bytes = read_file(std::string(folder) + "/" + name, 8U << 20U);
  if (!bytes) return nullptr;
  return json::parse(as_text(*bytes), {8U << 20U, 32}).value();
}

/// Compares the next value of `reader` with JSON (null, bool, number, string, array, object).
bool matches(Reader& reader, const json::Value& expected) {
  const std::optional<Token> token = reader.next();
  if (!token) return false;
  switch (token->kind) {
    case Kind::Nil: return expected.is_null();
    case Kind::Boolean: return expected.is_bool() && expected.get_bool() == token->boolean;
    case Kind::Unsigned:
      return expected.is_number() &&
             expected.to_number<double>() == static_cast<double>(token->number);
    case Kind::Negative:
      return expected.is_number() &&
             expected.to_number<double>() == static_cast<double>(token->negative());
    case Kind::Float: return expected.is_number() && expected.to_number<double>() == token->real;
    case Kind::Text:
      return expected.is_string() && json::text_of(expected.get_string()) == token->text();
    case Kind::Array: {
      if (!expected.is_array() || expected.get_array().size() != token->count) return false;
      for (const json::Value& item : expected.get_array())
        if (!matches(reader, item)) return false;
      return true;
    }
    case Kind::Map: {
      if (!expected.is_object() || expected.get_object().size() != token->count) return false;
      for (std::uint32_t i = 0; i < token->count; ++i) {
        const std::optional<Token> key = reader.next();
        if (!key || key->kind != Kind::Text) return false;
        const json::Value* value = json::find(expected.get_object(), key->text());
        if (value == nullptr || !matches(reader, *value)) return false;
      }
      return true;
    }
    case Kind::Binary:
    case Kind::Extension: return false;
  }
  return false;
}

/// Checks one encoding of a case whose value is under the key that names its type.
bool decodes_to(ByteView encoded, const json::Object& test) {
  Reader reader(encoded);
  if (const auto binary = json::find_text(test, "binary")) {
    const std::optional<Token> token = reader.next();
    return token && token->kind == Kind::Binary && equal(token->bytes, hex(*binary)) &&
           reader.at_end();
  }
  if (const auto big = json::find_text(test, "bignum")) {
    const std::optional<Token> token = reader.next();
    if (!token) return false;
    if (token->kind == Kind::Float)
      return token->real == std::strtod(std::string(*big).c_str(), nullptr);
    const std::string text = token->kind == Kind::Negative ? std::to_string(token->negative())
                                                           : std::to_string(token->number);
    return text == *big && reader.at_end();
  }
  const json::Value* extension = json::find(test, "ext");
  if (extension == nullptr) extension = json::find(test, "timestamp");
  if (extension != nullptr) {
    const std::optional<Token> token = reader.next();
    if (!token || token->kind != Kind::Extension || !reader.at_end()) return false;
    if (json::find(test, "ext") == nullptr) return token->extension_type == -1;
    const json::Array& pair = extension->get_array();
    return token->extension_type == pair[0].to_number<int>() &&
           equal(token->bytes, hex(json::text_of(pair[1].get_string())));
  }
  for (const char* name : {"nil", "bool", "number", "string", "array", "map"})
    if (const json::Value* value = json::find(test, name))
      return matches(reader, *value) && reader.at_end();
  return false;
}

TEST(MsgpackSuite, EveryEncodingDecodes) {
  const json::Value vectors = load_vectors("msgpack-test-suite.json");
  if (!vectors.is_object()) GTEST_SKIP() << "TRELLIS_VECTORS has no msgpack-test-suite.json";
  int encodings = 0;
  for (const auto& file : vectors.get_object()) {
    for (const json::Value& test : file.value().get_array()) {
      const json::Object& object = test.get_object();
      for (const json::Value& encoding : json::find(object, "msgpack")->get_array()) {
        const std::string_view text = json::text_of(encoding.get_string());
        EXPECT_TRUE(decodes_to(hex(text), object)) << json::to_text(test) << " from " << text;
        Reader skipper(hex(text));
        ++encodings;
      }
    }
  }
  EXPECT_EQ(encodings, 233);
}

TEST(MsgpackSuite, EveryTruncationIsRefused) {
  const json::Value vectors = load_vectors("msgpack-test-suite.json");
  if (!vectors.is_object()) GTEST_SKIP() << "TRELLIS_VECTORS has no msgpack-test-suite.json";
  for (const auto& file : vectors.get_object()) {
    for (const json::Value& test : file.value().get_array()) {
      for (const json::Value& encoding : json::find(test.get_object(), "msgpack")->get_array()) {
        const Bytes whole = hex(json::text_of(encoding.get_string()));
        Reader complete(whole);
        EXPECT_TRUE(complete.skip());
        EXPECT_TRUE(complete.at_end());
        for (std::size_t length = 0; length < whole.size(); ++length) {
          Reader cut(ByteView(whole).first(length));
          EXPECT_FALSE(cut.skip());
          EXPECT_EQ(cut.fault(), Fault::Truncated);
        }
      }
    }
  }
}

template <class Write>
std::string written(Write write) {
  Bytes out;
  Writer writer(out);
  write(writer);
  return to_hex(out);
}

TEST(MsgpackWriter, IntegersAreShortest) {
  const auto unsigned_hex = [](std::uint64_t v) {
    return written([v](Writer& w) { w.unsigned_integer(v); });
  };
  const auto signed_hex = [](std::int64_t v) { return written([v](Writer& w) { w.integer(v); }); };
  EXPECT_EQ(unsigned_hex(0), "00");
  EXPECT_EQ(unsigned_hex(127), "7f");
  EXPECT_EQ(unsigned_hex(128), "cc80");
  EXPECT_EQ(unsigned_hex(255), "ccff");
  EXPECT_EQ(unsigned_hex(256), "cd0100");
  EXPECT_EQ(unsigned_hex(65535), "cdffff");
  EXPECT_EQ(unsigned_hex(65536), "ce00010000");
  EXPECT_EQ(unsigned_hex(0xFFFFFFFF), "ceffffffff");
  EXPECT_EQ(unsigned_hex(0x100000000), "cf0000000100000000");
  EXPECT_EQ(signed_hex(5), "05");
  EXPECT_EQ(signed_hex(200), "ccc8");
  EXPECT_EQ(signed_hex(-1), "ff");
  EXPECT_EQ(signed_hex(-32), "e0");
  EXPECT_EQ(signed_hex(-33), "d0df");
  EXPECT_EQ(signed_hex(-128), "d080");
  EXPECT_EQ(signed_hex(-129), "d1ff7f");
  EXPECT_EQ(signed_hex(-32768), "d18000");
  EXPECT_EQ(signed_hex(-32769), "d2ffff7fff");
  EXPECT_EQ(signed_hex(std::numeric_limits<std::int32_t>::min()), "d280000000");
  EXPECT_EQ(signed_hex(std::int64_t{-2147483649}), "d3ffffffff7fffffff");
}

TEST(MsgpackWriter, LengthsAreShortest) {
  const auto text = [](std::size_t n) {
    return written([n](Writer& w) { w.text(std::string(n, 'a')); });
  };
  EXPECT_EQ(text(0), "a0");
  EXPECT_EQ(text(31).substr(0, 2), "bf");
  EXPECT_EQ(text(32).substr(0, 4), "d920");
  EXPECT_EQ(text(255).substr(0, 4), "d9ff");
  EXPECT_EQ(text(256).substr(0, 6), "da0100");
  EXPECT_EQ(text(65536).substr(0, 10), "db00010000");
  const auto binary = [](std::size_t n) { return written([n](Writer& w) { w.binary(Bytes(n)); }); };
  EXPECT_EQ(binary(0), "c400");
  EXPECT_EQ(binary(256).substr(0, 6), "c50100");
  EXPECT_EQ(binary(65536).substr(0, 10), "c600010000");
  EXPECT_EQ(written([](Writer& w) { w.array(15); }), "9f");
  EXPECT_EQ(written([](Writer& w) { w.array(16); }), "dc0010");
  EXPECT_EQ(written([](Writer& w) { w.array(65536); }), "dd00010000");
  EXPECT_EQ(written([](Writer& w) { w.map(15); }), "8f");
  EXPECT_EQ(written([](Writer& w) { w.map(16); }), "de0010");
  EXPECT_EQ(written([](Writer& w) { w.map(65536); }), "df00010000");
  EXPECT_EQ(written([](Writer& w) { w.float32(1.5F); }), "ca3fc00000");
  EXPECT_EQ(written([](Writer& w) { w.float64(1.5); }), "cb3ff8000000000000");
  EXPECT_EQ(written([](Writer& w) { w.extension(1, Bytes(3)); }), "c70301000000");
  EXPECT_EQ(written([](Writer& w) { w.extension(-1, Bytes(4)); }), "d6ff00000000");
}

TEST(MsgpackReader, CountsThatCannotBeAreRefused) {
  for (const char* text : {"ddffffffff", "dfffffffff", "dc0002c0", "81c0", "c6ffffffff00",
                           "dbffffffff", "c9ffffffff01", "d9", "c705", "92c0"}) {
    const Bytes input = hex(text);
    Reader reader(input);
    EXPECT_FALSE(reader.skip()) << text;
    EXPECT_EQ(reader.fault(), Fault::Truncated) << text;
  }
  const Bytes reserved = hex("c1");
  Reader reader(reserved);
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(reader.fault(), Fault::Reserved);
  EXPECT_FALSE(reader.next());
}

TEST(MsgpackReader, SkipBoundsTheDepth) {
  Bytes deep(kMaxDepth, std::byte{0x91});
  deep.push_back(std::byte{0xC0});
  Reader fits(deep);
  EXPECT_TRUE(fits.skip());
  deep.insert(deep.begin(), std::byte{0x91});
  Reader too_deep(deep);
  EXPECT_FALSE(too_deep.skip());
  EXPECT_EQ(too_deep.fault(), Fault::Depth);
  const Bytes wide = hex("93 90 80 92 c0 c0 07");
  Reader siblings(wide);
  EXPECT_TRUE(siblings.skip());
  EXPECT_EQ(to_hex(siblings.rest()), "07");
}

TEST(MsgpackReader, TypedReadsSayWhatIsWrong) {
  const Bytes input = hex("d1ff00");
  EXPECT_EQ(Reader(input).integer<std::int16_t>(), -256);
  Reader narrow(input);
  EXPECT_EQ(narrow.integer<std::int8_t>(), std::nullopt);
  EXPECT_EQ(narrow.fault(), Fault::Range);
  Reader unsigned_reader(input);
  EXPECT_EQ(unsigned_reader.unsigned_integer(), std::nullopt);
  EXPECT_EQ(unsigned_reader.fault(), Fault::Range);
  const Bytes big = hex("cfffffffffffffffff");
  Reader too_big(big);
  EXPECT_EQ(too_big.signed_integer(), std::nullopt);
  EXPECT_EQ(too_big.fault(), Fault::Range);
  const Bytes wide = hex("cf0000000000000005");
  EXPECT_EQ(Reader(wide).integer<std::uint8_t>(), 5);
  EXPECT_EQ(Reader(wide).real(), 5.0);
  const Bytes not_text = hex("a2ff00");
  Reader text(not_text);
  EXPECT_EQ(text.text(), std::nullopt);
  EXPECT_EQ(text.fault(), Fault::NotUtf8);
  EXPECT_NE(text.error("name").message().find("not UTF-8"), std::string::npos);
  const Bytes as_bin = hex("c403616263");
  EXPECT_EQ(Reader(as_bin).text(), "abc");
  const Bytes nil = hex("c0c3");
  Reader after_nil(nil);
  EXPECT_TRUE(after_nil.take_nil());
  EXPECT_FALSE(after_nil.take_nil());
  EXPECT_EQ(after_nil.boolean(), true);
}

TEST(MsgpackReader, BytesInEverySpelling) {
  Bytes scratch;
  for (const char* text :
       {"c403010280", "a3010280", "93 01 02 cc80", "93 cd0001 ce00000002 d10080"}) {
    const Bytes input = hex(text);
    Reader reader(input);
    const std::optional<ByteView> bytes = reader.bytes(scratch);
    ASSERT_TRUE(bytes) << text;
    EXPECT_EQ(to_hex(*bytes), "010280") << text;
    EXPECT_TRUE(reader.at_end());
  }
  for (const char* text : {"91cd0100", "91ff", "91c0", "c0", "05"}) {
    const Bytes input = hex(text);
    Reader reader(input);
    EXPECT_FALSE(reader.bytes(scratch)) << text;
    EXPECT_TRUE(reader.failed());
  }
}

struct Pair {
  std::string key;
  std::uint64_t value = 0;

  bool operator==(const Pair&) const = default;
};

std::optional<Pair> read_pair(ByteView input) {
  static constexpr std::array<FieldName, 3> kNames = {
      {{"theKey", 0}, {"the_key", 0}, {"value", 1}}};
  Reader reader(input);
  Pair pair;
  StructReader fields(reader, kNames);
  while (const std::optional<std::uint32_t> field = fields.next()) {
    if (*field == 0)
      pair.key = reader.text().value_or("");
    else
      pair.value = reader.unsigned_integer().value_or(0);
  }
  if (reader.failed()) return std::nullopt;
  return pair;
}

TEST(MsgpackStruct, MapsInAnyOrderAndArrays) {
  const Pair expected{"k", 7};
  EXPECT_EQ(read_pair(hex("82 a6 7468654b6579 a1 6b a5 76616c7565 07")), expected);
  EXPECT_EQ(read_pair(hex("82 a5 76616c7565 07 a7 7468655f6b6579 a1 6b")), expected);
  EXPECT_EQ(read_pair(hex("83 a1 78 92 c0 81 c0 c0 a5 76616c7565 07 a6 7468654b6579 c4016b")),
            expected);
  EXPECT_EQ(read_pair(hex("82 00 a16b 01 cd0007")), expected);
  EXPECT_EQ(read_pair(hex("92 a16b 07")), expected);
  EXPECT_EQ(read_pair(hex("93 a16b 07 81 c0 c0")), expected);
  EXPECT_EQ(read_pair(hex("91 a16b")), (Pair{"k", 0}));
  EXPECT_EQ(read_pair(hex("80")), Pair{});
  EXPECT_EQ(read_pair(hex("c0")), std::nullopt);
  EXPECT_EQ(read_pair(hex("")), std::nullopt);
  EXPECT_EQ(read_pair(hex("81 a6 7468654b6579")), std::nullopt);
  EXPECT_EQ(read_pair(hex("81 90 01")), std::nullopt);
  EXPECT_EQ(read_pair(hex("81 a6 7468654b6579 07")), std::nullopt);
}

}  // namespace
}  // namespace trellis::codec::msgpack
