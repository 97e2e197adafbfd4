// __console_log: `lines` logs two lines and an empty one, `payload` logs the payload as it is,
// `bytes` logs what no terminal should see raw, `long` one line of 100 kB.

#include "trellis/guest/actor.h"

namespace guest = trellis::guest;

namespace {

guest::Reply lines(guest::Bytes) {
  guest::console_log("first line");
  guest::console_log("second\nwith a newline");
  guest::console_log("");
  return guest::Bytes();
}

guest::Reply payload(guest::Bytes bytes) {
  guest::console_log(guest::text_of(bytes));
  return guest::Bytes();
}

guest::Reply bytes(guest::Bytes) {
  guest::console_log(
      "escape \x1b[31m bell \x07 del \x7f c1 \xc2\x9b bidi \xe2\x80\xae bad \xff\xc0");
  return guest::Bytes();
}

guest::Reply long_line(guest::Bytes) {
  guest::Builder line;
  for (int i = 0; i < 10000; ++i) {
    line.add("0123456789");
  }
  guest::console_log(line.text());
  return guest::Bytes();
}

}  // namespace

TRELLIS_ACTOR(guest::on("lines", lines), guest::on("payload", payload), guest::on("bytes", bytes),
              guest::on("long", long_line))
