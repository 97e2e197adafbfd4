// MessagePack as the waSCC contracts use it: structs are maps with field names, integers have their
// shortest form (non-negative ones always unsigned), byte strings are `bin`.
//
// The reader accepts what any generation of hosts and guests writes: structs as maps in any order
// or as arrays by position, unknown fields, wide integers, byte strings as bin, str or arrays of
// integers, and trailing bytes.
#pragma once

#include "trellis/guest/result.h"

namespace trellis::guest::msgpack {

// noinline below: handlers call these in many places, and a module of a few kB loads fast.

// Writes into the arena. A map or an array is its count followed by its entries.
class Writer : public Buffer {
 public:
  Writer& map(uint32_t count) { return count_header(count, 0x80, 0xde); }

  Writer& array(uint32_t count) { return count_header(count, 0x90, 0xdc); }

  Writer& nil() { return byte(0xc0); }

  Writer& boolean(bool value) { return byte(value ? 0xc3 : 0xc2); }

  [[gnu::noinline]] Writer& uint(uint64_t value) {
    if (value < 0x80) {
      return byte(static_cast<uint8_t>(value));
    }
    if (value <= 0xff) {
      return big_endian(0xcc, value, 1);
    }
    if (value <= 0xffff) {
      return big_endian(0xcd, value, 2);
    }
    return value <= 0xffffffff ? big_endian(0xce, value, 4) : big_endian(0xcf, value, 8);
  }

  Writer& integer(int64_t value) {
    if (value >= 0) {
      return uint(static_cast<uint64_t>(value));
    }
    auto bits = static_cast<uint64_t>(value);
    if (value >= -32) {
      return byte(static_cast<uint8_t>(bits));
    }
    if (value >= INT8_MIN) {
      return big_endian(0xd0, bits, 1);
    }
    if (value >= INT16_MIN) {
      return big_endian(0xd1, bits, 2);
    }
    return value >= INT32_MIN ? big_endian(0xd2, bits, 4) : big_endian(0xd3, bits, 8);
  }

  [[gnu::noinline]] Writer& text(Text value) {
    auto size = static_cast<uint32_t>(value.size);
    if (size < 32) {
      byte(static_cast<uint8_t>(0xa0 | size));
    } else {
      size_header(size, 0xd9);
    }
    push(value.data, value.size);
    return *this;
  }

  [[gnu::noinline]] Writer& binary(Bytes value) {
    size_header(static_cast<uint32_t>(value.size), 0xc4);
    push(value.data, value.size);
    return *this;
  }

  // A field of a struct: its name, then its value.
  Writer& field(Text name, Text value) { return text(name).text(value); }

  Writer& field(Text name, Bytes value) { return text(name).binary(value); }

  Writer& field(Text name, int32_t value) { return text(name).integer(value); }

  Writer& field(Text name, uint32_t value) { return text(name).uint(value); }

  Writer& field(Text name, bool value) { return text(name).boolean(value); }

  template <size_t N>
  Writer& field(Text name, const char (&literal)[N]) {
    return field(name, Text(literal));
  }

 private:
  Writer& byte(uint8_t value) {
    push(value);
    return *this;
  }

  Writer& big_endian(uint8_t tag, uint64_t value, int size) {
    reserve(9);
    byte(tag);
    for (int shift = 8 * (size - 1); shift >= 0; shift -= 8) {
      byte(static_cast<uint8_t>(value >> shift));
    }
    return *this;
  }

  // `tag` has forms of 1, 2 and 4 bytes one after another.
  void size_header(uint32_t size, uint8_t tag) {
    if (size <= 0xff) {
      big_endian(tag, size, 1);
    } else if (size <= 0xffff) {
      big_endian(static_cast<uint8_t>(tag + 1), size, 2);
    } else {
      big_endian(static_cast<uint8_t>(tag + 2), size, 4);
    }
  }

  [[gnu::noinline]] Writer& count_header(uint32_t count, uint8_t fixed, uint8_t tag) {
    if (count < 16) {
      return byte(static_cast<uint8_t>(fixed | count));
    }
    return count <= 0xffff ? big_endian(tag, count, 2)
                           : big_endian(static_cast<uint8_t>(tag + 1), count, 4);
  }
};

// The kinds of values that the contracts know.
enum class Kind : uint8_t { Nil, Boolean, Uint, Negative, Float, Text, Binary, Array, Map, None };

// Reads from bytes that stay where they are. After the first value that is malformed or of another
// kind than asked for, ok() is false and every further read gives an empty value.
class Reader {
 public:
  explicit Reader(Bytes from) : at_(from.data), end_(from.data + from.size) {}

