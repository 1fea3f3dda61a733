// Opens for writing what the kernel offers as files: /proc/sys, sysrq, /sys, cgroups.
// Nothing is written. Walks all of /proc (without processes) and /sys.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cctype>

#include "attempts.h"

namespace {

using carrel::hostile::Attempts;

long open_for_writing(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  if (fd >= 0) ::close(fd);
  return fd;
}

// How many regular files below `folder` can be opened for writing; each is printed.
int writable_below(const std::string& folder, int depth) {
  if (depth > 24) return 0;
  DIR* dir = ::opendir(folder.c_str());
  if (dir == nullptr) return 0;
  int found = 0;
  while (const dirent* entry = ::readdir(dir)) {
    const std::string name = entry->d_name;
    // Of processes, only one's own can be written, and pid_one is about theirs.
    const bool process = folder == "/proc" &&
                         (std::isdigit(name[0]) != 0 || name == "self" || name == "thread-self");
    if (name == "." || name == ".." || process) continue;
    const std::string path = folder + "/" + name;
    struct stat info{};
    if (::lstat(path.c_str(), &info) == -1) continue;
    if (S_ISDIR(info.st_mode)) found += writable_below(path, depth + 1);
    if (!S_ISREG(info.st_mode) || open_for_writing(path) < 0) continue;
    if (++found <= 20) std::printf("writable %s\n", path.c_str());
  }
  ::closedir(dir);
  return found;
}

long any_below(const char* folder) {
  return writable_below(folder, 0) > 0 ? 0 : (errno = EACCES, -1);
}

long make_folder(const std::string& path) {
  const int made = ::mkdir(path.c_str(), 0755);
  if (made == 0) ::rmdir(path.c_str());
  return made;
}

long read_something(const char* path) {
  const int fd = ::open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  char byte = 0;
  return fd < 0 || ::read(fd, &byte, 1) != 1 ? -1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  Attempts attempts(argc, argv);
  for (const char* path :
       {"/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/kernel/hostname",
        "/proc/sys/vm/drop_caches", "/proc/sys/fs/binfmt_misc/register", "/proc/sysrq-trigger",
        "/proc/sys/kernel/ns_last_pid", "/proc/sys/net/ipv4/ip_forward",
        "/proc/irq/default_smp_affinity", "/proc/mtrr", "/sys/kernel/uevent_helper",
        "/sys/power/state", "/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/memory/cgroup.procs",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/pids/tasks",
        "/sys/fs/cgroup/unified/cgroup.procs", "/sys/fs/cgroup/memory/release_agent",
        "/sys/fs/cgroup/systemd/release_agent"}) {
    attempts.make(path, [=] { return open_for_writing(path); });
  }
  for (const char* folder : {"/sys/fs/cgroup", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/unified",
                             "/sys/fs/cgroup/pids", "/sys/fs/bpf", "/sys/kernel/config"}) {
    attempts.make((std::string("mkdir-in-") + folder).c_str(),
                  [=] { return make_folder(std::string(folder) + "/carrel-test"); });
  }
  for (const char* path :
       {"/proc/kcore", "/proc/kmsg", "/proc/kpageflags", "/sys/kernel/debug/tracing/trace",
        "/sys/kernel/tracing/trace", "/sys/kernel/security/lockdown"}) {
    attempts.make((std::string("read-") + path).c_str(), [=] { return read_something(path); });
  }
  attempts.make("walk-proc", [] { return any_below("/proc"); });
  attempts.make("walk-sys", [] { return any_below("/sys"); });
  return attempts.exit_status();
}
