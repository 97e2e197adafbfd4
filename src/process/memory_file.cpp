#include "trellis/process/memory_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "trellis/base/file.h"

namespace trellis::process {

Result<UniqueFd> make_memory_file(const char* name) {
  UniqueFd file(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file) return fail(Reason::HostResource, "memfd_create: " + errno_text(errno));
  return file;
}

Result<void> write_all(int fd, ByteView content) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail(Reason::HostResource, "writing: " + errno_text(errno));
    content = content.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

Result<UniqueFd> make_sealed_file(const char* name, ByteView content) {
  TR_TRY(UniqueFd file, make_memory_file(name));
  TR_CHECK(write_all(file.get(), content));
  constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  if (::fcntl(file.get(), F_ADD_SEALS, kSeals) != 0) {
    return fail(Reason::HostResource, "sealing a memory file: " + errno_text(errno));
  }
  return file;
}

Result<Bytes> read_memory_file(int fd, std::uint64_t max_bytes) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) {
    return fail(Reason::HostResource, "reading a memory file: " + errno_text(errno));
  }
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size > max_bytes) {
    return fail(Reason::HostResource, "the process returned " + std::to_string(size) +
                                          " bytes; the limit is " + std::to_string(max_bytes));
  }
  Bytes content(static_cast<std::size_t>(size));
  std::size_t filled = 0;
  while (filled < content.size()) {
    const ssize_t got =
        ::pread(fd, content.data() + filled, content.size() - filled, static_cast<off_t>(filled));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return fail(Reason::HostResource, "reading a memory file: it became shorter");
    filled += static_cast<std::size_t>(got);
  }
  return content;
}

}  // namespace trellis::process
