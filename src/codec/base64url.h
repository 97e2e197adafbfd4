// Base64url without padding (RFC 4648 section 5), as JWTs use it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "trellis/base/bytes.h"

namespace trellis::codec {

std::string base64url_encode(ByteView bytes);

/// nullopt for padding, white space, any character outside the alphabet, a length of 4n + 1, and
/// for unused bits that are not zero: each byte string has exactly one accepted spelling.
std::optional<Bytes> base64url_decode(std::string_view text);

}  // namespace trellis::codec
