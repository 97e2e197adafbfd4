// Who may run: judges the token of a module before anything compiles it.
//
// A host takes a module only as a VerifiedModule, and only verify() makes one. The order of the
// judgement is fixed (interfaces.md), so that each altered module has one reason:
//   module form, one token section, token form, claims form, issuer's key and kind, subject's key
//   and kind, trust, signature, dates, hash.
// All functions may be called from any thread.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "trellis/base/bytes.h"
#include "trellis/base/clock.h"
#include "trellis/base/error.h"
#include "trellis/claims/claims.h"
#include "trellis/crypto/nkeys.h"

namespace trellis::claims {

/// The accounts whose signature a host accepts. Empty by default: it trusts nobody.
class TrustList {
 public:
  /// `account` is a public key text; key.malformed, or key.kind for anything but an account.
  Result<void> add(std::string_view account);
  /// For an account key that is already decoded; other kinds are refused the same way.
  Result<void> add(const crypto::PublicNkey& account);

  bool trusts(const crypto::PublicNkey& issuer) const noexcept;

  bool empty() const noexcept { return accounts_.empty(); }

 private:
  std::set<crypto::PublicKey> accounts_;
};

/// All that is known about a module's token, verdict included.
struct Judgement {
  std::optional<Error> error;    // the first thing that is wrong; absent: accepted
  std::string section;           // of the token; empty: unsigned or unreadable
  std::optional<Claims> claims;  // as far as the token could be read
  std::string hash;              // of the module, upper-case hex; empty if it cannot be read
};

/// For showing why: verify() with everything that was found on the way. `now` is wall-clock time.
Judgement judge(ByteView module, const TrustList& trust, UnixSeconds now);

/// A module whose token was accepted: the permission to run it as `subject` with those claims.
class VerifiedModule {
 public:
  const Claims& claims() const noexcept { return claims_; }

  /// The module's identity, an M key.
  const std::string& subject() const noexcept { return claims_.subject; }

  const std::string& issuer() const noexcept { return claims_.issuer; }

  /// SHA-256 of the module without its token, upper-case hex: names the code, not the token.
  const std::string& hash() const noexcept { return hash_; }

  /// True if `now` lies in the token's dates.
  bool valid_at(UnixSeconds now) const noexcept;

 private:
  friend Result<VerifiedModule> verify(ByteView module, const TrustList& trust, UnixSeconds now);

  VerifiedModule(Claims claims, std::string hash)
      : claims_(std::move(claims)), hash_(std::move(hash)) {}

  Claims claims_;
  std::string hash_;
};

Result<VerifiedModule> verify(ByteView module, const TrustList& trust, UnixSeconds now);

/// What `trellis test` and `trellis call FILE` accept: an unsigned module, or one whose token is
/// right in everything but trust. Never enough for a host.
struct LocalModule {
  std::optional<Claims> claims;  // absent: unsigned
  std::string hash;              // upper-case hex
};

Result<LocalModule> verify_if_signed(ByteView module, UnixSeconds now);

}  // namespace trellis::claims
