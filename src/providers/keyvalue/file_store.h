// The store in an SQLite file: the same operations as the one in memory, as blocking functions for
// a job of store::Store.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "trellis/base/bytes.h"
#include "trellis/base/error.h"
#include "trellis/providers/keyvalue/memory_store.h"
#include "trellis/providers/keyvalue/request.h"
#include "trellis/store/database.h"

namespace trellis::providers::keyvalue {

/// PRAGMA application_id of our files.
inline constexpr std::int32_t kApplicationId = 0x54726B76;

/// Schema versions, oldest first.
std::span<const std::string_view> migrations() noexcept;

/// Runs one operation and appends its reply. An operation that reads_only() runs in a read
/// transaction of its own; any other must be called inside a transaction, which the caller undoes
/// after an error. `now`: milliseconds since the epoch, for what expires.
Result<void> run_on_file(store::Database& database, const SpaceName& space, const Request& request,
                         std::int64_t now, const Limits& limits, Bytes& reply);

}  // namespace trellis::providers::keyvalue
