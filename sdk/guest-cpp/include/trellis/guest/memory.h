// Memory of a call: an arena that starts over with each call, so that a warm instance stands at the
// size of its largest call and does not grow.
//
// Everything that the SDK hands out (payloads, texts, lists, replies) lies in the arena and is
// valid until the handler has returned. What must outlive a call belongs in a global of the actor.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef TRELLIS_GUEST_LIBC
#include <stdlib.h>
#include <string.h>
#else

// Without a libc the compiler still calls these four. `weak`: the first definition is taken,
// whichever source it comes from. no_builtin: a loop in memcpy must not become a call of memcpy.
extern "C" {

__attribute__((weak, no_builtin("memcpy"))) void* memcpy(void* to, const void* from, size_t size) {
  auto* out = static_cast<uint8_t*>(to);
  auto* in = static_cast<const uint8_t*>(from);
  // wasm has no alignment rule, so eight bytes at a time are fine at any address. The last piece
  // overlaps the one before it: names and values are short, and single bytes would cost most.
  if (size >= 8) {
    uint8_t* last = out + size - 8;
    uint64_t tail;
    __builtin_memcpy_inline(&tail, in + size - 8, 8);
    for (; out < last; out += 8, in += 8) {
      __builtin_memcpy_inline(out, in, 8);
    }
    __builtin_memcpy_inline(last, &tail, 8);
    return to;
  }
  if (size >= 4) {
    uint32_t tail;
    __builtin_memcpy_inline(&tail, in + size - 4, 4);
    __builtin_memcpy_inline(out, in, 4);
    __builtin_memcpy_inline(out + size - 4, &tail, 4);
    return to;
  }
  for (; size > 0; --size) {
    *out++ = *in++;
  }
  return to;
}

__attribute__((weak, no_builtin("memmove", "memcpy"))) void* memmove(void* to, const void* from,
                                                                     size_t size) {
  auto* out = static_cast<uint8_t*>(to);
  auto* in = static_cast<const uint8_t*>(from);
  if (out <= in || out >= in + size) {
    return memcpy(to, from, size);
  }
  while (size > 0) {
    --size;
    out[size] = in[size];
  }
  return to;
}

__attribute__((weak, no_builtin("memset"))) void* memset(void* to, int value, size_t size) {
  auto* out = static_cast<uint8_t*>(to);
  for (size_t i = 0; i < size; ++i) {
    out[i] = static_cast<uint8_t>(value);
  }
  return to;
}

__attribute__((weak, no_builtin("memcmp"))) int memcmp(const void* left, const void* right,
                                                       size_t size) {
  auto* a = static_cast<const uint8_t*>(left);
  auto* b = static_cast<const uint8_t*>(right);
  for (size_t i = 0; i < size; ++i) {
    if (a[i] != b[i]) {
      return a[i] < b[i] ? -1 : 1;
    }
  }
  return 0;
}

extern unsigned char __heap_base;  // set by the linker: the first byte after stack and data

}  // extern "C"
#endif

namespace trellis::guest {

namespace detail {

// Ends the call as a trap; the text reaches the caller as the error.
[[noreturn]] void stop(const char* text, size_t size);

#ifdef TRELLIS_GUEST_LIBC
// Beside a libc the top of memory belongs to malloc: the arena is a chain of its blocks. The first
// one stays between calls.
struct Block {
  Block* next;
  size_t size;
};

struct Arena {
  Block* first = nullptr;
  Block* current = nullptr;
  uintptr_t next = 0;
  uintptr_t end = 0;

  void enter(Block* block) {
    current = block;
    next = reinterpret_cast<uintptr_t>(block + 1);
    end = next + block->size;
  }

  void reset() {
    if (first == nullptr) {
      return;
    }
    while (first->next != nullptr) {
      Block* rest = first->next;
      first->next = rest->next;
      free(rest);
    }
    enter(first);
  }

  bool more(size_t size) {
    size_t wanted = size < 16384 ? 16384 : size + 16;
    auto* block = wanted < size ? nullptr : static_cast<Block*>(malloc(sizeof(Block) + wanted));
    if (block == nullptr) {
      return false;
    }
    block->next = nullptr;
    block->size = wanted;
    if (first == nullptr) {
      first = block;
    } else {
      current->next = block;
    }
    enter(block);
    return true;
  }
};
#else
struct Arena {
  uintptr_t next = 0;
  uintptr_t end = 0;

  void reset() {
    next = (reinterpret_cast<uintptr_t>(&__heap_base) + 15) & ~uintptr_t{15};
    end = static_cast<uintptr_t>(__builtin_wasm_memory_size(0)) << 16;
  }

  bool more(size_t size) {
    // Blocks come from one end, so the new pages continue the last one.
    uint64_t wanted = uint64_t{next} + size + 15;
    if (wanted > UINT32_MAX) {
      return false;
    }
    auto pages = static_cast<uintptr_t>((wanted - end + 65535) >> 16);
    if (__builtin_wasm_memory_grow(0, pages) == static_cast<uintptr_t>(-1)) {
      return false;
    }
    end += pages << 16;
    return true;
  }
};
#endif

inline constinit Arena arena;

}  // namespace detail

// `size` bytes, aligned to 8, not cleared, valid until the handler returns. The call ends with the
// error `out of memory` when the host's limit is reached.
[[gnu::noinline]] inline void* allocate(size_t size) {
  detail::Arena& arena = detail::arena;
  uintptr_t at = (arena.next + 7) & ~uintptr_t{7};
  if (at > arena.end || size > arena.end - at) {
    if (!arena.more(size)) {
      detail::stop("out of memory", 13);
    }
    at = (arena.next + 7) & ~uintptr_t{7};
  }
  arena.next = at + size;
  return reinterpret_cast<void*>(at);  // NOLINT(performance-no-int-to-ptr): linear memory
}

// Room for `count` values of T, not constructed. T is a plain value type.
template <class T>
T* allocate_array(size_t count) {
  if (count > SIZE_MAX / sizeof(T)) {
    detail::stop("out of memory", 13);
  }
  return static_cast<T*>(allocate(count * sizeof(T)));
}

// Makes the block at `old` (of `old_size` bytes) at least `size` bytes long, in place when it is
// the arena's last one; returns its address.
[[gnu::noinline]] inline void* reallocate(void* old, size_t old_size, size_t size) {
  detail::Arena& arena = detail::arena;
  auto at = reinterpret_cast<uintptr_t>(old);
  if (old != nullptr && at + old_size == arena.next && size >= old_size &&
      size - old_size <= arena.end - arena.next) {
    arena.next = at + size;
    return old;
  }
  void* fresh = allocate(size);
  if (old_size > 0) {
    memcpy(fresh, old, old_size);
  }
  return fresh;
}

}  // namespace trellis::guest
