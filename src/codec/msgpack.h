// MessagePack (github.com/msgpack/msgpack/blob/master/spec.md), read in place and appended.
//
// The reader never allocates and never copies: texts and byte strings are views into the input,
// which must outlive them. It is strict about structure (no announced length or count beyond what
// the input can hold, a bound on nesting in skip()) and lenient about spelling: integers may have
// any width, texts may come as bin and bytes as str or as an array of integers, structs as maps in
// any order or as positional arrays, because guests of six years do all of that (wascc.md 5.1).
// What follows the value is the caller's business: ask rest().
//
// A failed read leaves the reader failed: each later read answers nullopt, so a decoder may check
// once at its end. Reader and Writer are for one thread at a time.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <optional>
#include <span>
#include <string_view>

#include "trellis/base/bytes.h"
#include "trellis/base/error.h"

namespace trellis::codec::msgpack {

/// skip() refuses values nested deeper than this.
inline constexpr std::size_t kMaxDepth = 64;

enum class Kind : std::uint8_t {
  Nil,
  Boolean,
  Unsigned,  // any integer >= 0, whatever its spelling
  Negative,  // an integer < 0
  Float,
  Text,
  Binary,
  Array,
  Map,
  Extension,
};

/// One item; for Array and Map the items follow, `count` of them or `count` pairs.
struct Token {
  Kind kind = Kind::Nil;
  bool boolean = false;
  std::int8_t extension_type = 0;
  std::uint32_t count = 0;
  std::uint64_t number = 0;  // Unsigned: the value; Negative: its two's complement
  double real = 0;
  ByteView bytes;  // Text, Binary, Extension: a view into the input

  std::int64_t negative() const noexcept { return std::bit_cast<std::int64_t>(number); }

  std::string_view text() const noexcept { return as_text(bytes); }
};

enum class Fault : std::uint8_t {
  None,
  Truncated,  // the input ends inside an item, or cannot hold what a header announces
  Reserved,   // the byte c1
  Depth,
  WrongKind,  // a typed read met another kind
  Range,      // an integer does not fit the type that was asked for
  NotUtf8,
};

class Reader {
 public:
  explicit Reader(ByteView input) noexcept : begin_(as_u8(input)), at_(begin_) {
    end_ = begin_ + input.size();
  }

  /// The next item; nullopt at the end of the input too (at_end() first tells them apart).
  std::optional<Token> next() noexcept;

  /// What next() would return, without consuming it.
  std::optional<Token> peek() const noexcept {
    Reader copy = *this;
    return copy.next();
  }

  /// Consumes one whole value with all that is nested in it.
  bool skip() noexcept;

  // Typed reads: consume one item, or fail with Fault::WrongKind or Fault::Range.

  std::optional<bool> boolean() noexcept;
  std::optional<std::uint64_t> unsigned_integer() noexcept;
  std::optional<std::int64_t> signed_integer() noexcept;
  /// A float of either width or an integer.
  std::optional<double> real() noexcept;
  /// UTF-8 from a str or a bin.
  std::optional<std::string_view> text() noexcept;
  std::optional<std::uint32_t> array() noexcept;
  std::optional<std::uint32_t> map() noexcept;
  /// The bytes of a bin or str (a view into the input), or of an array of integers 0 to 255, which
  /// are gathered in `scratch` (replaced; at most one byte for each byte of input).
  std::optional<ByteView> bytes(Bytes& scratch);

  /// Consumes a nil if the next item is one.
  bool take_nil() noexcept {
    if (fault_ != Fault::None || at_ == end_ || *at_ != 0xC0) return false;
    ++at_;
    return true;
  }

  template <class T>
  std::optional<T> integer() noexcept {
    if constexpr (std::numeric_limits<T>::is_signed) {
      const std::optional<std::int64_t> value = signed_integer();
      if (!value) return std::nullopt;
      if (*value < std::numeric_limits<T>::min() || *value > std::numeric_limits<T>::max())
        return set(Fault::Range), std::nullopt;
      return static_cast<T>(*value);
    } else {
      const std::optional<std::uint64_t> value = unsigned_integer();
      if (!value) return std::nullopt;
      if (*value > std::numeric_limits<T>::max()) return set(Fault::Range), std::nullopt;
      return static_cast<T>(*value);
    }
  }

