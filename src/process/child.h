// Processes of our own: started without a shell and without copying the parent's memory, limited
// before the first instruction of the new program, waited for with a deadline, dead with the
// parent.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "trellis/base/clock.h"
#include "trellis/base/error.h"
#include "trellis/base/unique_fd.h"

namespace trellis::process {

/// Soft and hard limit of one resource (RLIMIT_...).
struct ResourceLimit {
  int resource = 0;
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;
};

struct SpawnOptions {
  std::string executable = {};                // a path; never searched for
  std::vector<std::string> arguments = {};    // argv, argv[0] included
  std::vector<std::string> environment = {};  // "NAME=value"; empty: an empty environment
  /// Borrowed; become 3, 4, ... in the child. 0, 1 and 2 are /dev/null there, and no other
  /// descriptor of the parent's exists.
  std::vector<int> descriptors = {};
  /// The child's standard error is the parent's (for a person to read) instead of /dev/null.
  bool keep_stderr = false;
  std::vector<ResourceLimit> limits = {};
};

struct ExitStatus {
  int code = 0;    // when signal is 0
  int signal = 0;  // that ended it
  Duration cpu{};  // user and system time

  bool success() const noexcept { return code == 0 && signal == 0; }
};

/// One running or ended child; kills and reaps it when it is destroyed. One thread at a time. The
/// child dies when the THREAD that started it ends (that is how the kernel defines it), so the
/// starter must outlive it.
class Child {
 public:
  /// file.unreadable when the program cannot be started. The child has no_new_privs, a signal mask
  /// and handlers of default, and is killed when its starter's thread or process ends.
  static Result<Child> spawn(const SpawnOptions& options);

  Child(Child&& other) noexcept
      : pid_(std::exchange(other.pid_, -1)), pidfd_(std::move(other.pidfd_)) {}

  Child& operator=(Child&&) = delete;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  pid_t pid() const noexcept { return pid_; }

  /// Blocks until the child ended (its status, once) or the time came (empty).
  std::optional<ExitStatus> wait_until(TimePoint deadline);

  /// SIGKILL; wait_until() still has to collect the child.
  void kill() noexcept;

  /// Resident bytes now, of memory that is not file-backed; 0 when it ended.
  std::uint64_t resident_bytes() const;

 private:
  Child(pid_t pid, UniqueFd pidfd) noexcept : pid_(pid), pidfd_(std::move(pidfd)) {}

  pid_t pid_;  // -1 once it was reaped
  UniqueFd pidfd_;
};

}  // namespace trellis::process
