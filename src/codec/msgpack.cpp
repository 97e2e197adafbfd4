#include "trellis/codec/msgpack.h"

#include <array>
#include <string>

#include "trellis/base/text.h"

namespace trellis::codec::msgpack {
namespace {

template <unsigned N>
std::uint64_t load_big_endian(const std::uint8_t* at) noexcept {
  if constexpr (N == 1) return *at;
  if constexpr (N == 2) {
    std::uint16_t value = 0;
    std::memcpy(&value, at, 2);
    return __builtin_bswap16(value);
  }
  if constexpr (N == 4) {
    std::uint32_t value = 0;
    std::memcpy(&value, at, 4);
    return __builtin_bswap32(value);
  }
  if constexpr (N == 8) {
    std::uint64_t value = 0;
    std::memcpy(&value, at, 8);
    return __builtin_bswap64(value);
  }
}

std::uint64_t load(const std::uint8_t* at, unsigned bytes) noexcept {
  switch (bytes) {
    case 1: return load_big_endian<1>(at);
    case 2: return load_big_endian<2>(at);
    case 4: return load_big_endian<4>(at);
    default: return load_big_endian<8>(at);
  }
}

Token number_token(std::uint64_t value) noexcept {
  Token token;
  token.kind = Kind::Unsigned;
  token.number = value;
  return token;
}

/// A signed integer of `bytes` bytes, whose raw bits are in `raw`.
Token signed_token(std::uint64_t raw, unsigned bytes) noexcept {
  const unsigned shift = 64 - 8 * bytes;
  const std::int64_t value = std::bit_cast<std::int64_t>(raw << shift) >> shift;
  Token token;
  token.kind = value < 0 ? Kind::Negative : Kind::Unsigned;
  token.number = std::bit_cast<std::uint64_t>(value);
  return token;
}

Token sized_token(Kind kind) noexcept {
  Token token;
  token.kind = kind;
  return token;
}

std::string_view fault_text(Fault fault) noexcept {
  switch (fault) {
    case Fault::None: return "nothing is wrong";
    case Fault::Truncated: return "the input ends inside a value";
    case Fault::Reserved: return "the reserved byte c1";
    case Fault::Depth: return "nested too deeply";
    case Fault::WrongKind: return "a value of another kind was expected";
    case Fault::Range: return "a number is out of range";
    case Fault::NotUtf8: return "a text is not UTF-8";
  }
  return "unknown";
}

}  // namespace

// The lead bytes:
//   00-7f integer   80-8f map   90-9f array   a0-bf str   c0 nil   c1 reserved   c2 c3 bool
//   c4-c6 bin 8 16 32      c7-c9 ext 8 16 32    ca cb float 32 64   cc-cf unsigned 8 16 32 64
//   d0-d3 signed 8..64     d4-d8 ext of 1 2 4 8 16 bytes            d9-db str 8 16 32
//   dc dd array 16 32      de df map 16 32      e0-ff negative integer

std::optional<Token> Reader::next() noexcept {
  if (fault_ != Fault::None) return std::nullopt;
  if (at_ == end_) return set(Fault::Truncated), std::nullopt;
  const std::uint8_t lead = *at_;
  if (lead < 0x80) {
    ++at_;
    return number_token(lead);
  }
  if (lead >= 0xE0) {
    ++at_;
    return signed_token(lead, 1);
  }
  if (lead < 0x90) return open(Kind::Map, 1, lead & 0x0FU);
  if (lead < 0xA0) return open(Kind::Array, 1, lead & 0x0FU);
  if (lead < 0xC0) return take(sized_token(Kind::Text), 1, lead & 0x1FU);
  Token token;
  switch (lead) {
    case 0xC0: ++at_; return token;
    case 0xC1: return set(Fault::Reserved), std::nullopt;
    case 0xC2:
    case 0xC3:
      ++at_;
      token.kind = Kind::Boolean;
      token.boolean = lead == 0xC3;
      return token;
    default: return next_sized(lead);
  }
}

std::optional<Token> Reader::next_sized(std::uint8_t lead) noexcept {
  // Bytes of number or length after the lead byte, for c4 to df.
  static constexpr std::array<std::uint8_t, 28> kWidths = {
      1, 2, 4, 1, 2, 4, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 0, 0, 0, 0, 0, 1, 2, 4, 2, 4, 2, 4};
  const unsigned width = kWidths[lead - 0xC4U];
  if (left() < 1U + width) return set(Fault::Truncated), std::nullopt;
  const std::uint64_t value = width == 0 ? 0 : load(at_ + 1, width);
  const std::size_t header = 1U + width;
  Token token;
  if (lead <= 0xC6) return take(sized_token(Kind::Binary), header, value);
  if (lead <= 0xC9) return take(sized_token(Kind::Extension), header, value);
  if (lead <= 0xCB) {
    token.kind = Kind::Float;
    token.real = lead == 0xCA
                     ? static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(value)))
                     : std::bit_cast<double>(value);
    at_ += header;
    return token;
  }
  if (lead <= 0xD3) {
    at_ += header;
    return lead <= 0xCF ? number_token(value) : signed_token(value, width);
  }
  if (lead <= 0xD8) {
    const std::uint64_t length = std::uint64_t{1} << (lead - 0xD4U);
    return take(sized_token(Kind::Extension), 1, length);
  }
  if (lead <= 0xDB) return take(sized_token(Kind::Text), header, value);
  const Kind kind = lead <= 0xDD ? Kind::Array : Kind::Map;
  return open(kind, header, static_cast<std::uint32_t>(value));
}

