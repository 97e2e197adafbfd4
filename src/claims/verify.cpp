#include "trellis/claims/verify.h"

#include <utility>

#include "trellis/crypto/jws.h"

namespace trellis::claims {
namespace {

using crypto::KeyKind;
using crypto::PublicNkey;

/// Decodes the key of a claim and checks its kind.
Result<PublicNkey> claim_key(std::string_view claim, const std::string& text, KeyKind kind,
                             Reason wrong_kind) {
  Result<PublicNkey> key = crypto::decode_public(text);
  if (!key)
    return fail(Reason::ClaimsMalformed,
                "the token is malformed: " + std::string(claim) + ": " + key.error().message());
  if (key->kind != kind)
    return fail(wrong_kind, std::string(claim) + " of the token is a key of kind " +
                                std::string(crypto::key_kind_text(key->kind)) + ", not " +
                                std::string(crypto::key_kind_text(kind)));
  return key;
}

Result<void> check_dates(const Claims& claims, UnixSeconds now) {
  // A token is good before its last second, as the sub-second clock of the first hosts had it.
  if (claims.expires && *claims.expires <= now)
    return fail(Reason::ClaimsExpired, "the token expired at " + std::to_string(*claims.expires) +
                                           " (now " + std::to_string(now) +
                                           "); sign the module again");
  if (claims.not_before && now < *claims.not_before)
    return fail(Reason::ClaimsNotYetValid, "the token is valid from " +
                                               std::to_string(*claims.not_before) + " (now " +
                                               std::to_string(now) + ")");
  return {};
}

Result<void> check_hash(const Claims& claims, const std::string& hash) {
  if (!claims.hash)
    return fail(Reason::ClaimsHash, "the token has no hash of the module; sign it again");
  if (*claims.hash != hash)
    return fail(Reason::ClaimsHash, "the module was changed after it was signed: its hash is " +
                                        hash + ", the token says " + *claims.hash);
  return {};
}

/// `trust` null: whoever signed.
Result<void> judge_token(ByteView module, const TokenSection& section, const TrustList* trust,
                         UnixSeconds now, Judgement& judgement) {
  TR_TRY(const crypto::Jws token, crypto::parse_jws(section.token));
  TR_TRY(judgement.claims, read_claims(token.payload));
  const Claims& claims = *judgement.claims;
  TR_TRY(const PublicNkey issuer,
         claim_key("iss", claims.issuer, KeyKind::Account, Reason::ClaimsIssuerKind));
  TR_CHECK(claim_key("sub", claims.subject, KeyKind::Module, Reason::ClaimsSubjectKind));
  if (trust != nullptr && !trust->trusts(issuer))
    return fail(Reason::ClaimsUntrustedIssuer,
                "the issuer " + claims.issuer +
                    " is not trusted; add it to the trusted accounts if you know it");
  if (!crypto::verify_jws(token, issuer.bytes))
    return fail(Reason::ClaimsSignature,
                "the signature of the token is not that of its issuer " + claims.issuer);
  TR_CHECK(check_dates(claims, now));
  judgement.hash = module_hash(module, section);
  return check_hash(claims, judgement.hash);
}

enum class Unsigned : bool { Refuse, Accept };

Judgement judge_module(ByteView module, const TrustList* trust, Unsigned rule, UnixSeconds now) {
  Judgement judgement;
  Result<std::optional<TokenSection>> section = find_token(module);
  if (!section) {
    judgement.error = std::move(section).error();
    return judgement;
  }
  if (!*section) {
    if (rule == Unsigned::Refuse)
      judgement.error =
          Error(Reason::ClaimsMissing, "the module is not signed; sign it with: trellis sign");
    judgement.hash = module_hash(module, *section);
    return judgement;
  }
  judgement.section = (*section)->name;
  Result<void> verdict = judge_token(module, **section, trust, now, judgement);
  if (!verdict) judgement.error = std::move(verdict).error();
  return judgement;
}

}  // namespace

Result<void> TrustList::add(std::string_view account) {
  TR_TRY(const PublicNkey key, crypto::decode_public(account));
  return add(key);
}

Result<void> TrustList::add(const PublicNkey& account) {
  if (account.kind != KeyKind::Account)
    return fail(Reason::KeyKind, "only accounts sign modules, and this key is of kind " +
                                     std::string(crypto::key_kind_text(account.kind)));
  accounts_.insert(account.bytes);
  return {};
}

bool TrustList::trusts(const PublicNkey& issuer) const noexcept {
  return issuer.kind == KeyKind::Account && accounts_.contains(issuer.bytes);
}

Judgement judge(ByteView module, const TrustList& trust, UnixSeconds now) {
  return judge_module(module, &trust, Unsigned::Refuse, now);
}

bool VerifiedModule::valid_at(UnixSeconds now) const noexcept {
  return check_dates(claims_, now).has_value();
}

Result<VerifiedModule> verify(ByteView module, const TrustList& trust, UnixSeconds now) {
  Judgement judgement = judge(module, trust, now);
  if (judgement.error) return std::unexpected(*std::move(judgement.error));
  return VerifiedModule(*std::move(judgement.claims), std::move(judgement.hash));
}

Result<LocalModule> verify_if_signed(ByteView module, UnixSeconds now) {
  Judgement judgement = judge_module(module, nullptr, Unsigned::Accept, now);
  if (judgement.error) return std::unexpected(*std::move(judgement.error));
  return LocalModule{std::move(judgement.claims), std::move(judgement.hash)};
}

}  // namespace trellis::claims
