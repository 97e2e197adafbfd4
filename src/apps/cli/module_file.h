// Reading a module's file for a command.
#pragma once

#include <string>

#include "trellis/base/bytes.h"
#include "trellis/base/error.h"

namespace trellis::apps::cli {

/// The bytes of a module: module.unreadable or module.too_large, which name the file.
Result<Bytes> read_module(const std::string& path);

}  // namespace trellis::apps::cli
