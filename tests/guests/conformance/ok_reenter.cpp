// Calls itself, or any actor, through the host. `down` with the payload `ALIAS N` calls `down` of
// ALIAS with `ALIAS N-1` and answers with one more than that answer; N = 0 answers `0`.

#include "trellis/guest/actor.h"

namespace guest = trellis::guest;

namespace {

guest::Reply down(guest::Bytes payload) {
  guest::Text text = guest::text_of(payload);
  size_t blank = 0;
  while (blank < text.size && text.data[blank] != ' ') {
    ++blank;
  }
  guest::Text alias(text.data, blank);
  uint32_t left = 0;
  for (size_t i = blank + 1; i < text.size; ++i) {
    left = left * 10 + static_cast<uint32_t>(text.data[i] - '0');
  }
  if (left == 0) {
    return guest::Text("0").bytes();
  }
  guest::Builder rest;
  rest.add(alias).add(' ').add(left - 1);
  guest::Result<guest::Bytes> below = guest::call_actor(alias, "down", rest.bytes());
  if (!below) {
    return below.error();
  }
  uint32_t depth = 0;
  for (uint8_t digit : *below) {
    depth = depth * 10 + (digit - '0');
  }
  return guest::Builder().add(depth + 1).bytes();
}

}  // namespace

TRELLIS_ACTOR(guest::on("down", down))
