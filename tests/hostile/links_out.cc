// Brings a file of outside= into the working directory, or writes it through a link.
#include <fcntl.h>
#include <sys/stat.h>

#include "attempts.h"

namespace {

using carrel::hostile::Attempts;

long write_through(const std::string& target) {
  ::unlink("way");
  if (::symlink(target.c_str(), "way") == -1) return -1;
  const int fd = ::open("way", O_WRONLY | O_APPEND | O_CLOEXEC);
  const int code = errno;
  ::unlink("way");
  errno = code;
  return fd < 0 ? -1 : ::write(fd, "x", 1);
}

long link_in(const std::string& target, int flags) {
  const long made = ::linkat(AT_FDCWD, target.c_str(), AT_FDCWD, "linked", flags);
  if (made == 0) ::unlink("linked");
  return made;
}

std::string as_descriptor(const std::string& target) {
  return "/proc/self/fd/" + std::to_string(::open(target.c_str(), O_RDONLY | O_CLOEXEC));
}

long link_descriptor(const std::string& target) {
  const int fd = ::open(target.c_str(), O_RDONLY | O_CLOEXEC);
  const long made = ::linkat(fd, "", AT_FDCWD, "linked", AT_EMPTY_PATH);
  if (made == 0) ::unlink("linked");
  return made;
}

long exchange(const std::string& target) {
  ::close(::open("bait", O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
  const long made = ::syscall(SYS_renameat2, AT_FDCWD, "bait", AT_FDCWD, target.c_str(), 2);
  const int code = errno;
  if (made == 0) ::syscall(SYS_renameat2, AT_FDCWD, "bait", AT_FDCWD, target.c_str(), 2);
  ::unlink("bait");
  errno = code;
  return made;
}

long move_in_and_back(const std::string& target) {
  const long made = ::rename(target.c_str(), "moved");
  if (made == 0) ::rename("moved", target.c_str());
  return made;
}

}  // namespace

int main(int argc, char** argv) {
  Attempts attempts(argc, argv);
  const std::string outside = attempts.argument("outside");
  const std::string self_root = "/proc/self/root" + outside;
  attempts.make("symbolic-link", [&] { return write_through(outside); });
  attempts.make("symbolic-link-by-root", [&] { return write_through(self_root); });
  attempts.make("write-by-root", [&] { return ::open(self_root.c_str(), O_WRONLY | O_CLOEXEC); });
  attempts.make("write-by-pid-1-root",
                [&] { return ::open(("/proc/1/root" + outside).c_str(), O_WRONLY | O_CLOEXEC); });
  attempts.make("reopen-for-writing",
                [&] { return ::open(as_descriptor(outside).c_str(), O_WRONLY); });
  attempts.make("hard-link", [&] { return link_in(outside, 0); });
  attempts.make("hard-link-by-root", [&] { return link_in(self_root, 0); });
  attempts.make("hard-link-by-descriptor",
                [&] { return link_in(as_descriptor(outside), AT_SYMLINK_FOLLOW); });
  attempts.make("hard-link-empty-path", [&] { return link_descriptor(outside); });
  attempts.make("exchange", [&] { return exchange(outside); });
  attempts.make("move-in", [&] { return move_in_and_back(outside); });
  attempts.make("truncate", [&] { return ::truncate(outside.c_str(), 10); });
  attempts.make("change-mode", [&] { return ::chmod(outside.c_str(), 0644); });
  attempts.make("change-times", [&] { return ::utimensat(AT_FDCWD, outside.c_str(), nullptr, 0); });
  return attempts.exit_status();
}
