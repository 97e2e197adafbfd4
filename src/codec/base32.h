// Base32 in upper case without padding (RFC 4648 section 6), as nkeys use it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "trellis/base/bytes.h"

namespace trellis::codec {

std::string base32_encode(ByteView bytes);

/// nullopt for padding, white space, any character outside the alphabet, a length that no byte
/// string has, and unused bits that are not zero: each byte string has exactly one accepted
/// spelling.
std::optional<Bytes> base32_decode(std::string_view text);

}  // namespace trellis::codec
