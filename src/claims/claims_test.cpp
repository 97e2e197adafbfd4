#include "trellis/claims/claims.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "trellis/base/file.h"
#include "trellis/claims/key_file.h"
#include "trellis/claims/sign.h"
#include "trellis/claims/verify.h"
#include "trellis/codec/base64url.h"
#include "trellis/codec/leb128.h"
#include "trellis/codec/wasm.h"
#include "trellis/crypto/hash.h"
#include "trellis/crypto/jws.h"

namespace trellis::claims {
namespace {

using crypto::KeyKind;
using crypto::KeyPair;

constexpr UnixSeconds kNow = 1'800'000'000;

std::string custom(std::string_view name, std::string_view payload) {
  Bytes contents;
  codec::append_leb(contents, name.size());
  for (const char c : name) contents.push_back(static_cast<std::byte>(c));
  for (const char c : payload) contents.push_back(static_cast<std::byte>(c));
  Bytes out{std::byte{0}};
  codec::append_leb(out, contents.size());
  out.insert(out.end(), contents.begin(), contents.end());
  return std::string(as_text(out));
}

/// A module with one empty function and a custom section.
std::string plain_module() {
  return std::string("\0asm\1\0\0\0", 8) + std::string("\1\4\1\x60\0\0", 6) +
         std::string("\3\2\1\0", 4) + std::string("\x0a\4\1\2\0\x0b", 6) + custom("name", "x");
}

struct Fixture {
  KeyPair account = KeyPair::generate(KeyKind::Account);
  KeyPair module = KeyPair::generate(KeyKind::Module);
  TrustList trust;

  Fixture() { EXPECT_TRUE(trust.add(account.public_text())); }

  Bytes sign(SignOptions options = {}, std::string_view wasm = {}) const {
    const std::string plain = plain_module();
    options.issued_at = kNow;
    return claims::sign(as_bytes(wasm.empty() ? std::string_view(plain) : wasm), account,
                        module.public_key(), options)
        .value();
  }

  /// A module whose token has that payload, signed by the account.
  std::string with_payload(const std::string& payload) const {
    return plain_module() + custom("jwt", crypto::make_jws(payload, account.secret()));
  }

  std::string payload(const std::string& more = "", const std::string& block_more = "") const {
    return R"({"iss":")" + account.public_text() + R"(","sub":")" + module.public_text() + "\"" +
           more + R"(,"wascap":{"hash":")" + module_hash(as_bytes(plain_module()), {}) + "\"" +
           block_more + "}}";
  }

  Reason reason(const std::string& wasm) const {
    const Result<VerifiedModule> verified = verify(as_bytes(wasm), trust, kNow);
    return verified ? Reason::Internal : verified.error().reason();
  }
};

constexpr Reason kAccepted = Reason::Internal;  // what Fixture::reason() says of a good module

TEST(Claims, SignAndVerify) {
  const Fixture keys;
  SignOptions options;
  options.name = "Counter";
  options.version = "1.2.3";
  options.revision = -7;
  options.call_alias = "  My Counter-1.x ";
  options.capabilities = {"wascc:http_server", "wascc:keyvalue"};
  options.tags = {"a", "ä"};
  options.not_before = kNow;
  options.expires = kNow + 60;
  const Bytes signed_module = keys.sign(options);
  const Result<VerifiedModule> verified = verify(signed_module, keys.trust, kNow);
  ASSERT_TRUE(verified) << verified.error().message();
  const Claims& claims = verified->claims();
  EXPECT_EQ(verified->subject(), keys.module.public_text());
  EXPECT_EQ(verified->issuer(), keys.account.public_text());
  EXPECT_EQ(verified->hash(), to_hex_upper(crypto::sha256(as_bytes(plain_module()))));
  EXPECT_EQ(claims.hash, verified->hash());
  EXPECT_EQ(claims.name, "Counter");
  EXPECT_EQ(claims.version, "1.2.3");
  EXPECT_EQ(claims.revision, -7);
  EXPECT_EQ(claims.call_alias, "my_counter_1_x");
  EXPECT_EQ(claims.capabilities, options.capabilities);
  EXPECT_EQ(claims.tags, options.tags);
  EXPECT_EQ(claims.issued_at, kNow);
  EXPECT_EQ(claims.expires, kNow + 60);
  EXPECT_EQ(claims.provider, false);
  EXPECT_EQ(claims.token_id.value().size(), 22U);
  EXPECT_TRUE(claims.has_capability("wascc:keyvalue"));
  EXPECT_FALSE(claims.has_capability("wascc:key"));
  EXPECT_TRUE(verified->valid_at(kNow + 59));
  EXPECT_FALSE(verified->valid_at(kNow + 60));
}

