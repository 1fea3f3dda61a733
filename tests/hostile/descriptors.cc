// Looks for descriptors that were inherited, and leaves through those that are folders.
#include <fcntl.h>
#include <sys/stat.h>

#include "attempts.h"

namespace {

using carrel::hostile::Attempts;

long any_open(int from) {
  bool found = false;
  for (int fd = from; fd < 1024; ++fd) {
    if (::fcntl(fd, F_GETFD) == -1) continue;
    char target[256] = {};
    const ssize_t size = ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), target, 255);
    std::printf("descriptor %d: %.*s\n", fd, static_cast<int>(size < 0 ? 0 : size), target);
    found = true;
  }
  return found ? 0 : (errno = EBADF, -1);
}

long leave_through_any() {
  for (int fd = 0; fd < 1024; ++fd) {
    if (::openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC) >= 0) return 0;
    if (::fchdir(fd) == 0) return 0;
  }
  return -1;
}

}  // namespace

int main(int argc, char** argv) {
  Attempts attempts(argc, argv);
  attempts.make("any-above-2", [] { return any_open(3); });
  attempts.make("leave-through-a-folder", leave_through_any);
  return attempts.exit_status();
}
