// Compact JSON Web Signatures as wascap writes them: header exactly typ "jwt" and alg "Ed25519",
// three base64url segments, Ed25519 over the first two as transmitted (wascc.md 2.2).
//
// The parse is strict: whatever gives a verifier a choice (another algorithm, crit, a key or a link
// in the header, repeated keys, padding, other spellings of the same bytes) is claims.malformed.
#pragma once

#include <string>
#include <string_view>

#include "trellis/base/bytes.h"
#include "trellis/base/error.h"
#include "trellis/codec/json.h"
#include "trellis/crypto/ed25519.h"

namespace trellis::crypto {

inline constexpr std::size_t kMaxTokenBytes = std::size_t{64} * 1024;

/// A token taken apart; nothing about its signature is known yet.
struct Jws {
  codec::json::Object header;
  codec::json::Object payload;
  std::string signing_input;  // what the signature covers
  Signature signature{};
};

/// claims.malformed for anything that is not exactly such a token.
Result<Jws> parse_jws(std::string_view token);

/// True if the signature is strictly valid for `key`.
bool verify_jws(const Jws& token, const PublicKey& key) noexcept;

/// The compact token with the standard header; `payload` is the JSON text as it is to be signed.
std::string make_jws(std::string_view payload, const SecretKey& key);

/// Header and payload for display, without the rules on the header and without any check of the
/// signature (its segment may hold anything that is base64url).
struct UncheckedJws {
  codec::json::Value header;
  codec::json::Value payload;
};

Result<UncheckedJws> peek_jws(std::string_view token);

}  // namespace trellis::crypto
