// Takes over another process, pid=: PID 1 inside, which keeps the room, or outside,
// to prove itself, one that the test started.
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#include <cstdlib>

#include "attempts.h"

namespace {

using carrel::hostile::Attempts;

long open_of(int pid, const char* name, int flags) {
  return ::open(("/proc/" + std::to_string(pid) + "/" + name).c_str(), flags | O_CLOEXEC);
}

long read_of(int pid, const char* name) {
  char byte = 0;
  const long fd = open_of(pid, name, O_RDONLY);
  return fd < 0 || ::read(static_cast<int>(fd), &byte, 1) != 1 ? -1 : 0;
}

long read_link_of(int pid, const char* name) {
  char target[256];
  return ::readlink(("/proc/" + std::to_string(pid) + "/" + name).c_str(), target, sizeof target);
}

// Numbers say little; what they lead to would say a lot.
long read_any_descriptor_link(int pid) {
  for (int fd = 0; fd < 1024; ++fd) {
    if (read_link_of(pid, ("fd/" + std::to_string(fd)).c_str()) > 0) return 0;
  }
  return -1;
}

long read_memory(int pid) {
  char here[8];
  const iovec local{here, sizeof here};
  const iovec remote{reinterpret_cast<void*>(0x400000), sizeof here};
  return ::syscall(SYS_process_vm_readv, pid, &local, 1ul, &remote, 1ul, 0ul);
}

long steal_descriptor(int pid) {
  const long process = ::syscall(SYS_pidfd_open, pid, 0);
  for (int fd = 0; fd < 16; ++fd) {
    if (::syscall(SYS_pidfd_getfd, process, fd, 0) >= 0) return 0;
  }
  return -1;
}

long open_any_descriptor(int pid, int flags) {
  for (int fd = 0; fd < 16; ++fd) {
    const std::string name = "fd/" + std::to_string(fd);
    if (open_of(pid, name.c_str(), flags) >= 0) return 0;
  }
  return -1;
}

long compare(int pid) { return ::syscall(SYS_kcmp, ::getpid(), pid, 1 /* KCMP_VM */, 0, 0); }

}  // namespace

int main(int argc, char** argv) {
  Attempts attempts(argc, argv);
  const int pid = std::atoi(attempts.argument("pid").c_str());
  attempts.make("mem-read", [=] { return open_of(pid, "mem", O_RDONLY); });
  attempts.make("mem-write", [=] { return open_of(pid, "mem", O_RDWR); });
  attempts.make("exe-read", [=] { return open_of(pid, "exe", O_RDONLY); });
  attempts.make("exe-write", [=] { return open_of(pid, "exe", O_WRONLY); });
  attempts.make("root", [=] { return open_of(pid, "root/etc/passwd", O_RDONLY); });
  attempts.make("cwd", [=] { return open_of(pid, "cwd/.", O_RDONLY); });
  attempts.make("environ", [=] { return open_of(pid, "environ", O_RDONLY); });
  attempts.make("maps", [=] { return read_of(pid, "maps"); });
  attempts.make("auxv", [=] { return read_of(pid, "auxv"); });
  attempts.make("stack", [=] { return read_of(pid, "stack"); });
  attempts.make("syscall", [=] { return read_of(pid, "syscall"); });
  attempts.make("personality", [=] { return read_of(pid, "personality"); });
  attempts.make("io", [=] { return read_of(pid, "io"); });
  attempts.make("exe-link", [=] { return read_link_of(pid, "exe"); });
  attempts.make("cwd-link", [=] { return read_link_of(pid, "cwd"); });
  attempts.make("namespace-link", [=] { return read_link_of(pid, "ns/mnt"); });
  attempts.make("descriptor-links", [=] { return read_any_descriptor_link(pid); });
  attempts.make("descriptors-open", [=] { return open_any_descriptor(pid, O_RDONLY); });
  attempts.make("ptrace-attach", [=] { return ::ptrace(PTRACE_ATTACH, pid, nullptr, nullptr); });
  attempts.make("ptrace-seize", [=] { return ::ptrace(PTRACE_SEIZE, pid, nullptr, nullptr); });
  attempts.make_harmless("read-memory", [=] { return read_memory(pid); });
  attempts.make("steal-descriptor", [=] { return steal_descriptor(pid); });
  attempts.make("kcmp", [=] { return compare(pid); });
  return attempts.exit_status();
}
