#include "trellis/claims/claims.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "trellis/codec/wasm.h"
#include "trellis/crypto/hash.h"

namespace trellis::claims {
namespace {

namespace json = codec::json;

std::unexpected<Error> malformed(std::string_view claim, std::string_view why) {
  return fail(Reason::ClaimsMalformed,
              "the token is malformed: " + std::string(claim) + " " + std::string(why));
}

Result<std::string> required_text(const json::Object& object, std::string_view claim) {
  const std::optional<std::string_view> text = json::find_text(object, claim);
  if (!text || text->empty()) return malformed(claim, "must be a text");
  return std::string(*text);
}

Result<std::optional<std::string>> optional_text(const json::Object& object,
                                                 std::string_view claim) {
  const json::Value* value = json::find(object, claim);
  if (value == nullptr || value->is_null()) return std::nullopt;
  if (!value->is_string()) return malformed(claim, "must be a text");
  return std::string(json::text_of(value->get_string()));
}

Result<std::optional<UnixSeconds>> date(const json::Object& object, std::string_view claim) {
  const json::Value* value = json::find(object, claim);
  if (value == nullptr) return std::nullopt;
  const std::optional<std::int64_t> seconds = json::integer(*value);
  if (!seconds || *seconds < 0 || *seconds > kMaxDate)
    return malformed(claim, "must be an integer from 0 to 9007199254740991");
  return *seconds;
}

Result<std::vector<std::string>> text_list(const json::Object& object, std::string_view claim) {
  std::vector<std::string> list;
  const json::Value* value = json::find(object, claim);
  if (value == nullptr || value->is_null()) return list;
  if (!value->is_array()) return malformed(claim, "must be a list of texts");
  for (const json::Value& item : value->get_array()) {
    if (!item.is_string()) return malformed(claim, "must be a list of texts");
    list.emplace_back(json::text_of(item.get_string()));
  }
  return list;
}

Result<std::optional<std::int32_t>> revision(const json::Object& object) {
  const json::Value* value = json::find(object, "rev");
  if (value == nullptr || value->is_null()) return std::nullopt;
  const std::optional<std::int64_t> number = json::integer(*value);
  using Limits = std::numeric_limits<std::int32_t>;
  if (!number || *number < Limits::min() || *number > Limits::max())
    return malformed("wascap.rev", "must be an integer of 32 bits");
  return static_cast<std::int32_t>(*number);
}

Result<void> read_block(const json::Object& block, Claims& claims) {
  TR_TRY(claims.hash, optional_text(block, "hash"));
  TR_TRY(claims.name, optional_text(block, "name"));
  TR_TRY(claims.version, optional_text(block, "ver"));
  TR_TRY(claims.call_alias, optional_text(block, "call_alias"));
  TR_TRY(claims.revision, revision(block));
  TR_TRY(claims.capabilities, text_list(block, "caps"));
  TR_TRY(claims.tags, text_list(block, "tags"));
  const json::Value* provider = json::find(block, "prov");
  if (provider != nullptr && !provider->is_null()) {
    if (!provider->is_bool()) return malformed("wascap.prov", "must be true or false");
    claims.provider = provider->get_bool();
  }
  return {};
}

}  // namespace

bool Claims::has_capability(std::string_view id) const noexcept {
  return std::ranges::find(capabilities, id) != capabilities.end();
}

Result<Claims> read_claims(const json::Object& payload) {
  Claims claims;
  TR_TRY(claims.issuer, required_text(payload, "iss"));
  TR_TRY(claims.subject, required_text(payload, "sub"));
  TR_TRY(claims.token_id, optional_text(payload, "jti"));
  TR_TRY(claims.issued_at, date(payload, "iat"));
  TR_TRY(claims.not_before, date(payload, "nbf"));
  TR_TRY(claims.expires, date(payload, "exp"));
  const json::Value* block = json::find(payload, "wascap");
  if (block == nullptr || !block->is_object())
    return malformed("wascap", "must be an object (tokens of 2019 have none; sign again)");
  TR_CHECK(read_block(block->get_object(), claims));
  return claims;
}

Result<std::optional<TokenSection>> find_token(ByteView module) {
  if (module.size() > kMaxModuleBytes)
    return fail(Reason::ModuleTooLarge, "the module has " + std::to_string(module.size()) +
                                            " bytes, at most " + std::to_string(kMaxModuleBytes) +
                                            " are allowed");
  TR_TRY(codec::wasm::SectionWalker walker, codec::wasm::SectionWalker::open(module));
  std::optional<TokenSection> found;
  bool twice = false;
  while (true) {
    TR_TRY(const std::optional<codec::wasm::Section> section, walker.next());
    if (!section) break;
    const bool token = section->id == codec::wasm::SectionId::Custom &&
                       (section->name == kSectionName || section->name == kNewerSectionName);
    if (!token) continue;
    twice = found.has_value();
    if (twice) break;
    found = TokenSection{section->name, as_text(section->payload), section->offset,
                         section->whole.size()};
  }
  if (twice)
    return fail(Reason::ClaimsDuplicateSection,
                "the module has more than one token section; sign it again");
  return found;
}

std::string module_hash(ByteView module, const std::optional<TokenSection>& section) {
  if (!section) return to_hex_upper(crypto::sha256(module));
  crypto::Sha256 hash;
  hash.update(module.first(section->offset));
  hash.update(module.subspan(section->offset + section->length));
  return to_hex_upper(hash.finish());
}

std::string normalise_alias(std::string_view alias) {
  constexpr std::string_view kSpace = " \t\r\n\v\f";
  const std::size_t first = alias.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  alias = alias.substr(first, alias.find_last_not_of(kSpace) - first + 1);
  std::string out;
  for (const char c : alias) {
    if (static_cast<unsigned char>(c) >= 0x80) continue;
    if (c >= 'A' && c <= 'Z')
      out.push_back(static_cast<char>(c - 'A' + 'a'));
    else if (c == ' ' || c == '-' || c == '.')
      out.push_back('_');
    else
      out.push_back(c);
  }
  return out;
}

}  // namespace trellis::claims
