#include "trellis/crypto/jws.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "trellis/codec/base64url.h"

namespace trellis::crypto {
namespace {

constexpr std::string_view kHeader = R"({"typ":"jwt","alg":"Ed25519"})";
constexpr std::size_t kMaxJsonDepth = 16;

std::unexpected<Error> malformed(std::string_view what) {
  return fail(Reason::ClaimsMalformed, "the token is malformed: " + std::string(what));
}

struct Segments {
  std::string_view header;
  std::string_view payload;
  std::string_view signature;
};

Result<Segments> split(std::string_view token) {
  if (token.size() > kMaxTokenBytes)
    return malformed("it is longer than " + std::to_string(kMaxTokenBytes) + " bytes");
  const std::size_t first = token.find('.');
  const std::size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos)
    return malformed("it has not exactly three segments");
  return Segments{token.substr(0, first), token.substr(first + 1, second - first - 1),
                  token.substr(second + 1)};
}

enum class Keys : bool { Once, Repeated };

Result<codec::json::Value> decode_json(std::string_view segment, std::string_view name, Keys keys) {
  const std::optional<Bytes> bytes = codec::base64url_decode(segment);
  if (!bytes)
    return malformed("its " + std::string(name) +
                     " is not base64url without padding and white space");
  Result<codec::json::Value> value =
      codec::json::parse(as_text(*bytes), {kMaxTokenBytes, kMaxJsonDepth, keys == Keys::Repeated});
  if (!value) return malformed("its " + std::string(name) + ": " + value.error().message());
  return value;
}

Result<codec::json::Object> decode_object(std::string_view segment, std::string_view name) {
  TR_TRY(codec::json::Value value, decode_json(segment, name, Keys::Once));
  codec::json::Object* object = value.if_object();
  if (object == nullptr) return malformed("its " + std::string(name) + " is not a JSON object");
  return std::move(*object);
}

Result<void> check_header(const codec::json::Object& header) {
  // In this order, as wascap compares them.
  if (codec::json::find_text(header, "alg") != "Ed25519")
    return malformed("its alg is not Ed25519");
  if (codec::json::find_text(header, "typ") != "jwt") return malformed("its typ is not jwt");
  // Everything that tells a verifier where to find a key, or that it must understand more.
  static constexpr std::array<std::string_view, 9> kRefused = {
      "crit", "b64", "jwk", "jku", "x5c", "x5u", "x5t", "x5t#S256", "zip"};
  for (const std::string_view key : kRefused)
    if (codec::json::find(header, key) != nullptr)
      return malformed("its header must not have " + std::string(key));
  return {};
}

}  // namespace

Result<Jws> parse_jws(std::string_view token) {
  TR_TRY(const Segments segments, split(token));
  Jws jws;
  TR_TRY(jws.header, decode_object(segments.header, "header"));
  TR_CHECK(check_header(jws.header));
  TR_TRY(jws.payload, decode_object(segments.payload, "payload"));
  const std::optional<Bytes> signature = codec::base64url_decode(segments.signature);
  if (!signature || signature->size() != kSignatureBytes)
    return malformed("its signature is not 64 bytes in base64url");
  std::ranges::copy(*signature, jws.signature.begin());
  jws.signing_input = token.substr(0, segments.header.size() + 1 + segments.payload.size());
  return jws;
}

bool verify_jws(const Jws& token, const PublicKey& key) noexcept {
  return verify(key, as_bytes(token.signing_input), token.signature);
}

std::string make_jws(std::string_view payload, const SecretKey& key) {
  std::string token = codec::base64url_encode(as_bytes(kHeader));
  token.push_back('.');
  token += codec::base64url_encode(as_bytes(payload));
  const Signature signature = key.sign(as_bytes(token));
  token.push_back('.');
  token += codec::base64url_encode(signature);
  return token;
}

Result<UncheckedJws> peek_jws(std::string_view token) {
  TR_TRY(const Segments segments, split(token));
  UncheckedJws peeked;
  TR_TRY(peeked.header, decode_json(segments.header, "header", Keys::Repeated));
  TR_TRY(peeked.payload, decode_json(segments.payload, "payload", Keys::Repeated));
  return peeked;
}

}  // namespace trellis::crypto
