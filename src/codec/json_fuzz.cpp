// Any bytes: what parses is written so that it parses to the same value, and the text that is
// written holds no control byte.
#include <string>

#include "trellis/base/assert.h"
#include "trellis/base/bytes.h"
#include "trellis/base/text.h"
#include "trellis/codec/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace json = trellis::codec::json;
  const trellis::ByteView input(reinterpret_cast<const std::byte*>(data), size);
  const std::string quoted = json::quote(trellis::as_text(input));
  TR_ASSERT(trellis::escape_line(quoted) == quoted);
  const trellis::Result<json::Value> unquoted = json::parse(quoted, {quoted.size(), 1});
  TR_ASSERT(unquoted.has_value());
  const trellis::Result<json::Value> value = json::parse(trellis::as_text(input));
  if (!value) return 0;
  const std::string text = json::to_text(*value);
  TR_ASSERT(trellis::escape_line(text) == text);
  const trellis::Result<json::Value> again = json::parse(text, {text.size(), 32});
  TR_ASSERT(again.has_value() && json::to_text(*again) == text);
  const std::string pretty = json::to_pretty_text(*value);
  const trellis::Result<json::Value> third = json::parse(pretty, {pretty.size(), 32});
  TR_ASSERT(third.has_value() && *third == *again);
  return 0;
}
