// Views of bytes and of text, and a builder for text. None of them owns memory: it is the arena's
// (memory.h), a literal's or the actor's.
#pragma once

#include "trellis/guest/memory.h"

namespace trellis::guest {

// Bytes that somebody else holds.
struct Bytes {
  const uint8_t* data = nullptr;
  size_t size = 0;

  constexpr Bytes() = default;

  constexpr Bytes(const uint8_t* from, size_t count) : data(from), size(count) {}

  // Any container of bytes or characters that has data() and size().
  template <class Container>
    requires requires(const Container& c) {
      c.data();
      c.size();
    }
  Bytes(const Container& c)  // NOLINT: a view converts
      : data(reinterpret_cast<const uint8_t*>(c.data())), size(c.size()) {}

  const uint8_t* begin() const { return data; }

  const uint8_t* end() const { return data + size; }
};

// Characters, UTF-8 by convention, not ended by a NUL.
struct Text {
  const char* data = nullptr;
  size_t size = 0;

  constexpr Text() = default;

  constexpr Text(const char* from, size_t count) : data(from), size(count) {}

  template <size_t N>
  constexpr Text(const char (&literal)[N]) : data(literal), size(N - 1) {}  // NOLINT: a view

  template <class Container>
    requires requires(const Container& c) {
      c.data();
      c.size();
    }
  Text(const Container& c) : data(c.data()), size(c.size()) {}  // NOLINT: a view

  constexpr bool empty() const { return size == 0; }

  const char* begin() const { return data; }

  const char* end() const { return data + size; }

  // The same octets as bytes.
  Bytes bytes() const { return Bytes(reinterpret_cast<const uint8_t*>(data), size); }
};

[[gnu::noinline]] inline bool operator==(Text left, Text right) {
  return left.size == right.size && memcmp(left.data, right.data, left.size) == 0;
}

inline Text text_of(Bytes bytes) {
  return Text(reinterpret_cast<const char*>(bytes.data), bytes.size);
}

// A text's or a list's beginning and count in the arena.
template <class T>
struct List {
  T* items = nullptr;
  size_t size = 0;

  T* begin() const { return items; }

  T* end() const { return items + size; }

  T& operator[](size_t i) const { return items[i]; }
};

// Bytes that grow in the arena. The parent of Builder and of msgpack::Writer.
class Buffer {
 public:
  void push(uint8_t byte) {
    reserve(1);
    data_[size_++] = byte;
  }

  [[gnu::noinline]] void push(const void* from, size_t count) {
    reserve(count);
    if (count > 0) {
      memcpy(data_ + size_, from, count);
    }
    size_ += count;
  }

  // Room for `count` more bytes.
  void reserve(size_t count) {
    if (count <= capacity_ - size_) {
      return;
    }
    if (count > SIZE_MAX / 2 - size_) {
      detail::stop("out of memory", 13);
    }
    size_t wanted = size_ + count;
    if (wanted < 2 * capacity_) {
      wanted = 2 * capacity_;
    }
    if (wanted < 64) {
      wanted = 64;
    }
    data_ = static_cast<uint8_t*>(reallocate(data_, capacity_, wanted));
    capacity_ = wanted;
  }

  Bytes bytes() const { return Bytes(data_, size_); }

  Text text() const { return Text(reinterpret_cast<const char*>(data_), size_); }

 protected:
  uint8_t* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

// Builds a text piece by piece: Builder().add("n = ").add(7).text().
class Builder : public Buffer {
 public:
  Builder& add(Text text) {
    push(text.data, text.size);
    return *this;
  }

  Builder& add(char c) {
    push(static_cast<uint8_t>(c));
    return *this;
  }

  // An integer in decimal.
  template <class Number>
    requires(__is_integral(Number) && !__is_same(Number, char) && !__is_same(Number, bool))
  Builder& add(Number number) {
    auto rest = static_cast<uint64_t>(number);
    if (number < 0) {
      add('-');
      rest = 0 - rest;
    }
    return add_digits(rest);
  }

  // A JSON string with its quotes (RFC 8259). An octet that is not part of well-formed UTF-8
  // becomes U+FFFD.
  Builder& add_json(Text text);

 private:
  [[gnu::noinline]] Builder& add_digits(uint64_t number) {
    char digits[20];
    size_t at = sizeof digits;
    do {
      digits[--at] = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number > 0);
    return add(Text(digits + at, sizeof digits - at));
  }
};

namespace detail {

// Length of the well-formed UTF-8 sequence at `at` (Unicode 15, table 3-7), 0 if there is none.
inline size_t utf8_sequence(const uint8_t* at, size_t left) {
  uint8_t lead = at[0];
  if (lead < 0x80) {
    return 1;
  }
  size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || left < size) {
    return 0;
  }
  uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (at[1] < low || at[1] > high) {
    return 0;
  }
  for (size_t i = 2; i < size; ++i) {
    if ((at[i] & 0xc0) != 0x80) {
      return 0;
    }
  }
  return size;
}

}  // namespace detail

inline Builder& Builder::add_json(Text text) {
  add('"');
  const uint8_t* bytes = text.bytes().data;
  for (size_t i = 0; i < text.size;) {
    uint8_t c = bytes[i];
    size_t size = detail::utf8_sequence(bytes + i, text.size - i);
    if (c == '"' || c == '\\') {
      add('\\').add(static_cast<char>(c));
    } else if (c < 0x20 || c == 0x7f) {
      const char* hex = "0123456789abcdef";
      add("\\u00").add(hex[c >> 4]).add(hex[c & 15]);
    } else if (size == 0) {
      add("\\ufffd");
      size = 1;
    } else {
      push(bytes + i, size);
    }
    i += size;
  }
  return add('"');
}

}  // namespace trellis::guest