TEST(Claims, ClaimsStandInTheOrderOfWascap) {
  const Fixture keys;
  SignOptions options;
  options.name = "n";
  options.tags = {"t"};
  options.capabilities = {"c"};
  options.revision = 1;
  options.version = "v";
  options.call_alias = "a";
  options.not_before = kNow;
  options.expires = kNow + 1;
  const Bytes signed_module = keys.sign(options);
  const auto section = find_token(signed_module).value().value();
  EXPECT_EQ(section.name, "jwt");
  EXPECT_EQ(section.offset + section.length, signed_module.size());
  const crypto::Jws token = crypto::parse_jws(section.token).value();
  std::string order;
  for (const auto& member : token.payload) order += std::string(member.key()) + " ";
  for (const auto& member : token.payload.at("wascap").get_object())
    order += std::string(member.key()) + " ";
  EXPECT_EQ(order, "exp jti iat iss sub nbf wascap name hash tags caps rev ver call_alias prov ");
}

TEST(Claims, NobodyIsTrustedByDefault) {
  const Fixture keys;
  const Bytes signed_module = keys.sign();
  const Result<VerifiedModule> nobody = verify(signed_module, TrustList(), kNow);
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().reason(), Reason::ClaimsUntrustedIssuer);
  TrustList other;
  ASSERT_TRUE(other.add(KeyPair::generate(KeyKind::Account).public_text()));
  EXPECT_EQ(verify(signed_module, other, kNow).error().reason(), Reason::ClaimsUntrustedIssuer);
  TrustList list;
  EXPECT_EQ(list.add(keys.module.public_text()).error().reason(), Reason::KeyKind);
  EXPECT_EQ(list.add("A").error().reason(), Reason::KeyMalformed);
  EXPECT_TRUE(list.empty());
}

TEST(Claims, EveryFlippedBitIsRefused) {
  const Fixture keys;
  const Bytes good = keys.sign();
  ASSERT_TRUE(verify(good, keys.trust, kNow));
  Bytes changed = good;
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    const auto mask = static_cast<std::byte>(1U << (bit % 8));
    changed[bit / 8] ^= mask;
    EXPECT_FALSE(verify(changed, keys.trust, kNow)) << "bit " << bit;
    changed[bit / 8] ^= mask;
  }
  for (std::size_t length = 0; length < good.size(); ++length)
    EXPECT_FALSE(verify(ByteView(good).first(length), keys.trust, kNow)) << length;
}

TEST(Claims, Sections) {
  const Fixture keys;
  const std::string token = crypto::make_jws(keys.payload(), keys.account.secret());
  const std::string plain = plain_module();
  EXPECT_EQ(keys.reason(plain + custom("jwt", token)), kAccepted);
  EXPECT_EQ(keys.reason(plain + custom("wasmcloud_jwt", token)), kAccepted);
  // Position does not matter: the token in front of the other sections.
  EXPECT_EQ(keys.reason(plain.substr(0, 8) + custom("jwt", token) + plain.substr(8)), kAccepted);
  EXPECT_EQ(keys.reason(plain), Reason::ClaimsMissing);
  EXPECT_EQ(keys.reason(plain + custom("jwt", token) + custom("jwt", token)),
            Reason::ClaimsDuplicateSection);
  EXPECT_EQ(keys.reason(plain + custom("jwt", token) + custom("wasmcloud_jwt", token)),
            Reason::ClaimsDuplicateSection);
  EXPECT_EQ(keys.reason(plain + custom("jwt", token) + custom("jwt", "")),
            Reason::ClaimsDuplicateSection);
  EXPECT_EQ(keys.reason(plain + custom("JWT", token)), Reason::ClaimsMissing);
  EXPECT_EQ(keys.reason(plain + custom("jwt ", token)), Reason::ClaimsMissing);
  // A token section inside another section is only bytes of that section.
  EXPECT_EQ(keys.reason(plain + custom("outer", custom("jwt", token))), Reason::ClaimsMissing);
  EXPECT_EQ(keys.reason(plain + custom("jwt", "")), Reason::ClaimsMalformed);
  EXPECT_EQ(keys.reason(plain + custom("jwt", token + "\n")), Reason::ClaimsMalformed);
  EXPECT_EQ(keys.reason(plain + custom("jwt", std::string(crypto::kMaxTokenBytes + 1, 'A'))),
            Reason::ClaimsMalformed);
  EXPECT_EQ(keys.reason(""), Reason::ModuleMalformed);
  EXPECT_EQ(keys.reason(plain.substr(0, plain.size() - 1)), Reason::ModuleMalformed);
  EXPECT_EQ(keys.reason(plain + custom("other", "") + custom("jwt", token)), Reason::ClaimsHash);
  EXPECT_EQ(keys.reason(plain + custom("jwt", token) + custom("other", "")), Reason::ClaimsHash);
}

