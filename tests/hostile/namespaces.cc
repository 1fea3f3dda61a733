// Makes or enters a namespace: from there everything else could be undone.
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>

#include "attempts.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

namespace {

using carrel::hostile::Attempts;

constexpr unsigned long kGarbage = 1ul << 40;

long raw_unshare(unsigned long flags) { return ::syscall(SYS_unshare, flags); }

long raw_clone(unsigned long flags) {
  const long child = ::syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
  if (child == 0) ::_exit(0);
  return child;
}

long raw_clone3(unsigned long flags) {
  clone_args arguments{};
  arguments.flags = flags;
  arguments.exit_signal = SIGCHLD;
  const long child = ::syscall(SYS_clone3, &arguments, sizeof arguments);
  if (child == 0) ::_exit(0);
  return child;
}

long enter(const char* path) {
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  return fd < 0 ? -1 : ::syscall(SYS_setns, fd, 0);
}

long enter_process(pid_t pid, int flags) {
  const long fd = ::syscall(SYS_pidfd_open, pid, 0);
  return fd < 0 ? -1 : ::syscall(SYS_setns, fd, flags);
}

}  // namespace

int main(int argc, char** argv) {
  Attempts attempts(argc, argv);
  attempts.make("unshare-user", [] { return raw_unshare(CLONE_NEWUSER); });
  attempts.make("unshare-user-mount", [] { return raw_unshare(CLONE_NEWUSER | CLONE_NEWNS); });
  attempts.make("unshare-mount", [] { return raw_unshare(CLONE_NEWNS); });
  attempts.make("unshare-pid", [] { return raw_unshare(CLONE_NEWPID); });
  attempts.make("unshare-net", [] { return raw_unshare(CLONE_NEWNET); });
  attempts.make("unshare-ipc", [] { return raw_unshare(CLONE_NEWIPC); });
  attempts.make("unshare-uts", [] { return raw_unshare(CLONE_NEWUTS); });
  attempts.make("unshare-cgroup", [] { return raw_unshare(CLONE_NEWCGROUP); });
  attempts.make("unshare-time", [] { return raw_unshare(CLONE_NEWTIME); });
  attempts.make("unshare-garbage-bits", [] { return raw_unshare(kGarbage | CLONE_NEWUSER); });
  attempts.make("clone-user", [] { return raw_clone(CLONE_NEWUSER); });
  attempts.make("clone-user-net", [] { return raw_clone(CLONE_NEWUSER | CLONE_NEWNET); });
  attempts.make("clone-mount", [] { return raw_clone(CLONE_NEWNS); });
  attempts.make("clone-pid", [] { return raw_clone(CLONE_NEWPID); });
  attempts.make("clone-garbage-bits", [] { return raw_clone(kGarbage | CLONE_NEWUSER); });
  attempts.make("clone3-user", [] { return raw_clone3(CLONE_NEWUSER); });
  attempts.make("clone3-user-mount", [] { return raw_clone3(CLONE_NEWUSER | CLONE_NEWNS); });
  attempts.make("setns-user", [] { return enter("/proc/1/ns/user"); });
  attempts.make("setns-mount", [] { return enter("/proc/1/ns/mnt"); });
  attempts.make("setns-own-uts", [] { return enter("/proc/self/ns/uts"); });
  attempts.make("setns-own-net", [] { return enter("/proc/self/ns/net"); });
  attempts.make("setns-parent", [] { return enter_process(::getppid(), CLONE_NEWNS); });
  attempts.make("setns-pid-1", [] { return enter_process(1, CLONE_NEWUTS); });
  return attempts.exit_status();
}
