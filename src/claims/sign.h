// Signing a module: the inverse of verify().
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trellis/base/bytes.h"
#include "trellis/base/clock.h"
#include "trellis/base/error.h"
#include "trellis/crypto/nkeys.h"

namespace trellis::claims {

/// What the token is to say besides who and what; texts are UTF-8.
struct SignOptions {
  std::optional<std::string> name;
  std::optional<std::string> version;
  std::optional<std::string> call_alias;  // normalised when signing
  std::optional<std::int32_t> revision;
  std::vector<std::string> capabilities;
  std::vector<std::string> tags;
  UnixSeconds issued_at = 0;
  std::optional<UnixSeconds> not_before;
  std::optional<UnixSeconds> expires;
};

/// The module with its section sizes as minimal LEBs, its contents untouched, tokens of either name
/// removed, and a new token in the section "jwt" at its end. key.kind when the issuer is not an
/// account or the subject not a module; module.*; claims.malformed when a text is not UTF-8, a date
/// is out of range or the token would be longer than 64 KiB.
Result<Bytes> sign(ByteView module, const crypto::KeyPair& issuer,
                   const crypto::PublicNkey& subject, const SignOptions& options);

/// The module key that development signing uses for `name`: derived from the account's seed, so
/// that the same name stays the same actor.
crypto::KeyPair derive_module_key(const crypto::KeyPair& account, std::string_view name);

}  // namespace trellis::claims