TEST(Claims, TooLargeModule) {
  const Fixture keys;
  std::string large = plain_module();
  large.resize(kMaxModuleBytes + 1);
  EXPECT_EQ(keys.reason(large), Reason::ModuleTooLarge);
}

TEST(Claims, Dates) {
  const Fixture keys;
  const auto reason = [&](const std::string& claims) {
    return keys.reason(keys.with_payload(keys.payload("," + claims)));
  };
  const std::string now = std::to_string(kNow);
  const std::string later = std::to_string(kNow + 1);
  EXPECT_EQ(reason(R"("exp":)" + later), kAccepted);
  EXPECT_EQ(reason(R"("exp":)" + now), Reason::ClaimsExpired);
  EXPECT_EQ(reason(R"("exp":0)"), Reason::ClaimsExpired);
  EXPECT_EQ(reason(R"("exp":9007199254740991)"), kAccepted);
  EXPECT_EQ(reason(R"("nbf":)" + now), kAccepted);
  EXPECT_EQ(reason(R"("nbf":)" + later), Reason::ClaimsNotYetValid);
  EXPECT_EQ(reason(R"("iat":)" + later), kAccepted);
  for (const char* value : {"9007199254740992", "18446744073709551615", "18446744073709551616",
                            "-1", "1.0", "1e3", "1.5", "null", "\"1\"", "true", "[]", "{}"}) {
    for (const char* claim : {"exp", "nbf", "iat"})
      EXPECT_EQ(reason("\"" + std::string(claim) + "\":" + value), Reason::ClaimsMalformed)
          << claim << " " << value;
  }
}

TEST(Claims, Keys) {
  const Fixture keys;
  const std::string hash = module_hash(as_bytes(plain_module()), {});
  const auto reason = [&](const std::string& iss, const std::string& sub) {
    return keys.reason(keys.with_payload(R"({"iss":)" + iss + R"(,"sub":)" + sub +
                                         R"(,"wascap":{"hash":")" + hash + "\"}}"));
  };
  const auto quoted = [](const std::string& text) { return "\"" + text + "\""; };
  const std::string iss = quoted(keys.account.public_text());
  const std::string sub = quoted(keys.module.public_text());
  EXPECT_EQ(reason(iss, sub), kAccepted);
  std::string bad_sum = keys.account.public_text();
  bad_sum[10] = bad_sum[10] == 'A' ? 'B' : 'A';
  EXPECT_EQ(reason(quoted(bad_sum), sub), Reason::ClaimsMalformed);
  EXPECT_EQ(reason(iss, quoted("x")), Reason::ClaimsMalformed);
  EXPECT_EQ(reason("\"\"", sub), Reason::ClaimsMalformed);
  EXPECT_EQ(reason("null", sub), Reason::ClaimsMalformed);
  EXPECT_EQ(reason(iss, "7"), Reason::ClaimsMalformed);
  EXPECT_EQ(reason(sub, sub), Reason::ClaimsIssuerKind);
  EXPECT_EQ(reason(quoted(KeyPair::generate(KeyKind::Operator).public_text()), sub),
            Reason::ClaimsIssuerKind);
  EXPECT_EQ(reason(iss, iss), Reason::ClaimsSubjectKind);
  EXPECT_EQ(reason(iss, quoted(KeyPair::generate(KeyKind::Service).public_text())),
            Reason::ClaimsSubjectKind);
  EXPECT_EQ(reason(quoted(KeyPair::generate(KeyKind::Account).public_text()), sub),
            Reason::ClaimsUntrustedIssuer);
}

