#include "control/privileges/syscall_filter.hpp"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <system_error>
#include <vector>

namespace strata {
namespace {

// A list of what is refused, not of what is allowed: drivers of DPDK call what they like.
constexpr std::array kRefused{
    SYS_execve,
    SYS_execveat,
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_pidfd_open,
    SYS_pidfd_getfd,
    SYS_pidfd_send_signal,
    SYS_kcmp,
    SYS_mount,
    SYS_umount2,
    SYS_move_mount,
    SYS_mount_setattr,
    SYS_open_tree,
    SYS_fsopen,
    SYS_fsconfig,
    SYS_fspick,
    SYS_fsmount,
    SYS_pivot_root,
    SYS_chroot,
    SYS_unshare,
    SYS_setns,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_kexec_load,
    SYS_kexec_file_load,
    SYS_reboot,
    SYS_swapon,
    SYS_swapoff,
    SYS_acct,
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_clock_adjtime,
    SYS_adjtimex,
    SYS_sethostname,
    SYS_setdomainname,
    SYS_open_by_handle_at,
    SYS_perf_event_open,
    SYS_bpf,
    SYS_userfaultfd,
    SYS_io_uring_setup,
    SYS_add_key,
    SYS_request_key,
    SYS_keyctl,
    SYS_personality,
};

// Numbers of system calls are the architecture's; those of another one that the kernel knows too say other things.
#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
constexpr std::uint32_t kForeign = 0x40000000;  // x32's begin here
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
constexpr std::uint32_t kForeign = 0xffffffff;
#else
#error "what are the numbers of system calls here?"
#endif

constexpr std::uint16_t kLoad = BPF_LD | BPF_W | BPF_ABS;
constexpr std::uint16_t kIsEqual = BPF_JMP | BPF_JEQ | BPF_K;
constexpr std::uint16_t kIsAtLeast = BPF_JMP | BPF_JGE | BPF_K;
constexpr std::uint16_t kHasAny = BPF_JMP | BPF_JSET | BPF_K;
constexpr std::uint16_t kReturn = BPF_RET | BPF_K;

// Whoever makes a user namespace has all capabilities in it. A thread has none of these flags.
constexpr std::uint32_t kNamespaces =
    CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

// Jumps are relative to the next instruction. The flags of clone3 are in memory, out of sight here: where it is not
// there the C library uses clone.
std::vector<sock_filter> filter() {
  constexpr std::size_t kBefore = 8;
  constexpr std::size_t kAllow = kBefore + kRefused.size();
  constexpr std::size_t kRefuse = kAllow + 1;
  constexpr std::size_t kNoSuchCall = kRefuse + 1;
  static_assert(kNoSuchCall < 256, "a jump is of 8 bits");
  const auto jump = [](std::size_t from, std::size_t to) { return static_cast<std::uint8_t>(to - from - 1); };
  std::vector<sock_filter> program{
      {kLoad, 0, 0, offsetof(seccomp_data, arch)},     {kIsEqual, 0, jump(1, kRefuse), kArchitecture},
      {kLoad, 0, 0, offsetof(seccomp_data, nr)},       {kIsAtLeast, jump(3, kRefuse), 0, kForeign},
      {kIsEqual, jump(4, kNoSuchCall), 0, SYS_clone3}, {kIsEqual, 0, jump(5, kBefore), SYS_clone},
      {kLoad, 0, 0, offsetof(seccomp_data, args)},     {kHasAny, jump(7, kRefuse), jump(7, kAllow), kNamespaces},
  };
  for (const long call : kRefused)
    program.push_back({kIsEqual, jump(program.size(), kRefuse), 0, static_cast<std::uint32_t>(call)});
  program.push_back({kReturn, 0, 0, SECCOMP_RET_ALLOW});
  program.push_back({kReturn, 0, 0, SECCOMP_RET_ERRNO | EPERM});
  program.push_back({kReturn, 0, 0, SECCOMP_RET_ERRNO | ENOSYS});
  return program;
}

tl::unexpected<std::string> failed(const std::string& what) {
  return tl::unexpected(what + ": " + std::generic_category().message(errno));
}

}  // namespace

tl::expected<void, std::string> refuse_programs() {
  // Of this thread; the others get it with the filter.
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed("prctl PR_SET_NO_NEW_PRIVS");
  std::vector<sock_filter> program = filter();
  const sock_fprog whole{.len = static_cast<unsigned short>(program.size()), .filter = program.data()};
  // All threads at once; and the workers go on as fast as before: without the second flag, older kernels take away the
  // processor's speculative store bypass from every thread that has a filter.
  constexpr unsigned kFlags = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW;
  const long rc = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, kFlags, &whole);
  if (rc < 0) return failed("the filter of system calls (seccomp; the kernel must have CONFIG_SECCOMP_FILTER)");
  if (rc > 0) return tl::unexpected("thread " + std::to_string(rc) + " has a filter of system calls of its own");
  return {};
}

}  // namespace strata
