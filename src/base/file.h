// Whole small files. Not for request paths: these calls block.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "trellis/base/bytes.h"
#include "trellis/base/error.h"

namespace trellis {

/// Reads a regular file of at most `max_bytes` (Reason::FileUnreadable names the file and why; a
/// larger one is Reason::ModuleTooLarge).
Result<Bytes> read_file(const std::string& path, std::uint64_t max_bytes);

/// Writes to a temporary file beside `path`, syncs it and renames it over `path`.
Result<void> write_file_atomically(const std::string& path, ByteView content, mode_t mode);

/// Creates `path` with `mode`; an existing file is Reason::FileExists and stays as it is.
Result<void> write_new_file(const std::string& path, ByteView content, mode_t mode);

/// `$XDG_CONFIG_HOME/trellis`, `$XDG_DATA_HOME/trellis`, `$XDG_CACHE_HOME/trellis` with the
/// defaults of the XDG base directory specification; relative values are ignored, as it asks.
std::string config_directory();
std::string data_directory();
std::string cache_directory();

/// Creates `path` and its parents, new ones with mode 0700.
Result<void> make_directories(const std::string& path);

/// "reading": "no such file or directory" in lower case for an errno value.
std::string errno_text(int error_number);

}  // namespace trellis