TEST(Claims, ForgedSignatures) {
  const Fixture keys;
  const KeyPair attacker = KeyPair::generate(KeyKind::Account);
  const std::string forged = crypto::make_jws(keys.payload(), attacker.secret());
  EXPECT_EQ(keys.reason(plain_module() + custom("jwt", forged)), Reason::ClaimsSignature);
  std::string zero = crypto::make_jws(keys.payload(), keys.account.secret());
  zero.replace(zero.rfind('.') + 1, std::string::npos, std::string(86, 'A'));
  EXPECT_EQ(keys.reason(plain_module() + custom("jwt", zero)), Reason::ClaimsSignature);
  // The point of order one verifies anything in lax implementations.
  crypto::PublicNkey identity{KeyKind::Account, {}};
  identity.bytes[0] = std::byte{1};
  TrustList trust = keys.trust;
  ASSERT_TRUE(trust.add(identity));
  const std::string payload = R"({"iss":")" + crypto::encode_public(identity) + R"(","sub":")" +
                              keys.module.public_text() + R"(","wascap":{"hash":"x"}})";
  std::string token = crypto::make_jws(payload, attacker.secret());
  crypto::Signature trivial{};
  trivial[0] = std::byte{1};
  token.replace(token.rfind('.') + 1, std::string::npos, codec::base64url_encode(trivial));
  const std::string wasm = plain_module() + custom("jwt", token);
  EXPECT_EQ(verify(as_bytes(wasm), trust, kNow).error().reason(), Reason::ClaimsSignature);
}

TEST(Claims, OrderOfJudgement) {
  const Fixture keys;
  const KeyPair attacker = KeyPair::generate(KeyKind::Account);
  // Untrusted comes before a bad signature, a bad signature before dates and hash.
  const std::string payload = R"({"exp":1,"iss":")" + attacker.public_text() + R"(","sub":")" +
                              keys.module.public_text() + R"(","wascap":{"hash":"00"}})";
  EXPECT_EQ(
      keys.reason(plain_module() + custom("jwt", crypto::make_jws(payload, keys.account.secret()))),
      Reason::ClaimsUntrustedIssuer);
  const std::string own = R"({"exp":1,"iss":")" + keys.account.public_text() + R"(","sub":")" +
                          keys.module.public_text() + R"(","wascap":{"hash":"00"}})";
  EXPECT_EQ(keys.reason(plain_module() + custom("jwt", crypto::make_jws(own, attacker.secret()))),
            Reason::ClaimsSignature);
  EXPECT_EQ(keys.reason(keys.with_payload(own)), Reason::ClaimsExpired);
}

TEST(Claims, Blocks) {
  const Fixture keys;
  const auto with_block = [&](const std::string& more) {
    return keys.reason(keys.with_payload(keys.payload("", more)));
  };
  EXPECT_EQ(with_block(R"(,"name":null,"tags":null,"caps":null,"rev":null,"prov":null)"),
            kAccepted);
  EXPECT_EQ(with_block(R"(,"unknown":[1,{"x":2}])"), kAccepted);
  for (const char* more :
       {R"(,"name":1)", R"(,"caps":"x")", R"(,"caps":[1])", R"(,"tags":{})", R"(,"rev":2147483648)",
        R"(,"rev":1.0)", R"(,"rev":"1")", R"(,"prov":1)", R"(,"ver":[])", R"(,"call_alias":false)"})
    EXPECT_EQ(with_block(more), Reason::ClaimsMalformed) << more;
  const auto whole = [&](const std::string& rest) {
    return keys.reason(keys.with_payload(R"({"iss":")" + keys.account.public_text() +
                                         R"(","sub":")" + keys.module.public_text() + "\"" + rest +
                                         "}"));
  };
  const std::string hash = module_hash(as_bytes(plain_module()), {});
  EXPECT_EQ(whole(""), Reason::ClaimsMalformed);
  EXPECT_EQ(whole(R"(,"wascap":null)"), Reason::ClaimsMalformed);
  EXPECT_EQ(whole(R"(,"wascap":[])"), Reason::ClaimsMalformed);
  EXPECT_EQ(whole(R"(,"wascap":{})"), Reason::ClaimsHash);
  EXPECT_EQ(whole(R"(,"wascap":{"hash":null})"), Reason::ClaimsHash);
  EXPECT_EQ(whole(R"(,"wascap":{"hash":7})"), Reason::ClaimsMalformed);
  EXPECT_EQ(whole(R"(,"wascap":{"hash":""})"), Reason::ClaimsHash);
  EXPECT_EQ(whole(R"(,"wascap":{"hash":")" + hash.substr(0, 63) + "\"}"), Reason::ClaimsHash);
  EXPECT_EQ(whole(R"(,"wascap_revision":1,"wascap":{"hash":"00"})"), Reason::ClaimsHash);
}

