// Any text: a key that is accepted encodes to exactly that text, and any 32 bytes survive.
#include <array>
#include <cstring>

#include "trellis/base/assert.h"
#include "trellis/codec/base32.h"
#include "trellis/codec/base64url.h"
#include "trellis/crypto/nkeys.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace crypto = trellis::crypto;
  const trellis::ByteView input(reinterpret_cast<const std::byte*>(data), size);
  const std::string_view text = trellis::as_text(input);
  if (const auto key = crypto::decode_public(text)) TR_ASSERT(crypto::encode_public(*key) == text);
  if (const auto pair = crypto::KeyPair::from_seed_text(text)) TR_ASSERT(pair->seed_text() == text);
  if (const auto bytes = trellis::codec::base32_decode(text))
    TR_ASSERT(trellis::codec::base32_encode(*bytes) == text);
  if (const auto bytes = trellis::codec::base64url_decode(text))
    TR_ASSERT(trellis::codec::base64url_encode(*bytes) == text);
  TR_ASSERT(trellis::codec::base32_decode(trellis::codec::base32_encode(input)).has_value());
  TR_ASSERT(trellis::codec::base64url_decode(trellis::codec::base64url_encode(input)).has_value());
  crypto::PublicNkey key;
  std::memcpy(key.bytes.data(), data, std::min(size, key.bytes.size()));
  for (const auto kind : {crypto::KeyKind::Account, crypto::KeyKind::Module}) {
    key.kind = kind;
    TR_ASSERT(crypto::decode_public(crypto::encode_public(key)).value() == key);
  }
  return 0;
}
