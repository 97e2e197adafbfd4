#include "trellis/crypto/nkeys.h"

#include <algorithm>
#include <array>
#include <utility>

#include "trellis/codec/base32.h"

namespace trellis::crypto {
namespace {

struct KindRow {
  KeyKind kind;
  std::uint8_t prefix;
  char letter;
  std::string_view text;
};

constexpr std::array<KindRow, 7> kKinds = {{
    {KeyKind::Operator, 0x70, 'O', "operator"},
    {KeyKind::Account, 0x00, 'A', "account"},
    {KeyKind::Module, 0x60, 'M', "module"},
    {KeyKind::User, 0xA0, 'U', "user"},
    {KeyKind::Server, 0x68, 'N', "server"},
    {KeyKind::Service, 0xA8, 'V', "service"},
    {KeyKind::Cluster, 0x10, 'C', "cluster"},
}};

constexpr std::uint8_t kSeedPrefix = 0x90;
constexpr std::size_t kPublicTextLength = 56;
constexpr std::size_t kSeedTextLength = 58;
constexpr std::size_t kCrcBytes = 2;

const KindRow& row(KeyKind kind) noexcept {
  return kKinds[static_cast<std::size_t>(kind)];
}

std::optional<KeyKind> kind_of_prefix(std::uint8_t prefix) noexcept {
  for (const KindRow& kind : kKinds)
    if (kind.prefix == prefix) return kind.kind;
  return std::nullopt;
}

void append_crc(Bytes& bytes) {
  const std::uint16_t crc = crc16_xmodem(bytes);
  bytes.push_back(static_cast<std::byte>(crc & 0xFFU));
  bytes.push_back(static_cast<std::byte>(crc >> 8U));
}

bool crc_matches(ByteView bytes) noexcept {
  const ByteView body = bytes.first(bytes.size() - kCrcBytes);
  const ByteView tail = bytes.last(kCrcBytes);
  const auto stored = static_cast<std::uint32_t>(tail[0]) | static_cast<std::uint32_t>(tail[1])
                                                                << 8U;
  return crc16_xmodem(body) == stored;
}

std::unexpected<Error> malformed(std::string_view what, std::string_view why) {
  return fail(Reason::KeyMalformed, std::string(what) + ": " + std::string(why));
}

/// The checked bytes of a key text, without its checksum.
Result<Bytes> decode_checked(std::string_view text, std::size_t length, std::string_view what) {
  if (text.size() != length)
    return malformed(
        what, std::to_string(text.size()) + " characters instead of " + std::to_string(length));
  std::optional<Bytes> bytes = codec::base32_decode(text);
  if (!bytes) return malformed(what, "not base32 in upper case without padding");
  if (!crc_matches(*bytes)) {
    wipe(*bytes);
    return malformed(what, "the checksum does not match; a character is wrong");
  }
  wipe(MutableByteView(*bytes).last(kCrcBytes));
  bytes->resize(bytes->size() - kCrcBytes);
  return *std::move(bytes);
}

}  // namespace

std::string_view key_kind_text(KeyKind kind) noexcept {
  return row(kind).text;
}

char key_kind_letter(KeyKind kind) noexcept {
  return row(kind).letter;
}

std::optional<KeyKind> parse_key_kind(std::string_view text) noexcept {
  for (const KindRow& kind : kKinds)
    if (kind.text == text) return kind.kind;
  return std::nullopt;
}

std::string_view key_kind_list() noexcept {
  return "operator account module user server service cluster";
}

std::string encode_public(const PublicNkey& key) {
  Bytes bytes;
  bytes.reserve(1 + kPublicKeyBytes + kCrcBytes);
  bytes.push_back(static_cast<std::byte>(row(key.kind).prefix));
  bytes.insert(bytes.end(), key.bytes.begin(), key.bytes.end());
  append_crc(bytes);
  return codec::base32_encode(bytes);
}

Result<PublicNkey> decode_public(std::string_view text) {
  constexpr std::string_view kWhat = "public key";
  TR_TRY(const Bytes bytes, decode_checked(text, kPublicTextLength, kWhat));
  const std::optional<KeyKind> kind = kind_of_prefix(static_cast<std::uint8_t>(bytes[0]));
  if (!kind) return malformed(kWhat, "its first letter is no kind of key");
  PublicNkey key;
  key.kind = *kind;
  std::copy(bytes.begin() + 1, bytes.end(), key.bytes.begin());
  return key;
}

Result<KeyPair> KeyPair::from_seed_text(std::string_view text) {
  constexpr std::string_view kWhat = "seed";
  TR_TRY(Bytes bytes, decode_checked(text, kSeedTextLength, kWhat));
  const auto first = static_cast<std::uint8_t>(bytes[0]);
  const auto second = static_cast<std::uint8_t>(bytes[1]);
  const auto prefix = static_cast<std::uint8_t>((first & 0x07U) << 5U | second >> 3U);
  const std::optional<KeyKind> kind = kind_of_prefix(prefix);
  if ((first & 0xF8U) != kSeedPrefix || (second & 0x07U) != 0 || !kind) {
    wipe(bytes);
    return malformed(kWhat, "its first two letters are no kind of seed");
  }
  KeyPair pair(*kind, SecretKey::from_seed(ByteView(bytes).subspan<2, kSeedBytes>()));
  wipe(bytes);
  return pair;
}

std::string KeyPair::seed_text() const {
  const std::uint8_t prefix = row(kind_).prefix;
  Bytes bytes;
  bytes.reserve(2 + kSeedBytes + kCrcBytes);
  bytes.push_back(static_cast<std::byte>(kSeedPrefix | prefix >> 5U));
  bytes.push_back(static_cast<std::byte>((prefix & 31U) << 3U));
  bytes.insert(bytes.end(), secret_.seed().begin(), secret_.seed().end());
  append_crc(bytes);
  std::string text = codec::base32_encode(bytes);
  wipe(bytes);
  return text;
}

std::uint16_t crc16_xmodem(ByteView bytes) noexcept {
  std::uint32_t crc = 0;
  for (const std::byte byte : bytes) {
    crc ^= static_cast<std::uint32_t>(byte) << 8U;
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc & 0x8000U) != 0 ? (crc << 1U) ^ 0x1021U : crc << 1U;
    crc &= 0xFFFFU;
  }
  return static_cast<std::uint16_t>(crc);
}

}  // namespace trellis::crypto