/// A str, bin or ext whose `length` payload bytes follow `header` bytes (and the type of an ext).
std::optional<Token> Reader::take(Token token, std::size_t header, std::uint64_t length) noexcept {
  const bool extension = token.kind == Kind::Extension;
  const std::uint64_t before = header + (extension ? 1U : 0U);
  if (left() < before || left() - before < length) return set(Fault::Truncated), std::nullopt;
  if (extension) token.extension_type = std::bit_cast<std::int8_t>(at_[header]);
  const std::uint8_t* payload = at_ + before;
  token.bytes = {reinterpret_cast<const std::byte*>(payload), static_cast<std::size_t>(length)};
  at_ = payload + length;
  return token;
}

std::optional<Token> Reader::open(Kind kind, std::size_t header, std::uint32_t count) noexcept {
  // Each item takes at least one byte, so a count beyond the rest of the input is a lie; callers
  // may reserve by it.
  const std::uint64_t least = kind == Kind::Map ? std::uint64_t{count} * 2 : count;
  if (left() - header < least) return set(Fault::Truncated), std::nullopt;
  at_ += header;
  Token token;
  token.kind = kind;
  token.count = count;
  return token;
}

bool Reader::skip() noexcept {
  std::array<std::uint64_t, kMaxDepth> items{};  // still to come, one entry a level
  std::size_t depth = 0;
  while (true) {
    const std::optional<Token> token = next();
    if (!token) return false;
    if (token->kind == Kind::Array || token->kind == Kind::Map) {
      if (depth == kMaxDepth) return set(Fault::Depth), false;
      items[depth] = std::uint64_t{token->count} * (token->kind == Kind::Map ? 2 : 1);
      ++depth;
    }
    while (depth > 0 && items[depth - 1] == 0) --depth;
    if (depth == 0) return true;
    --items[depth - 1];
  }
}

std::optional<bool> Reader::boolean() noexcept {
  const Reader before = *this;
  const std::optional<Token> token = next();
  if (!token) return std::nullopt;
  if (token->kind == Kind::Boolean) return token->boolean;
  at_ = before.at_;
  return set(Fault::WrongKind), std::nullopt;
}

std::optional<std::uint64_t> Reader::unsigned_integer() noexcept {
  const std::uint8_t* before = at_;
  const std::optional<Token> token = next();
  if (!token) return std::nullopt;
  if (token->kind == Kind::Unsigned) return token->number;
  at_ = before;
  set(token->kind == Kind::Negative ? Fault::Range : Fault::WrongKind);
  return std::nullopt;
}

