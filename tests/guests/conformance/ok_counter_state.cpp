// A counter in the instance's own memory. `count` adds one and answers with it in decimal, so a new
// instance answers `1`; `trap` and `loop` end the instance on demand.

#include "trellis/guest/actor.h"

namespace guest = trellis::guest;

namespace {

uint32_t counter = 0;

guest::Reply count(guest::Bytes) {
  return guest::Builder().add(++counter).bytes();
}

guest::Reply trap(guest::Bytes) {
  __builtin_trap();
}

guest::Reply loop(guest::Bytes) {
  for (volatile uint32_t turn = 0;;) {
    turn = turn + 1;
  }
}

}  // namespace

TRELLIS_ACTOR(guest::on("count", count), guest::on("trap", trap), guest::on("loop", loop))
