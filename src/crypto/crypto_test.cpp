#include <cstdlib>
#include <set>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "trellis/base/file.h"
#include "trellis/codec/base32.h"
#include "trellis/codec/base64url.h"
#include "trellis/codec/json.h"
#include "trellis/crypto/ed25519.h"
#include "trellis/crypto/hash.h"
#include "trellis/crypto/jws.h"
#include "trellis/crypto/nkeys.h"

namespace trellis::crypto {
namespace {

namespace json = codec::json;

Bytes hex(std::string_view text) {
  return from_hex(text).value();
}

json::Value vectors(const std::string& name) {
  const char* folder = std::getenv("TRELLIS_VECTORS");
  if (folder == nullptr) return nullptr;
  const Result<Bytes> bytes = read_file(std::string(folder) + "/" + name, 8U << 20U);
  if (!bytes) return nullptr;
  return json::parse(as_text(*bytes), {8U << 20U, 32}).value();
}

std::string_view text_of(const json::Value& object, std::string_view key) {
  return json::find_text(object.get_object(), key).value();
}

TEST(Hash, Sha256Examples) {
  EXPECT_EQ(to_hex(sha256({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(sha256(as_bytes("abc"))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Sha256 parts;
  parts.update(as_bytes("a"));
  parts.update({});
  parts.update(as_bytes("bc"));
  EXPECT_EQ(parts.finish(), sha256(as_bytes("abc")));
}

TEST(Hash, HmacExamples) {
  // RFC 4231, cases 1, 2 and 6.
  EXPECT_EQ(to_hex(hmac_sha256(Bytes(20, std::byte{0x0B}), as_bytes("Hi There"))),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(to_hex(hmac_sha256(as_bytes("Jefe"), as_bytes("what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(to_hex(hmac_sha256(Bytes(131, std::byte{0xAA}),
                               as_bytes("Test Using Larger Than Block-Size Key - Hash Key First"))),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Hash, RandomAndCompare) {
  std::set<Bytes> seen;
  for (int i = 0; i < 100; ++i) {
    Bytes bytes(16);
    random_bytes(bytes);
    seen.insert(bytes);
  }
  EXPECT_EQ(seen.size(), 100U);
  EXPECT_TRUE(constant_time_equal(as_bytes("abc"), as_bytes("abc")));
  EXPECT_FALSE(constant_time_equal(as_bytes("abc"), as_bytes("abd")));
  EXPECT_FALSE(constant_time_equal(as_bytes("abc"), as_bytes("ab")));
  EXPECT_TRUE(constant_time_equal({}, {}));
}

TEST(Ed25519, Wycheproof) {
  const json::Value suite = vectors("wycheproof_ed25519.json");
  if (!suite.is_object()) GTEST_SKIP() << "TRELLIS_VECTORS has no wycheproof_ed25519.json";
  int cases = 0;
  for (const json::Value& group : suite.at("testGroups").get_array()) {
    const Bytes key = hex(text_of(group.at("publicKey"), "pk"));
    for (const json::Value& test : group.at("tests").get_array()) {
      const bool valid = verify(key, hex(text_of(test, "msg")), hex(text_of(test, "sig")));
      EXPECT_EQ(valid, text_of(test, "result") == "valid") << json::to_text(test);
      ++cases;
    }
  }
  EXPECT_EQ(cases, 151);
}

TEST(Ed25519, CctvStrictRules) {
  const json::Value suite = vectors("cctv_ed25519.json");
  if (!suite.is_array()) GTEST_SKIP() << "TRELLIS_VECTORS has no cctv_ed25519.json";
  const std::set<std::string_view> dangerous = {"low_order_A", "low_order_R", "non_canonical_A",
                                                "non_canonical_R"};
  int flagged = 0;
  for (const json::Value& test : suite.get_array()) {
    const json::Value& flags = test.at("flags");
    if (!flags.is_array()) continue;
    bool strict = false;
    for (const json::Value& flag : flags.get_array())
      strict = strict || dangerous.contains(json::text_of(flag.get_string()));
    if (!strict) continue;
    EXPECT_FALSE(verify(hex(text_of(test, "key")), as_bytes(text_of(test, "msg")),
                        hex(text_of(test, "sig"))))
        << json::to_text(test);
    ++flagged;
  }
  EXPECT_EQ(flagged, 808);
}

TEST(Ed25519, SecretsMoveAndSign) {
  SecretKey key = SecretKey::generate();
  const Signature signature = key.sign(as_bytes("message"));
  EXPECT_TRUE(verify(key.public_key(), as_bytes("message"), signature));
  EXPECT_FALSE(verify(key.public_key(), as_bytes("massage"), signature));
  EXPECT_FALSE(verify(key.public_key(), as_bytes("message"), ByteView(signature).first(63)));
  EXPECT_FALSE(verify(ByteView(key.public_key()).first(31), as_bytes("message"), signature));
  const SecretKey moved = std::move(key);
  EXPECT_EQ(moved.sign(as_bytes("message")), signature);
  EXPECT_EQ(to_hex(key.seed()), std::string(64, '0'));  // NOLINT(bugprone-use-after-move): wiped
}

/// The raw seed 00 01 .. 1f of the worked example.
Bytes example_seed() {
  Bytes seed;
  for (int i = 0; i < 32; ++i) seed.push_back(static_cast<std::byte>(i));
  return seed;
}

TEST(Nkeys, WorkedExample) {
  const Bytes seed = example_seed();
  const KeyPair key(KeyKind::Module, SecretKey::from_seed(ByteView(seed).first<kSeedBytes>()));
  EXPECT_EQ(key.seed_text(), "SMAAAAICAMCAKBQHBAEQUCYMBUHA6EARCIJRIFIWC4MBSGQ3DQOR4H2CRY");
  EXPECT_EQ(key.public_text(), "MAB2CB576PHBBPQ5ODORRZ2LYCMWPZGWGCN2KDK7DXOIMZASKUY3RLXP");
  EXPECT_EQ(to_hex(key.secret().public_key()),
            "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8");
  EXPECT_EQ(to_hex(key.secret().sign(as_bytes("hello"))),
            "e1a7fca94a835127885b99e2eba733d6ee5bf5dc463ed8385eb6f1dcaa1117c0"
            "f151750a10f46f5b3796a91203578f702c85c67c334b5689a516284d499f710f");
  EXPECT_EQ(crc16_xmodem(as_bytes("123456789")), 0x31C3);
}

TEST(Nkeys, PublishedPairs) {
  const std::pair<const char*, const char*> pairs[] = {
      {"SAAPN4W3EG6KCJGUQTKTJ5GSB5NHK5CHAJL4DBGFUM3HHROI4XUEP4OBK4",
       "ACODERUVFFAWZQDSS6SBIACUA5O6SXF7HJ3YTYXBALHZP3P7R4BUO4J2"},
      {"SUAKYRHVIOREXV7EUZTBHUHL7NUMHPMAS7QMDU3GTIUWEI5LDNOXD43IZY",
       "UD466L6EBCM3YY5HEGHJANNTN4LSKTSUXTH7RILHCKEQMQHTBNLHJJXT"}};
  for (const auto& [seed, expected] : pairs) {
    const Result<KeyPair> key = KeyPair::from_seed_text(seed);
    ASSERT_TRUE(key) << key.error().message();
    EXPECT_EQ(key->public_text(), expected);
    EXPECT_EQ(key->seed_text(), seed);
  }
}

TEST(Nkeys, Vectors) {
  const json::Value suite = vectors("nkeys.json");
  if (!suite.is_object()) GTEST_SKIP() << "TRELLIS_VECTORS has no nkeys.json";
  int good = 0;
  for (const json::Value& text : suite.at("good_public").get_array()) {
    const Result<PublicNkey> key = decode_public(json::text_of(text.get_string()));
    ASSERT_TRUE(key) << json::to_text(text);
    EXPECT_EQ(encode_public(*key), json::text_of(text.get_string()));
    ++good;
  }
  EXPECT_EQ(good, 4);
  int bad = 0;
  for (const json::Value& row : suite.at("bad").get_array()) {
    EXPECT_FALSE(decode_public(text_of(row, "text"))) << json::to_text(row);
    EXPECT_FALSE(KeyPair::from_seed_text(text_of(row, "text"))) << json::to_text(row);
    ++bad;
  }
  EXPECT_EQ(bad, 8);
}

TEST(Nkeys, EveryKindRoundTripsAndHasItsLetter) {
  const std::pair<KeyKind, char> kinds[] = {{KeyKind::Operator, 'O'}, {KeyKind::Account, 'A'},
                                            {KeyKind::Module, 'M'},   {KeyKind::User, 'U'},
                                            {KeyKind::Server, 'N'},   {KeyKind::Service, 'V'},
                                            {KeyKind::Cluster, 'C'}};
  for (const auto& [kind, letter] : kinds) {
    const KeyPair key = KeyPair::generate(kind);
    const std::string text = key.public_text();
    EXPECT_EQ(text.size(), 56U);
    EXPECT_EQ(text.front(), letter);
    EXPECT_EQ(key_kind_letter(kind), letter);
    EXPECT_EQ(decode_public(text).value(), key.public_key());
    const std::string seed = key.seed_text();
    EXPECT_EQ(seed.size(), 58U);
    EXPECT_EQ(seed.substr(0, 2), std::string("S") + letter);
    EXPECT_EQ(KeyPair::from_seed_text(seed).value().public_text(), text);
    EXPECT_EQ(parse_key_kind(key_kind_text(kind)), kind);
    EXPECT_FALSE(decode_public(seed));
    EXPECT_FALSE(KeyPair::from_seed_text(text));
  }
  EXPECT_EQ(parse_key_kind("Account"), std::nullopt);
  EXPECT_EQ(parse_key_kind(""), std::nullopt);
}

TEST(Nkeys, EveryChangedCharacterIsRefused) {
  const std::string text = "MAB2CB576PHBBPQ5ODORRZ2LYCMWPZGWGCN2KDK7DXOIMZASKUY3RLXP";
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(decode_public(changed)) << i;
  }
}

/// A token with any header, signed correctly.
std::string token_with_header(std::string_view header, const SecretKey& key,
                              std::string_view payload = "{}") {
  std::string token =
      codec::base64url_encode(as_bytes(header)) + "." + codec::base64url_encode(as_bytes(payload));
  const Signature signature = key.sign(as_bytes(token));
  return token + "." + codec::base64url_encode(signature);
}

TEST(Jws, MakesWhatItReads) {
  const SecretKey key = SecretKey::generate();
  const std::string token = make_jws(R"({"iss":"x"})", key);
  EXPECT_TRUE(token.starts_with("eyJ0eXAiOiJqd3QiLCJhbGciOiJFZDI1NTE5In0."));
  const Result<Jws> parsed = parse_jws(token);
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_TRUE(verify_jws(*parsed, key.public_key()));
  EXPECT_FALSE(verify_jws(*parsed, SecretKey::generate().public_key()));
  EXPECT_EQ(json::find_text(parsed->payload, "iss"), "x");
}

TEST(Jws, HeadersThatAreRefused) {
  const SecretKey key = SecretKey::generate();
  EXPECT_TRUE(parse_jws(token_with_header(R"({"alg":"Ed25519","typ":"jwt"})", key)));
  for (const char* header :
       {R"({"typ":"jwt","alg":"none"})", R"({"typ":"jwt","alg":"ed25519"})",
        R"({"typ":"jwt","alg":"EdDSA"})", R"({"typ":"jwt","alg":"HS256"})",
        R"({"typ":"JWT","alg":"Ed25519"})", R"({"alg":"Ed25519"})", R"({"typ":"jwt"})",
        R"({"typ":"jwt","alg":"Ed25519","crit":["x"]})",
        R"({"typ":"jwt","alg":"Ed25519","crit":[]})", R"({"typ":"jwt","alg":"Ed25519","jwk":{}})",
        R"({"typ":"jwt","alg":"Ed25519","b64":false})", R"({"typ":"jwt","alg":["Ed25519"]})",
        R"({"typ":"jwt","alg":"Ed25519","alg":"Ed25519"})",
        R"({"typ":"jwt","alg":"none","alg":"Ed25519"})", R"(["jwt","Ed25519"])", "", "{",
        "\xef\xbb\xbf{\"typ\":\"jwt\",\"alg\":\"Ed25519\"}"}) {
    const Result<Jws> parsed = parse_jws(token_with_header(header, key));
    ASSERT_FALSE(parsed) << header;
    EXPECT_EQ(parsed.error().reason(), Reason::ClaimsMalformed);
  }
}

TEST(Jws, FormsThatAreRefused) {
  const SecretKey key = SecretKey::generate();
  const std::string good = make_jws("{}", key);
  const std::size_t last = good.rfind('.');
  const std::string cases[] = {
      "",
      ".",
      "..",
      good + ".",
      good + "=",
      good + "\n",
      " " + good,
      good.substr(0, last),
      good.substr(0, last + 1),
      good.substr(0, good.size() - 1),
      good + "AA",
      "." + good,
      token_with_header(R"({"typ":"jwt","alg":"Ed25519"})", key, "[]"),
      token_with_header(R"({"typ":"jwt","alg":"Ed25519"})", key, "{} {}"),
      token_with_header(R"({"typ":"jwt","alg":"Ed25519"})", key, R"({"a":1,"a":1})"),
      token_with_header(R"({"typ":"jwt","alg":"Ed25519"})", key,
                        R"({"a":)" + std::string(20, '[') + std::string(20, ']') + "}"),
      token_with_header(R"({"typ":"jwt","alg":"Ed25519"})", key, R"({"a":NaN})"),
      token_with_header(R"({"typ":"jwt","alg":"Ed25519"})", key,
                        R"({"a":")" + std::string(kMaxTokenBytes, 'x') + R"("})"),
  };
  for (const std::string& token : cases) {
    const Result<Jws> parsed = parse_jws(token);
    ASSERT_FALSE(parsed) << token.substr(0, 100);
    EXPECT_EQ(parsed.error().reason(), Reason::ClaimsMalformed);
  }
}

TEST(Jws, WycheproofAllRefused) {
  const json::Value suite = vectors("wycheproof_json_web_signature.json");
  if (!suite.is_object()) GTEST_SKIP() << "TRELLIS_VECTORS has no wycheproof_json_web_signature";
  int cases = 0;
  for (const json::Value& group : suite.at("testGroups").get_array()) {
    for (const json::Value& test : group.at("tests").get_array()) {
      const json::Value* jws = json::find(test.get_object(), "jws");
      const std::string text =
          jws->is_string() ? std::string(json::text_of(jws->get_string())) : json::to_text(*jws);
      // Every case is for another algorithm: none may even parse.
      EXPECT_FALSE(parse_jws(text)) << text;
      ++cases;
    }
  }
  EXPECT_EQ(cases, 401);
}

}  // namespace
}  // namespace trellis::crypto
