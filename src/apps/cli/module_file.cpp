#include "trellis/apps/cli/module_file.h"

#include <utility>

#include "trellis/base/file.h"
#include "trellis/claims/claims.h"

namespace trellis::apps::cli {

Result<Bytes> read_module(const std::string& path) {
  Result<Bytes> bytes = read_file(path, claims::kMaxModuleBytes);
  if (!bytes && bytes.error().reason() == Reason::FileUnreadable)
    return fail(Reason::ModuleUnreadable, bytes.error().message());
  return bytes;
}

}  // namespace trellis::apps::cli
