// Bytes handed to a child process in a file that exists in memory only.
#pragma once

#include <cstdint>

#include "trellis/base/bytes.h"
#include "trellis/base/error.h"
#include "trellis/base/unique_fd.h"

namespace trellis::process {

/// An empty file that may be written.
Result<UniqueFd> make_memory_file(const char* name);
/// A file with that content which nobody can change any more.
Result<UniqueFd> make_sealed_file(const char* name, ByteView content);
/// The whole content; host.resource when there are more than `max_bytes`.
Result<Bytes> read_memory_file(int fd, std::uint64_t max_bytes);
/// Appends everything at the present position.
Result<void> write_all(int fd, ByteView content);

}  // namespace trellis::process
