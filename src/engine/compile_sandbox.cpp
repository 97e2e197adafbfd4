#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <vector>

#include "trellis/engine/compile_protocol.h"

namespace trellis::engine {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
#error "name this architecture for seccomp"
#endif

constexpr int kAllowed[] = {
    SYS_read,         SYS_write,       SYS_pread64,        SYS_lseek,        SYS_close,
    SYS_fstat,        SYS_munmap,      SYS_mremap,         SYS_madvise,      SYS_brk,
    SYS_futex,        SYS_exit,        SYS_exit_group,     SYS_rt_sigreturn, SYS_rt_sigprocmask,
    SYS_rt_sigaction, SYS_sigaltstack, SYS_clock_gettime,  SYS_getrandom,    SYS_sched_yield,
    SYS_getpid,       SYS_gettid,      SYS_restart_syscall};

// Allowed without PROT_EXEC.
constexpr int kMapping[] = {SYS_mmap, SYS_mprotect};
constexpr unsigned kProtectionArgument = 2;

sock_filter statement(unsigned code, std::uint32_t value) {
  return {static_cast<std::uint16_t>(code), 0, 0, value};
}

sock_filter jump(unsigned code, std::uint32_t value, std::uint8_t yes, std::uint8_t no) {
  return {static_cast<std::uint16_t>(code), yes, no, value};
}

}  // namespace

bool enter_compile_sandbox() noexcept {
  constexpr unsigned kLoad = BPF_LD | BPF_W | BPF_ABS;
  constexpr unsigned kEqual = BPF_JMP | BPF_JEQ | BPF_K;
  constexpr unsigned kReturn = BPF_RET | BPF_K;
  const sock_filter allow = statement(kReturn, SECCOMP_RET_ALLOW);
  const sock_filter refuse = statement(kReturn, SECCOMP_RET_ERRNO | EPERM);
  std::vector<sock_filter> program;
  program.push_back(statement(kLoad, offsetof(seccomp_data, arch)));
  program.push_back(jump(kEqual, kArchitecture, 1, 0));
  program.push_back(statement(kReturn, SECCOMP_RET_KILL_PROCESS));
  program.push_back(statement(kLoad, offsetof(seccomp_data, nr)));
  for (const int number : kAllowed) {
    program.push_back(jump(kEqual, static_cast<std::uint32_t>(number), 0, 1));
    program.push_back(allow);
  }
  for (const int number : kMapping) {
    // The low half of the third argument: little-endian on both architectures.
    constexpr std::size_t kOffset =
        offsetof(seccomp_data, args) + kProtectionArgument * sizeof(std::uint64_t);
    program.push_back(jump(kEqual, static_cast<std::uint32_t>(number), 0, 4));
    program.push_back(statement(kLoad, static_cast<std::uint32_t>(kOffset)));
    program.push_back(jump(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1));
    program.push_back(refuse);
    program.push_back(allow);
  }
  program.push_back(refuse);
  const sock_fprog filter{.len = static_cast<unsigned short>(program.size()),
                          .filter = program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

}  // namespace trellis::engine