TEST(Sign, RefusesWrongKindsAndTexts) {
  const Fixture keys;
  const std::string plain = plain_module();
  const auto reason = [&](const KeyPair& issuer, const crypto::PublicNkey& subject,
                          const SignOptions& options) {
    return claims::sign(as_bytes(plain), issuer, subject, options).error().reason();
  };
  EXPECT_EQ(reason(keys.module, keys.module.public_key(), {}), Reason::KeyKind);
  EXPECT_EQ(reason(keys.account, keys.account.public_key(), {}), Reason::KeyKind);
  SignOptions not_text;
  not_text.name = "\xff";
  EXPECT_EQ(reason(keys.account, keys.module.public_key(), not_text), Reason::ClaimsMalformed);
  SignOptions long_tag;
  long_tag.tags = {std::string(crypto::kMaxTokenBytes, 'x')};
  EXPECT_EQ(reason(keys.account, keys.module.public_key(), long_tag), Reason::ClaimsMalformed);
  SignOptions far;
  far.expires = kMaxDate + 1;
  EXPECT_EQ(reason(keys.account, keys.module.public_key(), far), Reason::ClaimsMalformed);
  EXPECT_EQ(
      claims::sign(as_bytes("x"), keys.account, keys.module.public_key(), {}).error().reason(),
      Reason::ModuleMalformed);
}

TEST(Sign, ReplacesTokensOfBothNames) {
  const Fixture keys;
  const Bytes once = keys.sign();
  const Bytes twice = keys.sign({}, as_text(once));
  EXPECT_EQ(once.size(), twice.size());
  EXPECT_TRUE(verify(twice, keys.trust, kNow));
  const std::string both = plain_module().substr(0, 8) + custom("wasmcloud_jwt", "old") +
                           plain_module().substr(8) + custom("jwt", "old");
  const Bytes again = keys.sign({}, both);
  const Result<VerifiedModule> verified = verify(again, keys.trust, kNow);
  ASSERT_TRUE(verified) << verified.error().message();
  EXPECT_EQ(verified->hash(), module_hash(as_bytes(plain_module()), {}));
}

TEST(Sign, RewritesSectionSizesAndLeavesContents) {
  const Fixture keys;
  // The type section's size as five bytes; a custom section whose name length is padded.
  const std::string padded = std::string("\0asm\1\0\0\0", 8) +
                             std::string("\1\x84\x80\x80\x80\0\1\x60\0\0", 10) +
                             std::string("\0\x84\0\x81\0xy", 7);
  const std::string minimal = std::string("\0asm\1\0\0\0", 8) + std::string("\1\4\1\x60\0\0", 6) +
                              std::string("\0\4\x81\0xy", 6);
  const Bytes signed_module = keys.sign({}, padded);
  EXPECT_TRUE(as_text(signed_module).starts_with(minimal));
  EXPECT_TRUE(verify(signed_module, keys.trust, kNow));
}

TEST(Sign, AliasAsWascapWritesIt) {
  EXPECT_EQ(normalise_alias("wasmcloud/examples/Ponger"), "wasmcloud/examples/ponger");
  EXPECT_EQ(normalise_alias(" A b-c.d\t"), "a_b_c_d");
  EXPECT_EQ(normalise_alias("gr\xc3\xbc\xc3\x9f"), "gr");
  EXPECT_EQ(normalise_alias("   "), "");
}

