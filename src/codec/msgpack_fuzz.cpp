// Any bytes: a value that is skipped is also read item by item, what is read and written again
// reads the same, and the writer's text is never longer than the reader's.
#include <vector>

#include "trellis/base/assert.h"
#include "trellis/codec/msgpack.h"

namespace {

using trellis::Bytes;
using trellis::ByteView;
namespace msgpack = trellis::codec::msgpack;

void write(msgpack::Writer& writer, const msgpack::Token& token) {
  switch (token.kind) {
    case msgpack::Kind::Nil: return writer.nil();
    case msgpack::Kind::Boolean: return writer.boolean(token.boolean);
    case msgpack::Kind::Unsigned: return writer.unsigned_integer(token.number);
    case msgpack::Kind::Negative: return writer.integer(token.negative());
    case msgpack::Kind::Float: return writer.float64(token.real);
    case msgpack::Kind::Text: return writer.text(token.text());
    case msgpack::Kind::Binary: return writer.binary(token.bytes);
    case msgpack::Kind::Array: return writer.array(token.count);
    case msgpack::Kind::Map: return writer.map(token.count);
    case msgpack::Kind::Extension: return writer.extension(token.extension_type, token.bytes);
  }
}

bool same(const msgpack::Token& a, const msgpack::Token& b) {
  const bool nan = a.real != a.real && b.real != b.real;
  return a.kind == b.kind && a.boolean == b.boolean && a.count == b.count && a.number == b.number &&
         (a.real == b.real || nan) && a.extension_type == b.extension_type &&
         trellis::equal(a.bytes, b.bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(reinterpret_cast<const std::byte*>(data), size);
  msgpack::Reader skipper(input);
  const bool whole = skipper.skip();

  std::vector<msgpack::Token> tokens;
  std::uint64_t floats = 0;
  Bytes out;
  msgpack::Writer writer(out);
  msgpack::Reader reader(input);
  while (reader.offset() < (whole ? skipper.offset() : size)) {
    const std::optional<msgpack::Token> token = reader.next();
    if (!token) break;
    TR_ASSERT(token->bytes.size() <= size && token->count <= size);
    floats += token->kind == msgpack::Kind::Float ? 1 : 0;
    write(writer, *token);
    tokens.push_back(*token);
  }
  TR_ASSERT(!whole || (!reader.failed() && reader.offset() == skipper.offset()));
  // A float of 32 bits is written as 64; everything else is written at most as long.
  TR_ASSERT(out.size() <= reader.offset() + 4 * floats);

  msgpack::Reader again(out);
  for (const msgpack::Token& token : tokens) {
    const std::optional<msgpack::Token> copy = again.next();
    if (!copy) {
      // The count of the last items may promise more than a cut input holds.
      TR_ASSERT(!whole);
      break;
    }
    TR_ASSERT(same(token, *copy));
  }
  Bytes scratch;
  msgpack::Reader bytes(input);
  if (const std::optional<ByteView> view = bytes.bytes(scratch)) TR_ASSERT(view->size() <= size);
  TR_ASSERT(scratch.capacity() <= 16 * size);
  return 0;
}
