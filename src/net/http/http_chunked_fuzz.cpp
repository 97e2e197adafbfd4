// The first byte says where the rest is split; body, answer and what was consumed must not depend
// on it.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "trellis/base/assert.h"
#include "trellis/net/http/chunked.h"

namespace {

using namespace trellis;
using namespace trellis::http;

constexpr std::uint64_t kMaxBody = 300;

struct Seen {
  ParseStatus status = ParseStatus::NeedMore;
  Bytes body;
  std::size_t consumed = 0;
};

Seen decode(std::string_view bytes, std::size_t split) {
  ChunkedDecoder decoder(kMaxBody, 128);
  Seen seen;
  for (const std::string_view part : {bytes.substr(0, split), bytes.substr(split)}) {
    if (seen.status != ParseStatus::NeedMore) break;
    std::size_t consumed = 0;
    seen.status = decoder.feed(part, seen.body, consumed);
    TR_ASSERT(consumed <= part.size());
    TR_ASSERT(seen.status != ParseStatus::NeedMore || consumed == part.size());
    seen.consumed += consumed;
  }
  TR_ASSERT(seen.body.size() <= kMaxBody);
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Seen whole = decode(bytes, bytes.size());
  const Seen parts = decode(bytes, std::min<std::size_t>(data[0], bytes.size()));
  TR_ASSERT(whole.status == parts.status);
  TR_ASSERT(whole.consumed == parts.consumed);
  TR_ASSERT(equal(whole.body, parts.body));
  return 0;
}