TEST(Sign, DerivedKeysAreStableAndDistinct) {
  const Fixture keys;
  const Fixture others;
  const std::string counter = derive_module_key(keys.account, "counter").public_text();
  EXPECT_EQ(counter.front(), 'M');
  EXPECT_EQ(counter, derive_module_key(keys.account, "counter").public_text());
  EXPECT_NE(counter, derive_module_key(keys.account, "counter2").public_text());
  EXPECT_NE(counter, derive_module_key(others.account, "counter").public_text());
}

TEST(VerifyIfSigned, UnsignedPassesAndBadTokensDoNot) {
  const Fixture keys;
  const std::string plain = plain_module();
  const Result<LocalModule> unsigned_module = verify_if_signed(as_bytes(plain), kNow);
  ASSERT_TRUE(unsigned_module);
  EXPECT_FALSE(unsigned_module->claims);
  EXPECT_EQ(unsigned_module->hash, module_hash(as_bytes(plain), {}));
  const Bytes good = keys.sign();
  const Result<LocalModule> signed_module = verify_if_signed(good, kNow);
  ASSERT_TRUE(signed_module);
  EXPECT_EQ(signed_module->claims.value().subject, keys.module.public_text());
  EXPECT_EQ(signed_module->hash, unsigned_module->hash);
  Bytes changed = good;
  changed[10] ^= std::byte{1};
  EXPECT_FALSE(verify_if_signed(changed, kNow));
}

/// A folder of its own that goes away with the test, and XDG_DATA_HOME pointing at it.
class KeyFiles : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "trellis-keys-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    ::setenv("XDG_DATA_HOME", folder_.c_str(), 1);
  }

  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }

  void put(const std::string& name, const std::string& content) const {
    ASSERT_TRUE(write_file_atomically(path(name), as_bytes(content), 0600));
  }

  std::string folder_;
};

TEST_F(KeyFiles, SeedsAndPublicKeys) {
  const KeyPair key = KeyPair::generate(KeyKind::Module);
  ASSERT_TRUE(write_seed_file(path("m.nk"), key));
  struct stat status{};
  ASSERT_EQ(::stat(path("m.nk").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  EXPECT_EQ(write_seed_file(path("m.nk"), key).error().reason(), Reason::FileExists);
  EXPECT_EQ(read_seed_file(path("m.nk")).value().public_text(), key.public_text());
  EXPECT_EQ(read_key_file(path("m.nk")).value(), key.public_key());
  put("public", key.public_text() + "\r\n");
  EXPECT_EQ(read_key_file(path("public")).value(), key.public_key());
  EXPECT_EQ(read_seed_file(path("public")).error().reason(), Reason::KeyMalformed);
  EXPECT_EQ(read_key_file(path("absent")).error().reason(), Reason::FileUnreadable);
  put("empty", "");
  EXPECT_EQ(read_key_file(path("empty")).error().reason(), Reason::KeyMalformed);
  put("large", std::string(5000, 'A'));
  EXPECT_EQ(read_key_file(path("large")).error().reason(), Reason::KeyMalformed);
  const std::string seed = key.seed_text();
  put("broken", seed.substr(0, 57) + (seed[57] == 'A' ? "B" : "A"));
  const Result<KeyPair> broken = read_seed_file(path("broken"));
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().message().find(seed.substr(0, 20)), std::string::npos);
}

TEST_F(KeyFiles, DevelopmentAccount) {
  EXPECT_EQ(dev_account().error().reason(), Reason::KeyMissing);
  const Result<KeyPair> made = make_dev_account();
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ(made->kind(), KeyKind::Account);
  EXPECT_EQ(make_dev_account().value().public_text(), made->public_text());
  EXPECT_EQ(dev_account().value().public_text(), made->public_text());
  EXPECT_EQ(dev_account_path(), folder_ + "/trellis/dev_account.nk");
  ASSERT_EQ(::unlink(dev_account_path().c_str()), 0);
  ASSERT_TRUE(write_seed_file(dev_account_path(), KeyPair::generate(KeyKind::Module)));
  EXPECT_EQ(make_dev_account().error().reason(), Reason::KeyKind);
}

}  // namespace
}  // namespace trellis::claims
