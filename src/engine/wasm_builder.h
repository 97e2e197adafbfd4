// For tests: modules in binary form that are too large or too odd to be written as text.
#pragma once

#include <cstdint>
#include <string_view>

#include "trellis/base/bytes.h"

namespace trellis::engine::test {

inline void put(Bytes& out, std::uint8_t byte) {
  out.push_back(std::byte{byte});
}

inline void put_leb(Bytes& out, std::uint64_t value) {
  do {
    const auto low = static_cast<std::uint8_t>(value & 0x7f);
    value >>= 7;
    put(out, value != 0 ? static_cast<std::uint8_t>(low | 0x80) : low);
  } while (value != 0);
}

inline void put_all(Bytes& out, ByteView bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

inline void put_section(Bytes& out, std::uint8_t id, ByteView contents) {
  put(out, id);
  put_leb(out, contents.size());
  put_all(out, contents);
}

/// A module of `functions` functions () -> (), each with `locals` i64 locals and that code (without
/// the final end); the first one is exported as "f".
inline Bytes module_of(std::uint32_t functions, std::uint32_t locals, ByteView code) {
  Bytes body;
  put_leb(body, locals == 0 ? 0 : 1);
  if (locals != 0) {
    put_leb(body, locals);
    put(body, 0x7e);
  }
  put_all(body, code);
  put(body, 0x0b);

  Bytes module;
  for (const int byte : {0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00}) {
    put(module, static_cast<std::uint8_t>(byte));
  }
  Bytes section;
  for (const int byte : {0x01, 0x60, 0x00, 0x00}) {
    put(section, static_cast<std::uint8_t>(byte));
  }
  put_section(module, 1, section);
  section.clear();
  put_leb(section, functions);
  for (std::uint32_t i = 0; i < functions; ++i) put(section, 0);
  put_section(module, 3, section);
  section.clear();
  for (const int byte : {0x01, 0x01, 0x66, 0x00, 0x00}) {
    put(section, static_cast<std::uint8_t>(byte));
  }
  put_section(module, 7, section);
  section.clear();
  put_leb(section, functions);
  for (std::uint32_t i = 0; i < functions; ++i) {
    put_leb(section, body.size());
    put_all(section, body);
  }
  put_section(module, 10, section);
  return module;
}

/// Code that keeps `locals` variables alive across `blocks` loops: the time and the memory of the
/// register allocator grow much faster than the code does.
inline Bytes tangled_code(std::uint32_t locals, std::uint32_t blocks) {
  Bytes code;
  for (std::uint32_t i = 0; i < blocks; ++i) {
    put(code, 0x03);  // loop
    put(code, 0x40);
    put(code, 0x20);  // local.get
    put_leb(code, i % locals);
    put(code, 0x20);
    put_leb(code, (i * 7 + 3) % locals);
    put(code, 0x7c);  // i64.add
    put(code, 0x21);  // local.set
    put_leb(code, (i * 5 + 1) % locals);
    put(code, 0x20);
    put_leb(code, (i * 3 + 2) % locals);
    put(code, 0xa7);  // i32.wrap_i64
    put(code, 0x0d);  // br_if, out of or back to some loop
    put_leb(code, i % 2 == 0 ? 0 : i % 60);
  }
  for (std::uint32_t i = 0; i < blocks; ++i) put(code, 0x0b);
  return code;
}

}  // namespace trellis::engine::test