std::optional<std::int64_t> Reader::signed_integer() noexcept {
  const std::uint8_t* before = at_;
  const std::optional<Token> token = next();
  if (!token) return std::nullopt;
  if (token->kind == Kind::Negative) return token->negative();
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (token->kind == Kind::Unsigned && token->number <= kMax)
    return static_cast<std::int64_t>(token->number);
  at_ = before;
  set(token->kind == Kind::Unsigned ? Fault::Range : Fault::WrongKind);
  return std::nullopt;
}

std::optional<double> Reader::real() noexcept {
  const std::uint8_t* before = at_;
  const std::optional<Token> token = next();
  if (!token) return std::nullopt;
  if (token->kind == Kind::Float) return token->real;
  if (token->kind == Kind::Unsigned) return static_cast<double>(token->number);
  if (token->kind == Kind::Negative) return static_cast<double>(token->negative());
  at_ = before;
  return set(Fault::WrongKind), std::nullopt;
}

std::optional<std::string_view> Reader::text() noexcept {
  const std::uint8_t* before = at_;
  const std::optional<Token> token = next();
  if (!token) return std::nullopt;
  const bool fits = token->kind == Kind::Text || token->kind == Kind::Binary;
  if (fits && is_utf8(token->text())) return token->text();
  at_ = before;
  return set(fits ? Fault::NotUtf8 : Fault::WrongKind), std::nullopt;
}

std::optional<std::uint32_t> Reader::array() noexcept {
  const std::uint8_t* before = at_;
  const std::optional<Token> token = next();
  if (!token) return std::nullopt;
  if (token->kind == Kind::Array) return token->count;
  at_ = before;
  return set(Fault::WrongKind), std::nullopt;
}

std::optional<std::uint32_t> Reader::map() noexcept {
  const std::uint8_t* before = at_;
  const std::optional<Token> token = next();
  if (!token) return std::nullopt;
  if (token->kind == Kind::Map) return token->count;
  at_ = before;
  return set(Fault::WrongKind), std::nullopt;
}

std::optional<ByteView> Reader::bytes(Bytes& scratch) {
  const std::uint8_t* before = at_;
  const std::optional<Token> token = next();
  if (!token) return std::nullopt;
  if (token->kind == Kind::Binary || token->kind == Kind::Text) return token->bytes;
  if (token->kind != Kind::Array) {
    at_ = before;
    return set(Fault::WrongKind), std::nullopt;
  }
  scratch.clear();
  scratch.reserve(token->count);
  for (std::uint32_t i = 0; i < token->count; ++i) {
    const std::optional<std::uint8_t> item = integer<std::uint8_t>();
    if (!item) return std::nullopt;
    scratch.push_back(static_cast<std::byte>(*item));
  }
  return ByteView(scratch);
}

Error Reader::error(std::string_view what) const {
  std::string message(what);
  message += " is not the expected MessagePack: ";
  message += fault_text(fault_);
  message += " (offset " + std::to_string(offset()) + ")";
  return {Reason::ContractMalformed, std::move(message)};
}

StructReader::StructReader(Reader& reader, std::span<const FieldName> names) noexcept
    : reader_(reader), names_(names) {
  for (const FieldName& field : names)
    if (field.index >= fields_) fields_ = field.index + 1;
  const std::optional<Token> header = reader.next();
  if (!header) return;
  if (header->kind != Kind::Map && header->kind != Kind::Array) {
    reader.fail_with(Fault::WrongKind);
    return;
  }
  positional_ = header->kind == Kind::Array;
  left_ = header->count;
}

std::optional<std::uint32_t> StructReader::next() noexcept {
  while (left_ > 0 && !reader_.failed()) {
    --left_;
    if (positional_) {
      const std::uint32_t position = position_++;
      if (position < fields_) return position;
    } else {
      const std::optional<Token> key = reader_.next();
      if (!key) return std::nullopt;
      if (const std::optional<std::uint32_t> index = known(*key)) return index;
      if (key->kind == Kind::Array || key->kind == Kind::Map) {
        reader_.fail_with(Fault::WrongKind);
        return std::nullopt;
      }
    }
    reader_.skip();
  }
  return std::nullopt;
}

