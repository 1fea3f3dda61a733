// Overwrites the programs that run the sandbox: runtime= is carrel's own file.
#include <fcntl.h>
#include <sys/stat.h>

#include "attempts.h"

namespace {

using carrel::hostile::Attempts;

long overwrite(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  return fd < 0 ? -1 : ::write(fd, "#!/bin/sh\n", 10);
}

// The runtime's file may be busy for a moment only: tries for as long as that takes.
long overwrite_soon(const std::string& path) {
  for (int i = 0; i < 200; ++i) {
    if (overwrite(path) > 0) return 0;
    ::usleep(1000);
  }
  return -1;
}

// A file opened by path only keeps its mount: reopens it later through /proc.
long reopen(const std::string& path) {
  const int fd = ::open(path.c_str(), O_PATH | O_CLOEXEC);
  return fd < 0 ? -1 : overwrite_soon("/proc/self/fd/" + std::to_string(fd));
}

}  // namespace

int main(int argc, char** argv) {
  Attempts attempts(argc, argv);
  const std::string runtime = attempts.argument("runtime");
  attempts.make("runtime", [&] { return overwrite_soon(runtime); });
  attempts.make("runtime-by-descriptor", [&] { return reopen(runtime); });
  attempts.make("runtime-replace", [&] { return ::rename("/bin/true", runtime.c_str()); });
  attempts.make("runtime-remove", [&] { return ::unlink(runtime.c_str()); });
  attempts.make("runtime-mode", [&] { return ::chmod(runtime.c_str(), 0777); });
  attempts.make("pid-1-exe", [] { return overwrite_soon("/proc/1/exe"); });
  attempts.make("pid-1-exe-by-descriptor", [] { return reopen("/proc/1/exe"); });
  attempts.make("parent-exe",
                [] { return overwrite_soon("/proc/" + std::to_string(::getppid()) + "/exe"); });
  return attempts.exit_status();
}
