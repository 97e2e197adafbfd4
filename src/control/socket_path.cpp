#include "trellis/control/socket_path.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <vector>

#include "trellis/base/file.h"
#include "trellis/base/unique_fd.h"

namespace trellis::control {
namespace {

constexpr std::size_t kMaxSocketPath = sizeof(sockaddr_un{}.sun_path) - 1;
constexpr std::size_t kFileNameBytes = 20;  // "/4194304.sock" and some room

std::vector<std::string> folders() {
  std::vector<std::string> all;
  const char* runtime =
      std::getenv("XDG_RUNTIME_DIR");  // NOLINT(concurrency-mt-unsafe): start-up only
  if (runtime != nullptr && runtime[0] == '/') all.push_back(std::string(runtime) + "/trellis");
  all.push_back(data_directory() + "/hosts");
  all.push_back("/tmp/trellis-" + std::to_string(::getuid()));
  return all;
}

/// Made by us, for us alone: nobody else may place a socket there.
bool is_private(const std::string& folder) {
  struct stat status{};
  return ::lstat(folder.c_str(), &status) == 0 && S_ISDIR(status.st_mode) &&
         status.st_uid == ::getuid() && (status.st_mode & 0077U) == 0;
}

bool answers(const std::string& path) {
  const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (!fd || path.size() > kMaxSocketPath) return false;
  std::memcpy(address.sun_path, path.data(), path.size());
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

}  // namespace

Result<std::string> new_socket_path() {
  std::string last_problem;
  for (const std::string& folder : folders()) {
    if (folder.size() + kFileNameBytes > kMaxSocketPath) {
      last_problem = folder + " is too long for a socket";
      continue;
    }
    if (auto made = make_directories(folder); !made) {
      last_problem = made.error().message();
      continue;
    }
    if (!is_private(folder)) {
      last_problem = folder + " is not a folder that only this user can use";
      continue;
    }
    return folder + "/" + std::to_string(::getpid()) + ".sock";
  }
  return fail(Reason::HostListen, "there is no place for the control socket: " + last_problem);
}

Result<std::string> only_socket() {
  std::vector<std::string> live;
  for (const std::string& folder : folders()) {
    if (!is_private(folder)) continue;
    std::error_code error;
    std::filesystem::directory_iterator entry(folder, error);
    for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
      const std::filesystem::path& path = entry->path();
      if (path.extension() == ".sock" && answers(path)) live.push_back(path);
    }
  }
  if (live.size() == 1) return live.front();
  if (live.empty()) {
    return fail(Reason::ControlUnreachable,
                "no host of this user is running; start one with `trellis up`, or name its socket "
                "with --host");
  }
  std::string list;
  for (const std::string& path : live) list += " " + path;
  return fail(Reason::ControlUnreachable,
              "several hosts are running; choose one with --host:" + list);
}

}  // namespace trellis::control
