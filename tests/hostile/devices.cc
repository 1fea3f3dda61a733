// Makes device nodes, and opens the ones that matter.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <set>

#include "attempts.h"

namespace {

using carrel::hostile::Attempts;

long make_node(unsigned long type, unsigned long device) {
  const long made = ::syscall(SYS_mknodat, AT_FDCWD, "node", type | 0666, device);
  if (made == 0) ::unlink("node");
  return made;
}

long open_device(const char* path) { return ::open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); }

// Everything in /dev that is a device and not one of those every program expects.
long unexpected_device() {
  const std::set<std::string> expected = {"null",    "zero", "full", "random",
                                          "urandom", "tty",  "ptmx", "console"};
  DIR* dev = ::opendir("/dev");
  if (dev == nullptr) return -1;
  bool found = false;
  while (const dirent* entry = ::readdir(dev)) {
    struct stat info{};
    if (::lstat((std::string("/dev/") + entry->d_name).c_str(), &info) == -1) continue;
    const bool device = S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode);
    if (!device || expected.contains(entry->d_name)) continue;
    std::printf("device /dev/%s\n", entry->d_name);
    found = true;
  }
  ::closedir(dev);
  return found ? 0 : (errno = ENOENT, -1);
}

}  // namespace

int main(int argc, char** argv) {
  Attempts attempts(argc, argv);
  attempts.make("make-memory", [] { return make_node(S_IFCHR, makedev(1, 1)); });
  attempts.make("make-null", [] { return make_node(S_IFCHR, makedev(1, 3)); });
  attempts.make("make-disk", [] { return make_node(S_IFBLK, makedev(254, 0)); });
  attempts.make("make-disk-garbage",
                [] { return make_node(1ul << 32 | S_IFBLK, makedev(254, 0)); });
  attempts.make("kernel-log", [] { return open_device("/dev/kmsg"); });
  attempts.make("memory", [] { return open_device("/dev/mem"); });
  attempts.make("fuse", [] { return open_device("/dev/fuse"); });
  attempts.make("kvm", [] { return open_device("/dev/kvm"); });
  attempts.make("tun", [] { return open_device("/dev/net/tun"); });
  attempts.make("vsock", [] { return open_device("/dev/vsock"); });
  attempts.make("loop-control", [] { return open_device("/dev/loop-control"); });
  attempts.make("unexpected-device", unexpected_device);
  return attempts.exit_status();
}
