// vfork: the child borrows the parent's memory until it execs, so that starting costs the same
// however many mappings the parent has. Between vfork and exec only system calls are made, on data
// that was prepared before.

#include "trellis/process/child.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fstream>

#include <climits>

#include "trellis/base/file.h"

namespace trellis::process {
namespace {

constexpr int kFirstDescriptor = 3;

// Everything that the child needs, as plain memory.
struct Plan {
  const char* executable;
  char* const* arguments;
  char* const* environment;
  const int* descriptors;
  int descriptor_count;
  const ResourceLimit* limits;
  std::size_t limit_count;
  int null_device;
  bool keep_stderr;
  pid_t parent;
  int error;  // written by the child
};

[[noreturn]] void give_up(Plan* plan) {
  plan->error = errno;
  ::_exit(127);
}

// Runs in the child, on the parent's memory.
[[noreturn]] void become(Plan* plan) {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    give_up(plan);
  }
  // The parent may have died before it was asked to take the child along.
  if (::getppid() != plan->parent) ::_exit(127);
  const int end = kFirstDescriptor + plan->descriptor_count;
  // First out of the way of the final numbers, then onto them.
  int moved[16];
  for (int i = 0; i < plan->descriptor_count; ++i) {
    moved[i] = ::fcntl(plan->descriptors[i], F_DUPFD, end);
    if (moved[i] < 0) give_up(plan);
  }
  const int null_device = ::fcntl(plan->null_device, F_DUPFD, end);
  if (null_device < 0) give_up(plan);
  for (int fd = 0; fd < kFirstDescriptor; ++fd) {
    if (fd == STDERR_FILENO && plan->keep_stderr) continue;
    if (::dup2(null_device, fd) < 0) give_up(plan);
  }
  for (int i = 0; i < plan->descriptor_count; ++i) {
    if (::dup2(moved[i], kFirstDescriptor + i) < 0) give_up(plan);
  }
  if (::syscall(SYS_close_range, end, UINT_MAX, 0) != 0) give_up(plan);
  for (std::size_t i = 0; i < plan->limit_count; ++i) {
    const ResourceLimit& limit = plan->limits[i];
    const rlimit value{.rlim_cur = limit.soft, .rlim_max = limit.hard};
    if (::syscall(SYS_prlimit64, 0, limit.resource, &value, nullptr) != 0) give_up(plan);
  }
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction action{};
    action.sa_handler = SIG_DFL;
    ::sigaction(signal, &action, nullptr);  // some cannot be set, and need not be
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
  ::execve(plan->executable, plan->arguments, plan->environment);
  give_up(plan);
}

// A frame of its own: the child must not touch the caller's variables.
[[gnu::noinline]] pid_t start(Plan* plan) {
  const pid_t pid = ::vfork();  // NOLINT: posix_spawn cannot do what become() does
  if (pid == 0) become(plan);
  return pid;
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> list;
  list.reserve(strings.size() + 1);
  for (const std::string& string : strings) list.push_back(const_cast<char*>(string.c_str()));
  list.push_back(nullptr);
  return list;
}

Duration to_duration(const timeval& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

}  // namespace

Result<Child> Child::spawn(const SpawnOptions& options) {
  if (options.descriptors.size() > 16) {
    return fail(Reason::Internal, "a child process gets at most 16 descriptors");
  }
  const UniqueFd null_device(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null_device) {
    return fail(Reason::FileUnreadable, "cannot open /dev/null: " + errno_text(errno));
  }
  const auto arguments = pointers(options.arguments);
  const auto environment = pointers(options.environment);
  Plan plan{.executable = options.executable.c_str(),
            .arguments = arguments.data(),
            .environment = environment.data(),
            .descriptors = options.descriptors.data(),
            .descriptor_count = static_cast<int>(options.descriptors.size()),
            .limits = options.limits.data(),
            .limit_count = options.limits.size(),
            .null_device = null_device.get(),
            .keep_stderr = options.keep_stderr,
            .parent = ::getpid(),
            .error = 0};
  // No handler of the parent's may run in the child while they share memory.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = start(&plan);
  const int vfork_error = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) {
    return fail(Reason::HostResource, "cannot start a process: " + errno_text(vfork_error));
  }
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  const int pidfd_error = errno;
  Child child(pid, std::move(pidfd));
  if (plan.error != 0) {
    return fail(Reason::FileUnreadable,
                "cannot start " + options.executable + ": " + errno_text(plan.error));
  }
  if (!child.pidfd_) {
    return fail(Reason::HostResource, "pidfd_open: " + errno_text(pidfd_error));
  }
  return child;
}

Child::~Child() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

std::optional<ExitStatus> Child::wait_until(TimePoint deadline) {
  if (pid_ < 0) return std::nullopt;
  while (true) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - SteadyClock::now()).count();
    pollfd wanted{.fd = pidfd_.get(), .events = POLLIN, .revents = 0};
    const int timeout = static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
    const int ready = ::poll(&wanted, 1, timeout);
    if (ready > 0) break;
    if (ready == 0 && left <= timeout) return std::nullopt;
  }
  int status = 0;
  rusage usage{};
  while (::wait4(pid_, &status, 0, &usage) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  ExitStatus result{.cpu = to_duration(usage.ru_utime) + to_duration(usage.ru_stime)};
  if (WIFSIGNALED(status)) {
    result.signal = WTERMSIG(status);
  } else {
    result.code = WEXITSTATUS(status);
  }
  return result;
}

void Child::kill() noexcept {
  if (pid_ >= 0) ::kill(pid_, SIGKILL);
}

std::uint64_t Child::resident_bytes() const {
  if (pid_ < 0) return 0;
  std::ifstream file("/proc/" + std::to_string(pid_) + "/statm");
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  std::uint64_t shared = 0;
  if (!(file >> size >> resident >> shared) || shared > resident) return 0;
  return (resident - shared) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace trellis::process
