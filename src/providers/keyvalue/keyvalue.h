// The keyvalue provider (wascc.md 5.4): all 14 operations of both generations, in memory or in an
// SQLite file.
//
// Whose keys a request means is decided by its grant alone: the link's value `store` names a key
// space of the tenant, and without it the space is private to (tenant, actor). Every key of a
// request must be one that the link allows.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "trellis/async/offload.h"
#include "trellis/base/error.h"
#include "trellis/provider/provider.h"
#include "trellis/providers/keyvalue/request.h"

namespace trellis::providers::keyvalue {

struct Options {
  std::string name;                 // the manifest's
  std::optional<std::string> file;  // absent: in memory, gone with the process
  Limits limits;
};

/// Opens (and creates) the file; blocking, for start-up. `pool` outlives the provider and is used
/// only with a file.
Result<std::unique_ptr<provider::Provider>> create(const Options& options,
                                                   async::OffloadPool& pool);

}  // namespace trellis::providers::keyvalue
