// Memory on demand; payloads and answers are decimal. `grow`: to that many pages of 64 KiB in all,
// answers with the pages then, or fails with `grow failed`. `dirty`: writes one byte into that many
// blocks of 4 KiB from the top of the memory down, answers with the count. `size`: the pages.

#include "trellis/guest/actor.h"

namespace guest = trellis::guest;

namespace {

size_t number(guest::Bytes text) {
  size_t value = 0;
  for (uint8_t digit : text) {
    value = value * 10 + (digit - '0');
  }
  return value;
}

guest::Reply size(guest::Bytes) {
  return guest::Builder().add(uint64_t{__builtin_wasm_memory_size(0)}).bytes();
}

guest::Reply grow(guest::Bytes payload) {
  size_t wanted = number(payload);
  size_t pages = __builtin_wasm_memory_size(0);
  if (wanted > pages && __builtin_wasm_memory_grow(0, wanted - pages) == static_cast<size_t>(-1)) {
    return guest::Error{"grow failed"};
  }
  return size(payload);
}

guest::Reply dirty(guest::Bytes payload) {
  size_t blocks = number(payload);
  uint64_t end = uint64_t{__builtin_wasm_memory_size(0)} << 16;
  // The lowest pages hold the stack and this very payload.
  if (uint64_t{blocks} * 4096 + 65536 > end) {
    return guest::Error{"not that much memory"};
  }
  for (size_t i = 1; i <= blocks; ++i) {
    *reinterpret_cast<volatile uint8_t*>(static_cast<uintptr_t>(end - i * 4096)) += 1;
  }
  return guest::Builder().add(uint64_t{blocks}).bytes();
}

}  // namespace

TRELLIS_ACTOR(guest::on("size", size), guest::on("grow", grow), guest::on("dirty", dirty))