std::optional<std::uint32_t> StructReader::known(const Token& key) const noexcept {
  if (key.kind == Kind::Text || key.kind == Kind::Binary) {
    for (const FieldName& field : names_)
      if (field.name == key.text()) return field.index;
  }
  if (key.kind == Kind::Unsigned && key.number < fields_)
    return static_cast<std::uint32_t>(key.number);
  return std::nullopt;
}

void Writer::big_endian(std::uint8_t lead, std::uint64_t value, unsigned bytes) {
  std::array<std::byte, 9> encoded{};
  encoded[0] = static_cast<std::byte>(lead);
  const std::uint64_t swapped = __builtin_bswap64(value << (64 - 8 * bytes));
  std::memcpy(encoded.data() + 1, &swapped, 8);
  append(ByteView(encoded).first(1 + bytes));
}

void Writer::unsigned_integer(std::uint64_t value) {
  if (value < 0x80) return byte(static_cast<std::uint8_t>(value));
  if (value <= 0xFF) return big_endian(0xCC, value, 1);
  if (value <= 0xFFFF) return big_endian(0xCD, value, 2);
  if (value <= 0xFFFFFFFF) return big_endian(0xCE, value, 4);
  big_endian(0xCF, value, 8);
}

void Writer::integer(std::int64_t value) {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  if (value >= 0) return unsigned_integer(bits);
  if (value >= -32) return byte(static_cast<std::uint8_t>(bits & 0xFFU));
  if (value >= -128) return big_endian(0xD0, bits, 1);
  if (value >= -32768) return big_endian(0xD1, bits, 2);
  if (value >= -2147483648LL) return big_endian(0xD2, bits, 4);
  big_endian(0xD3, bits, 8);
}

void Writer::float32(float value) {
  big_endian(0xCA, std::bit_cast<std::uint32_t>(value), 4);
}

void Writer::float64(double value) {
  big_endian(0xCB, std::bit_cast<std::uint64_t>(value), 8);
}

void Writer::text(std::string_view value) {
  if (value.size() < 32)
    byte(static_cast<std::uint8_t>(0xA0U | value.size()));
  else if (value.size() <= 0xFF)
    big_endian(0xD9, value.size(), 1);
  else if (value.size() <= 0xFFFF)
    big_endian(0xDA, value.size(), 2);
  else
    big_endian(0xDB, value.size(), 4);
  append(as_bytes(value));
}

void Writer::binary(ByteView value) {
  if (value.size() <= 0xFF)
    big_endian(0xC4, value.size(), 1);
  else if (value.size() <= 0xFFFF)
    big_endian(0xC5, value.size(), 2);
  else
    big_endian(0xC6, value.size(), 4);
  append(value);
}

void Writer::array(std::uint32_t count) {
  if (count < 16) return byte(static_cast<std::uint8_t>(0x90U | count));
  if (count <= 0xFFFF) return big_endian(0xDC, count, 2);
  big_endian(0xDD, count, 4);
}

void Writer::map(std::uint32_t count) {
  if (count < 16) return byte(static_cast<std::uint8_t>(0x80U | count));
  if (count <= 0xFFFF) return big_endian(0xDE, count, 2);
  big_endian(0xDF, count, 4);
}

void Writer::extension(std::int8_t type, ByteView value) {
  const std::size_t size = value.size();
  if (size != 0 && size <= 16 && std::has_single_bit(size))
    byte(static_cast<std::uint8_t>(0xD4 + std::countr_zero(size)));
  else if (size <= 0xFF)
    big_endian(0xC7, size, 1);
  else if (size <= 0xFFFF)
    big_endian(0xC8, size, 2);
  else
    big_endian(0xC9, size, 4);
  byte(std::bit_cast<std::uint8_t>(type));
  append(value);
}

}  // namespace trellis::codec::msgpack
