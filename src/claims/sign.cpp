#include "trellis/claims/sign.h"

#include <array>
#include <utility>

#include "trellis/base/text.h"
#include "trellis/claims/claims.h"
#include "trellis/codec/json.h"
#include "trellis/codec/leb128.h"
#include "trellis/codec/wasm.h"
#include "trellis/crypto/hash.h"
#include "trellis/crypto/jws.h"

namespace trellis::claims {
namespace {

namespace json = codec::json;
namespace wasm = codec::wasm;
using crypto::KeyKind;

void append_section(Bytes& out, wasm::SectionId id, ByteView contents) {
  out.push_back(static_cast<std::byte>(id));
  codec::append_leb(out, contents.size());
  out.insert(out.end(), contents.begin(), contents.end());
}

/// The module without tokens, every section size in its shortest form.
Result<Bytes> canonical(ByteView module) {
  if (module.size() > kMaxModuleBytes)
    return fail(Reason::ModuleTooLarge, "the module has " + std::to_string(module.size()) +
                                            " bytes, at most " + std::to_string(kMaxModuleBytes) +
                                            " are allowed");
  TR_TRY(wasm::SectionWalker walker, wasm::SectionWalker::open(module));
  Bytes out;
  out.reserve(module.size() + 1024);
  const ByteView header = module.first(wasm::kHeaderBytes);
  out.insert(out.end(), header.begin(), header.end());
  while (true) {
    TR_TRY(const std::optional<wasm::Section> section, walker.next());
    if (!section) return out;
    const bool token = section->id == wasm::SectionId::Custom &&
                       (section->name == kSectionName || section->name == kNewerSectionName);
    if (!token) append_section(out, section->id, section->contents);
  }
}

/// 22 characters of base 62, as the ids of wascap tokens are.
std::string make_token_id() {
  constexpr std::string_view kDigits =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  constexpr std::size_t kLength = 22;
  constexpr unsigned kFair = 256 / kDigits.size() * kDigits.size();
  std::string id;
  while (id.size() < kLength) {
    std::array<std::byte, 32> random{};
    crypto::random_bytes(random);
    for (const std::byte byte : random) {
      const auto value = static_cast<unsigned>(byte);
      if (value < kFair && id.size() < kLength) id.push_back(kDigits[value % kDigits.size()]);
    }
  }
  return id;
}

json::Array text_array(const std::vector<std::string>& texts) {
  json::Array array;
  for (const std::string& text : texts) array.emplace_back(text);
  return array;
}

Result<void> check_text(std::string_view what, std::string_view text) {
  if (is_utf8(text)) return {};
  return fail(Reason::ClaimsMalformed, std::string(what) + " is not UTF-8");
}

Result<void> check_options(const SignOptions& options) {
  if (options.name) TR_CHECK(check_text("the name", *options.name));
  if (options.version) TR_CHECK(check_text("the version", *options.version));
  for (const std::string& capability : options.capabilities)
    TR_CHECK(check_text("a capability", capability));
  for (const std::string& tag : options.tags) TR_CHECK(check_text("a tag", tag));
  for (const auto& date : {std::optional(options.issued_at), options.not_before, options.expires})
    if (date && (*date < 0 || *date > kMaxDate))
      return fail(Reason::ClaimsMalformed, "a date lies outside what a token can hold");
  return {};
}

/// The wascap block of an actor, fields in the order of wascap's own writer.
json::Object make_block(const std::string& hash, const SignOptions& options) {
  json::Object block;
  if (options.name) block["name"] = *options.name;
  block["hash"] = hash;
  if (!options.tags.empty()) block["tags"] = text_array(options.tags);
  if (!options.capabilities.empty()) block["caps"] = text_array(options.capabilities);
  if (options.revision) block["rev"] = *options.revision;
  if (options.version) block["ver"] = *options.version;
  if (options.call_alias) block["call_alias"] = normalise_alias(*options.call_alias);
  block["prov"] = false;
  return block;
}

json::Object make_payload(const std::string& hash, const crypto::KeyPair& issuer,
                          const crypto::PublicNkey& subject, const SignOptions& options) {
  json::Object payload;
  if (options.expires) payload["exp"] = *options.expires;
  payload["jti"] = make_token_id();
  payload["iat"] = options.issued_at;
  payload["iss"] = issuer.public_text();
  payload["sub"] = crypto::encode_public(subject);
  if (options.not_before) payload["nbf"] = *options.not_before;
  payload["wascap"] = make_block(hash, options);
  return payload;
}

Result<void> check_kind(std::string_view what, KeyKind got, KeyKind wanted) {
  if (got == wanted) return {};
  return fail(Reason::KeyKind, "the " + std::string(what) + " must be a key of kind " +
                                   std::string(crypto::key_kind_text(wanted)) + ", and this is " +
                                   std::string(crypto::key_kind_text(got)));
}

}  // namespace

Result<Bytes> sign(ByteView module, const crypto::KeyPair& issuer,
                   const crypto::PublicNkey& subject, const SignOptions& options) {
  TR_CHECK(check_kind("issuer", issuer.kind(), KeyKind::Account));
  TR_CHECK(check_kind("subject", subject.kind, KeyKind::Module));
  TR_CHECK(check_options(options));
  TR_TRY(Bytes out, canonical(module));
  const std::string hash = module_hash(out, std::nullopt);
  const json::Object payload = make_payload(hash, issuer, subject, options);
  const std::string token = crypto::make_jws(json::to_text(payload), issuer.secret());
  if (token.size() > crypto::kMaxTokenBytes)
    return fail(Reason::ClaimsMalformed, "the token would have " + std::to_string(token.size()) +
                                             " bytes, at most " +
                                             std::to_string(crypto::kMaxTokenBytes) +
                                             " are allowed; use fewer capabilities or tags");
  Bytes contents;
  codec::append_leb(contents, kSectionName.size());
  const ByteView name = as_bytes(kSectionName);
  contents.insert(contents.end(), name.begin(), name.end());
  contents.insert(contents.end(), as_bytes(token).begin(), as_bytes(token).end());
  append_section(out, wasm::SectionId::Custom, contents);
  if (out.size() > kMaxModuleBytes)
    return fail(Reason::ModuleTooLarge, "the signed module would be too large");
  return out;
}

crypto::KeyPair derive_module_key(const crypto::KeyPair& account, std::string_view name) {
  std::string label = "trellis development module 1: ";
  label += name;
  crypto::Sha256Digest seed = crypto::hmac_sha256(account.secret().seed(), as_bytes(label));
  crypto::KeyPair pair(KeyKind::Module, crypto::SecretKey::from_seed(seed));
  crypto::wipe(seed);
  return pair;
}

}  // namespace trellis::claims
