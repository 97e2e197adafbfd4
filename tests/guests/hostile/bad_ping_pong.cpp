// Two actors that call each other for ever: the payload `A B` calls `ping` of A with `B A`. An
// error of the call is the guest's own.

#include "trellis/guest/actor.h"

namespace guest = trellis::guest;

namespace {

guest::Reply ping(guest::Bytes payload) {
  guest::Text text = guest::text_of(payload);
  size_t blank = 0;
  while (blank < text.size && text.data[blank] != ' ') {
    ++blank;
  }
  if (blank == text.size) {
    return guest::Error{"two names are needed"};
  }
  guest::Text first(text.data, blank);
  guest::Text second(text.data + blank + 1, text.size - blank - 1);
  guest::Builder swapped;
  swapped.add(second).add(' ').add(first);
  guest::Result<guest::Bytes> below = guest::call_actor(first, "ping", swapped.bytes());
  if (!below) {
    return below.error();
  }
  return *below;
}

}  // namespace

TRELLIS_ACTOR(guest::on("ping", ping))
