#include "trellis/base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "trellis/base/unique_fd.h"

namespace trellis {
namespace {

Result<void> write_all(int fd, ByteView content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      return fail(Reason::FileUnwritable, "cannot write " + path + ": " + errno_text(errno));
    }
    content = content.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

std::string xdg_directory(const char* variable, const char* below_home) {
  // Read once at start-up, before any thread exists.
  const char* value = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe): start-up only
  if (value != nullptr && value[0] == '/') return std::string(value) + "/trellis";
  const char* home = std::getenv("HOME");  // NOLINT(concurrency-mt-unsafe): start-up only
  if (home == nullptr || home[0] != '/') home = "/tmp";
  return std::string(home) + below_home + "/trellis";
}

}  // namespace

std::string errno_text(int error_number) {
  std::string text = std::error_code(error_number, std::generic_category()).message();
  if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z') text[0] = static_cast<char>(text[0] + 32);
  return text;
}

Result<Bytes> read_file(const std::string& path, std::uint64_t max_bytes) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) return fail(Reason::FileUnreadable, "cannot read " + path + ": " + errno_text(errno));
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) {
    return fail(Reason::FileUnreadable, "cannot read " + path + ": " + errno_text(errno));
  }
  if (!S_ISREG(status.st_mode)) {
    return fail(Reason::FileUnreadable, "cannot read " + path + ": it is not a regular file");
  }
  const auto too_large = [&] {
    return fail(Reason::ModuleTooLarge,
                path + " is larger than the limit of " + std::to_string(max_bytes) + " bytes");
  };
  if (static_cast<std::uint64_t>(status.st_size) > max_bytes) return too_large();
  Bytes content(static_cast<std::size_t>(status.st_size));
  std::size_t filled = 0;
  while (true) {
    if (filled == content.size()) content.resize(content.size() + 4096);
    const ssize_t got = ::read(file.get(), content.data() + filled, content.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      return fail(Reason::FileUnreadable, "cannot read " + path + ": " + errno_text(errno));
    }
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
    if (filled > max_bytes) return too_large();
  }
  content.resize(filled);
  return content;
}

Result<void> write_file_atomically(const std::string& path, ByteView content, mode_t mode) {
  std::string temporary = path + ".tmp.XXXXXX";
  const UniqueFd file(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!file) {
    return fail(Reason::FileUnwritable, "cannot create " + temporary + ": " + errno_text(errno));
  }
  auto written = write_all(file.get(), content, temporary);
  if (written && (::fchmod(file.get(), mode) != 0 || ::fsync(file.get()) != 0 ||
                  ::rename(temporary.c_str(), path.c_str()) != 0)) {
    written = fail(Reason::FileUnwritable, "cannot write " + path + ": " + errno_text(errno));
  }
  if (!written) ::unlink(temporary.c_str());
  return written;
}

Result<void> write_new_file(const std::string& path, ByteView content, mode_t mode) {
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!file) {
    if (errno == EEXIST) {
      return fail(Reason::FileExists,
                  path + " exists and is never overwritten: choose another name or remove it");
    }
    return fail(Reason::FileUnwritable, "cannot create " + path + ": " + errno_text(errno));
  }
  auto written = write_all(file.get(), content, path);
  if (!written) ::unlink(path.c_str());
  return written;
}

std::string config_directory() {
  return xdg_directory("XDG_CONFIG_HOME", "/.config");
}

std::string data_directory() {
  return xdg_directory("XDG_DATA_HOME", "/.local/share");
}

std::string cache_directory() {
  return xdg_directory("XDG_CACHE_HOME", "/.cache");
}

Result<void> make_directories(const std::string& path) {
  std::string part;
  std::size_t at = 0;
  while (at != std::string::npos) {
    at = path.find('/', at + 1);
    part = path.substr(0, at);
    if (part.empty() || part == ".") continue;
    if (::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST) {
      return fail(Reason::FileUnwritable,
                  "cannot create the directory " + part + ": " + errno_text(errno));
    }
  }
  return {};
}

}  // namespace trellis