  bool at_end() const noexcept { return at_ == end_; }

  bool failed() const noexcept { return fault_ != Fault::None; }

  Fault fault() const noexcept { return fault_; }

  /// Bytes consumed so far; after a failure the offset of the item that failed.
  std::size_t offset() const noexcept { return static_cast<std::size_t>(at_ - begin_); }

  ByteView rest() const noexcept {
    return {reinterpret_cast<const std::byte*>(at_), static_cast<std::size_t>(end_ - at_)};
  }

  /// Lets a decoder mark a value that it does not accept.
  void fail_with(Fault fault) noexcept { set(fault); }

  /// contract.malformed with what is wrong and where; only for a failed reader.
  Error error(std::string_view what) const;

 private:
  void set(Fault fault) noexcept {
    if (fault_ == Fault::None) fault_ = fault;
  }

  std::optional<Token> next_sized(std::uint8_t lead) noexcept;
  std::optional<Token> take(Token token, std::size_t header, std::uint64_t length) noexcept;
  std::optional<Token> open(Kind kind, std::size_t header, std::uint32_t count) noexcept;

  std::uint64_t left() const noexcept { return static_cast<std::uint64_t>(end_ - at_); }

  const std::uint8_t* begin_;
  const std::uint8_t* at_;
  const std::uint8_t* end_;
  Fault fault_ = Fault::None;
};

/// A field's spelling and its number; several spellings may share a number.
struct FieldName {
  std::string_view name;
  std::uint32_t index;
};

/// Walks a struct: a map with text (or integer) keys in any order, unknown ones skipped, or a
/// positional array whose n-th item is field n.
///
///   StructReader fields(reader, kNames);
///   while (const std::optional<std::uint32_t> field = fields.next()) {
///     switch (*field) { case 0: request.method = reader.text().value_or(""); break; ... }
///   }
///   if (reader.failed()) return std::unexpected(reader.error("http request"));
///
/// The caller must consume exactly one value after each field. A repeated key is delivered again.
class StructReader {
 public:
  /// Consumes the header; the reader fails (WrongKind) when the value is neither map nor array.
  StructReader(Reader& reader, std::span<const FieldName> names) noexcept;
  /// The number of the next known field; nullopt at the end of the struct or on failure.
  std::optional<std::uint32_t> next() noexcept;

 private:
  std::optional<std::uint32_t> known(const Token& key) const noexcept;

  Reader& reader_;
  std::span<const FieldName> names_;
  std::uint32_t left_ = 0;
  std::uint32_t position_ = 0;
  std::uint32_t fields_ = 0;  // one more than the highest field number
  bool positional_ = false;
};

/// Appends to a buffer that the caller owns; always the shortest spelling, integers >= 0 always
/// unsigned. Lengths and counts above 2^32-1 do not exist in the format: callers bound them.
class Writer {
 public:
  explicit Writer(Bytes& out) noexcept : out_(out) {}

  void nil() { byte(0xC0); }

  void boolean(bool value) { byte(value ? 0xC3 : 0xC2); }

  void unsigned_integer(std::uint64_t value);
  void integer(std::int64_t value);
  void float32(float value);
  void float64(double value);
  void text(std::string_view value);
  void binary(ByteView value);
  /// The header; `count` items must follow.
  void array(std::uint32_t count);
  /// The header; `count` pairs must follow.
  void map(std::uint32_t count);
  void extension(std::int8_t type, ByteView value);

  /// The bytes of a value that is already encoded.
  void raw(ByteView encoded) { append(encoded); }

 private:
  void byte(std::uint8_t value) { out_.push_back(static_cast<std::byte>(value)); }

  void append(ByteView bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }

  void big_endian(std::uint8_t lead, std::uint64_t value, unsigned bytes);

  Bytes& out_;
};

}  // namespace trellis::codec::msgpack