  bool ok() const { return ok_; }

  bool at_end() const { return at_ == end_; }

  // The kind of the next value; None at the end or for a byte that starts no value.
  [[gnu::noinline]] Kind peek() const {
    Reader copy = *this;
    return copy.head().kind;
  }

  // The number of entries that follow. Never more than the bytes left, which a lie would be.
  uint32_t map() { return count(Kind::Map); }

  uint32_t array() { return count(Kind::Array); }

  bool boolean() { return expect(Kind::Boolean).value != 0; }

  // An integer in any of its forms that fits.
  [[gnu::noinline]] int64_t integer() {
    Head h = head();
    bool fits = h.kind == Kind::Negative || (h.kind == Kind::Uint && h.value <= INT64_MAX);
    if (!fits) {
      ok_ = false;
      return 0;
    }
    return static_cast<int64_t>(h.value);
  }

  // An unsigned integer of at most 32 bits.
  [[gnu::noinline]] uint32_t uint32() {
    Head h = expect(Kind::Uint);
    if (h.value > UINT32_MAX) {
      ok_ = false;
    }
    return ok_ ? static_cast<uint32_t>(h.value) : 0;
  }

  int32_t int32() {
    int64_t value = integer();
    if (value < INT32_MIN || value > INT32_MAX) {
      ok_ = false;
    }
    return ok_ ? static_cast<int32_t>(value) : 0;
  }

  // A text; nil is an empty one.
  [[gnu::noinline]] Text text() {
    Head h = head();
    if (h.kind == Kind::Nil) {
      return Text();
    }
    if (h.kind != Kind::Text && h.kind != Kind::Binary) {
      ok_ = false;
      return Text();
    }
    return text_of(take(h.value));
  }

  // Bytes: bin, str, nil for none, or an array of integers, which is copied.
  [[gnu::noinline]] Bytes binary() {
    Head h = head();
    if (h.kind == Kind::Nil) {
      return Bytes();
    }
    if (h.kind == Kind::Text || h.kind == Kind::Binary) {
      return take(h.value);
    }
    if (h.kind != Kind::Array || h.value > left()) {
      ok_ = false;
      return Bytes();
    }
    auto size = static_cast<size_t>(h.value);
    auto* copy = allocate_array<uint8_t>(size);
    for (size_t i = 0; i < size && ok_; ++i) {
      uint32_t octet = uint32();
      ok_ = ok_ && octet <= 0xff;
      copy[i] = static_cast<uint8_t>(octet);
    }
    return ok_ ? Bytes(copy, size) : Bytes();
  }

  // Passes over one value of any kind. A counter stands for the nesting, so depth costs nothing.
  [[gnu::noinline]] void skip() {
    for (uint64_t pending = 1; pending > 0 && ok_; --pending) {
      Head h = head();
      switch (h.kind) {
        case Kind::Text:
        case Kind::Binary: take(h.value); break;
        case Kind::Array: pending += h.value; break;
        case Kind::Map: pending += 2 * h.value; break;
        default: break;
      }
    }
  }

 private:
  struct Head {
    Kind kind = Kind::None;
    uint64_t value = 0;  // the number, the length or the count
  };

  size_t left() const { return static_cast<size_t>(end_ - at_); }

  [[gnu::noinline]] Bytes take(uint64_t size) {
    if (!ok_ || size > left()) {
      ok_ = false;
      return Bytes();
    }
    Bytes taken(at_, static_cast<size_t>(size));
    at_ += taken.size;
    return taken;
  }

  [[gnu::noinline]] uint64_t number(size_t size) {
    Bytes bytes = take(size);
    uint64_t value = 0;
    for (uint8_t byte : bytes) {
      value = value << 8 | byte;
    }
    return value;
  }

  Head expect(Kind kind) {
    Head h = head();
    if (h.kind != kind) {
      ok_ = false;
      return Head{};
    }
    return h;
  }

  [[gnu::noinline]] uint32_t count(Kind kind) {
    Head h = expect(kind);
    if (h.value > left()) {
      ok_ = false;
    }
    return ok_ ? static_cast<uint32_t>(h.value) : 0;
  }

