// An actor whose start functions begin to fail on demand: wapc_init traps while the key `broken`
// exists. `break` sets it and traps, so that the next instance cannot start; `echo` answers. Who
// removes the key (from another actor over the same store) makes it start again.

#include "trellis/guest/actor.h"
#include "trellis/guest/keyvalue.h"

namespace guest = trellis::guest;

namespace {

guest::Reply echo(guest::Bytes payload) {
  return payload;
}

guest::Reply break_it(guest::Bytes) {
  guest::Result<guest::Text> done = guest::KeyValue().set("broken", "1");
  if (!done) {
    return done.error();
  }
  __builtin_trap();
}

}  // namespace

TRELLIS_GUEST_EXPORT("wapc_init") void init() {
  guest::detail::arena.reset();
  guest::Result<bool> broken = guest::KeyValue().exists("broken");
  if (broken && *broken) {
    __builtin_trap();
  }
}

TRELLIS_ACTOR(guest::on("echo", echo), guest::on("break", break_it))
