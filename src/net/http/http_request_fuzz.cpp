// The first byte says where the rest is split; what the parser answers must not depend on it, and
// every view must lie inside the bytes.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "trellis/base/assert.h"
#include "trellis/net/http/request.h"

namespace {

using namespace trellis;
using namespace trellis::http;

constexpr std::uint32_t kMaxHead = 512;

struct Seen {
  ParseStatus status = ParseStatus::NeedMore;
  std::string text;
};

Seen look(RequestParser& parser, ParseStatus status, std::string_view bytes) {
  Seen seen{status, {}};
  if (status == ParseStatus::Failed) seen.text = reason_text(parser.refusal().reason);
  if (status != ParseStatus::Complete) return seen;
  const Head& head = parser.head();
  TR_ASSERT(parser.size() <= bytes.size() && parser.size() <= kMaxHead);
  const Request request(bytes.data(), head, {}, "");
  const auto add = [&](std::string_view part) {
    TR_ASSERT(
        part.empty() || part == "/" ||
        (part.data() >= bytes.data() && part.data() + part.size() <= bytes.data() + parser.size()));
    for (const char c : part) TR_ASSERT(c != '\r' && c != '\n' && c != '\0');
    seen.text.append(part).append("|");
  };
  add(request.method());
  add(request.target());
  add(request.path());
  add(request.query());
  add(request.host());
  for (const HeaderView field : request.headers()) {
    add(field.name);
    add(field.value);
  }
  TR_ASSERT(!(head.chunked && head.content_length > 0));
  TR_ASSERT(request.minor_version() == 0 || !request.host().empty());
  seen.text += std::to_string(parser.size()) + " " + std::to_string(head.content_length) +
               (head.chunked ? "c" : "") + (head.keep_alive ? "k" : "") +
               (head.expect_continue ? "e" : "");
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t split = std::min<std::size_t>(data[0] * 2U, bytes.size());

  RequestParser whole(kMaxHead);
  const Seen expected = look(whole, whole.parse(bytes), bytes);

  RequestParser parts(kMaxHead);
  ParseStatus status = parts.parse(std::string(bytes.substr(0, split)));
  if (status == ParseStatus::NeedMore) status = parts.parse(bytes);
  const Seen got = look(parts, status, bytes);
  TR_ASSERT(got.status == expected.status && got.text == expected.text);

  // Again after reset(): nothing is left of the first request.
  parts.reset();
  const Seen again = look(parts, parts.parse(bytes), bytes);
  TR_ASSERT(again.status == expected.status && again.text == expected.text);
  return 0;
}
