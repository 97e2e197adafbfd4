// nkeys: Ed25519 keys as text with a kind and a checksum (wascc.md 3; the format of
// github.com/nats-io/nkeys).
//
//   public key  base32( kind byte | 32 bytes | CRC-16/XMODEM, little-endian )         56 characters
//   seed        base32( 0x90|kind>>5 | (kind&31)<<3 | 32 secret bytes | CRC-16 )      58 characters
//
// The checksum is always verified, and only the one canonical spelling of a key is accepted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "trellis/base/error.h"
#include "trellis/crypto/ed25519.h"

namespace trellis::crypto {

enum class KeyKind : std::uint8_t { Operator, Account, Module, User, Server, Service, Cluster };

/// "operator", "account", ...: the words of the command line.
std::string_view key_kind_text(KeyKind kind) noexcept;
/// The first letter of a public key of that kind.
char key_kind_letter(KeyKind kind) noexcept;
/// Exact, lower case.
std::optional<KeyKind> parse_key_kind(std::string_view text) noexcept;
/// All the words, for messages: "operator account module user server service cluster".
std::string_view key_kind_list() noexcept;

/// A public key with its kind; a value type.
struct PublicNkey {
  KeyKind kind = KeyKind::Module;
  PublicKey bytes{};

  bool operator==(const PublicNkey&) const = default;
};

std::string encode_public(const PublicNkey& key);
/// key.malformed says what is wrong (never the text itself: it might be a seed).
Result<PublicNkey> decode_public(std::string_view text);

/// A secret key with its kind.
class KeyPair {
 public:
  KeyPair(KeyKind kind, SecretKey secret) : kind_(kind), secret_(std::move(secret)) {}

  static KeyPair generate(KeyKind kind) { return {kind, SecretKey::generate()}; }

  /// From the text of a seed; key.malformed as above.
  static Result<KeyPair> from_seed_text(std::string_view text);

  KeyKind kind() const noexcept { return kind_; }

  const SecretKey& secret() const noexcept { return secret_; }

  PublicNkey public_key() const noexcept { return {kind_, secret_.public_key()}; }

  std::string public_text() const { return encode_public(public_key()); }

  /// The seed as text: a secret; the caller wipes it.
  std::string seed_text() const;

 private:
  KeyKind kind_;
  SecretKey secret_;
};

/// CRC-16/XMODEM: polynomial 0x1021, start 0, not reflected.
std::uint16_t crc16_xmodem(ByteView bytes) noexcept;

}  // namespace trellis::crypto
