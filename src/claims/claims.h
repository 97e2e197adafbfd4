// What a module's token says: the claims of a wascap "actor" token (wascc.md 2.2), read strictly.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trellis/base/bytes.h"
#include "trellis/base/clock.h"
#include "trellis/base/error.h"
#include "trellis/codec/json.h"

namespace trellis::claims {

/// The section that we write, and the name that writers since 2022 use; both are read.
inline constexpr std::string_view kSectionName = "jwt";
inline constexpr std::string_view kNewerSectionName = "wasmcloud_jwt";

/// Dates are integers from 0 to this: what every JSON reader keeps exactly.
inline constexpr std::int64_t kMaxDate = (std::int64_t{1} << 53) - 1;

/// A module larger than this is refused before anything looks at it.
inline constexpr std::uint64_t kMaxModuleBytes = std::uint64_t{16} << 20U;

/// A value type. Nothing in it is trusted until verify() has judged the token.
struct Claims {
  std::string issuer;   // nkey text as it stands
  std::string subject;  // nkey text as it stands
  std::optional<std::string> token_id;
  std::optional<UnixSeconds> issued_at;
  std::optional<UnixSeconds> not_before;
  std::optional<UnixSeconds> expires;

  std::optional<std::string> hash;  // SHA-256 of the module without its token, upper-case hex
  std::optional<std::string> name;
  std::optional<std::string> version;
  std::optional<std::string> call_alias;
  std::optional<std::int32_t> revision;
  std::optional<bool> provider;
  std::vector<std::string> capabilities;  // contract ids, or module keys and aliases of actors
  std::vector<std::string> tags;

  bool operator==(const Claims&) const = default;

  bool has_capability(std::string_view id) const noexcept;
};

/// Reads the payload of a token; claims.malformed names the claim that has the wrong form. Unknown
/// claims are ignored, and so is null in an optional claim that is not a date.
Result<Claims> read_claims(const codec::json::Object& payload);

/// Where the token of a module lies.
struct TokenSection {
  std::string_view name;     // of the section: kSectionName or kNewerSectionName
  std::string_view token;    // a view into the module
  std::uint64_t offset = 0;  // of the whole section in the file
  std::uint64_t length = 0;  // of the whole section
};

/// The only token section at the top level of the module; an empty optional when it is unsigned.
/// claims.duplicate_section, module.malformed, module.too_large.
Result<std::optional<TokenSection>> find_token(ByteView module);

/// SHA-256 over the raw bytes of the module less its token section, upper-case hex.
std::string module_hash(ByteView module, const std::optional<TokenSection>& section);

/// An alias as wascap writes it: lower case, trimmed, ASCII only, and ' ', '-', '.' become '_'.
std::string normalise_alias(std::string_view alias);

}  // namespace trellis::claims
