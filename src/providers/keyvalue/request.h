// The payloads of the keyvalue contract (wascc.md 5.4), both generations: decoded into views,
// replies appended to one buffer.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "trellis/base/bytes.h"
#include "trellis/base/error.h"

namespace trellis::providers::keyvalue {

enum class Op : std::uint8_t {
  Get,
  Set,
  Add,
  KeyExists,
  Del,
  Clear,
  Range,
  Push,
  ListItemDelete,
  SetAdd,
  SetRemove,
  SetQuery,
  SetUnion,
  SetIntersection,
};

/// What a store holds at most. A request beyond it is Reason::ProviderLimit and changes nothing.
struct Limits {
  std::size_t max_key_bytes = 4096;
  std::size_t max_value_bytes = std::size_t{8} << 20U;
  std::size_t max_items = 100'000;          // of one list or set
  std::size_t max_request_keys = 1'000;     // of one SetUnion or SetIntersection
  std::size_t max_combined_items = 50'000;  // members that a union or intersection visits
  std::size_t max_reply_bytes = std::size_t{8} << 20U;
  std::uint64_t max_space_keys = 1'000'000;  // keys of one key space
  std::uint64_t max_space_bytes = std::uint64_t{256} << 20U;
  std::uint64_t max_file_bytes = std::uint64_t{4} << 30U;  // of the SQLite file, all spaces
};

/// Counted for each key and each item on top of its bytes.
inline constexpr std::uint64_t kEntryOverheadBytes = 64;

/// The texts are views into the payload.
struct Request {
  Op op = Op::Get;
  std::string_view key;
  std::string_view value;              // Set, Push, ListItemDelete, SetAdd, SetRemove
  std::int32_t number = 0;             // Add
  std::int32_t start = 0;              // Range
  std::int32_t stop = 0;               // Range
  std::int32_t expires_seconds = 0;    // Set; 0 or less: never
  std::vector<std::string_view> keys;  // SetUnion, SetIntersection
};

/// nullopt: no operation of the contract.
std::optional<Op> find_op(std::string_view operation) noexcept;

/// True when the operation changes nothing.
bool reads_only(Op op) noexcept;

/// contract.malformed for what is not the request of `op`, provider.limit for what is too large.
Result<Request> decode_request(Op op, ByteView payload, const Limits& limits);

void encode_number(Bytes& out, std::int32_t value);                  // Add
void encode_value(Bytes& out, std::string_view value, bool exists);  // Get, KeyExists
void encode_set(Bytes& out, std::string_view value);                 // Set
void encode_key(Bytes& out, std::string_view key);                   // Del, Clear
void encode_count(Bytes& out, std::int64_t count);                   // list and set changes

/// {values: [...]}; provider.limit when they are larger than a reply may be.
Result<void> encode_values(Bytes& out, const std::vector<std::string_view>& values,
                           const Limits& limits);

enum class ValueKind : std::uint8_t { Text = 1, List = 2, Set = 3 };

// Errors that both stores share.

std::unexpected<Error> wrong_kind(ValueKind found, ValueKind wanted);
std::unexpected<Error> limit_reached(std::string_view what, std::uint64_t limit);

/// The number that `text` is, plus `by`; contract.value when it is none or the sum leaves 32 bits.
Result<std::int32_t> add_to_text(std::string_view text, std::int32_t by);

/// The items [first, last) of a list of `size` items that Range's indices mean: inclusive, negative
/// ones count from the end.
struct Slice {
  std::size_t first = 0;
  std::size_t last = 0;
};

Slice slice_of(std::int32_t start, std::int32_t stop, std::size_t size) noexcept;

}  // namespace trellis::providers::keyvalue