  Head checked(Kind kind, uint64_t value) { return ok_ ? Head{kind, value} : Head{}; }

  Head signed_number(size_t size) {
    uint64_t bits = number(size);
    int unused = 64 - 8 * static_cast<int>(size);
    int64_t value = static_cast<int64_t>(bits << unused) >> unused;
    return checked(value < 0 ? Kind::Negative : Kind::Uint, static_cast<uint64_t>(value));
  }

  Head extension(size_t size) { return checked(Kind::Binary, uint64_t{size} + 1); }

  [[gnu::noinline]] Head head() {
    if (!ok_ || at_ == end_) {
      ok_ = false;
      return Head{};
    }
    uint8_t tag = *at_++;
    if (tag < 0x80) {
      return Head{Kind::Uint, tag};
    }
    if (tag >= 0xe0) {
      return Head{Kind::Negative, static_cast<uint64_t>(static_cast<int8_t>(tag))};
    }
    if (tag < 0x90) {
      return Head{Kind::Map, static_cast<uint64_t>(tag & 15)};
    }
    if (tag < 0xa0) {
      return Head{Kind::Array, static_cast<uint64_t>(tag & 15)};
    }
    if (tag < 0xc0) {
      return Head{Kind::Text, static_cast<uint64_t>(tag & 31)};
    }
    return long_head(tag);
  }

  Head long_head(uint8_t tag) {
    switch (tag) {
      case 0xc0: return Head{Kind::Nil, 0};
      case 0xc2: return Head{Kind::Boolean, 0};
      case 0xc3: return Head{Kind::Boolean, 1};
      case 0xc4: return checked(Kind::Binary, number(1));
      case 0xc5: return checked(Kind::Binary, number(2));
      case 0xc6: return checked(Kind::Binary, number(4));
      case 0xc7: return extension(static_cast<size_t>(number(1)));
      case 0xc8: return extension(static_cast<size_t>(number(2)));
      case 0xc9: return checked(Kind::Binary, number(4) + 1);
      case 0xca: return checked(Kind::Float, number(4));
      case 0xcb: return checked(Kind::Float, number(8));
      case 0xcc: return checked(Kind::Uint, number(1));
      case 0xcd: return checked(Kind::Uint, number(2));
      case 0xce: return checked(Kind::Uint, number(4));
      case 0xcf: return checked(Kind::Uint, number(8));
      case 0xd0: return signed_number(1);
      case 0xd1: return signed_number(2);
      case 0xd2: return signed_number(4);
      case 0xd3: return signed_number(8);
      case 0xd4: return extension(1);
      case 0xd5: return extension(2);
      case 0xd6: return extension(4);
      case 0xd7: return extension(8);
      case 0xd8: return extension(16);
      case 0xd9: return checked(Kind::Text, number(1));
      case 0xda: return checked(Kind::Text, number(2));
      case 0xdb: return checked(Kind::Text, number(4));
      case 0xdc: return checked(Kind::Array, number(2));
      case 0xdd: return checked(Kind::Array, number(4));
      case 0xde: return checked(Kind::Map, number(2));
      case 0xdf: return checked(Kind::Map, number(4));
      default: ok_ = false; return Head{};
    }
  }

  const uint8_t* at_;
  const uint8_t* end_;
  bool ok_ = true;
};

// Reads a struct: calls on_field(i) with the reader at the value of names[i], for each field that
// is there. on_field reads exactly that value. Several names may stand for one field. False:
// malformed.
template <size_t N, class OnField>
bool read_struct(Reader& reader, const Text (&names)[N], OnField on_field) {
  if (reader.peek() == Kind::Array) {
    uint32_t count = reader.array();
    for (uint32_t i = 0; i < count && reader.ok(); ++i) {
      if (i < N) {
        on_field(static_cast<size_t>(i));
      } else {
        reader.skip();
      }
    }
    return reader.ok();
  }
  uint32_t count = reader.map();
  for (uint32_t i = 0; i < count && reader.ok(); ++i) {
    Text name = reader.text();
    size_t found = 0;
    while (found < N && !(names[found] == name)) {
      ++found;
    }
    if (found < N) {
      on_field(found);
    } else {
      reader.skip();
    }
  }
  return reader.ok();
}

}  // namespace trellis::guest::msgpack
