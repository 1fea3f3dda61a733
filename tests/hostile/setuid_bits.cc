// Leaves a setuid or setgid file in the working directory, by every call that takes
// or sets a mode. A file with the bit counts, whatever the call said.
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>

#include "attempts.h"

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

namespace {

using carrel::hostile::Attempts;

constexpr unsigned long kGarbage = 1ul << 32;
constexpr char kName[] = "planted";

// Makes the file first where the call needs one, and looks at it afterwards.
template <typename Call>
long plant(Call call) {
  ::umask(0);
  ::unlink(kName);
  call();
  const int code = errno;
  struct stat info{};
  const bool is_planted = ::lstat(kName, &info) == 0 && (info.st_mode & (S_ISUID | S_ISGID)) != 0;
  ::unlink(kName);
  errno = code == 0 ? EPERM : code;  // the call worked, without the bit
  return is_planted ? 0 : -1;
}

int make_file() { return ::open(kName, O_CREAT | O_RDWR | O_CLOEXEC, 0755); }

long open_tmpfile(unsigned long mode) {
  const long fd = ::syscall(SYS_openat, AT_FDCWD, ".", O_TMPFILE | O_WRONLY, mode);
  if (fd < 0) return fd;
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  return ::linkat(AT_FDCWD, path.c_str(), AT_FDCWD, kName, AT_SYMLINK_FOLLOW);
}

long open_by_openat2(unsigned long mode) {
  open_how how{};
  how.flags = O_CREAT | O_WRONLY;
  how.mode = mode;
  return ::syscall(SYS_openat2, AT_FDCWD, kName, &how, sizeof how);
}

void make_all(Attempts& attempts, const std::string& bit, unsigned long mode) {
  const auto try_it = [&](const char* call_name, auto call) {
    attempts.make((call_name + bit).c_str(), [&] { return plant(call); });
  };
#ifdef SYS_chmod
  try_it("chmod", [=] {
    make_file();
    ::syscall(SYS_chmod, kName, mode);
  });
  try_it("creat", [=] { ::syscall(SYS_creat, kName, mode); });
  try_it("open", [=] { ::syscall(SYS_open, kName, O_CREAT | O_WRONLY, mode); });
  try_it("mknod", [=] { ::syscall(SYS_mknod, kName, S_IFREG | mode, 0); });
#endif
  try_it("fchmod", [=] { ::syscall(SYS_fchmod, make_file(), mode); });
  try_it("fchmodat", [=] {
    make_file();
    ::syscall(SYS_fchmodat, AT_FDCWD, kName, mode);
  });
  try_it("fchmodat2", [=] {
    make_file();
    ::syscall(SYS_fchmodat2, AT_FDCWD, kName, mode, 0);
  });
  try_it("fchmodat2-empty-path",
         [=] { ::syscall(SYS_fchmodat2, make_file(), "", mode, AT_EMPTY_PATH); });
  try_it("fchmodat-proc", [=] {
    const std::string path = "/proc/self/fd/" + std::to_string(make_file());
    ::syscall(SYS_fchmodat, AT_FDCWD, path.c_str(), mode);
  });
  try_it("openat", [=] { ::syscall(SYS_openat, AT_FDCWD, kName, O_CREAT | O_WRONLY, mode); });
  try_it("openat-tmpfile", [=] { open_tmpfile(mode); });
  try_it("openat2", [=] { open_by_openat2(mode & 07777); });
  try_it("mknodat", [=] { ::syscall(SYS_mknodat, AT_FDCWD, kName, S_IFREG | mode, 0); });
  try_it("mknodat-no-type", [=] { ::syscall(SYS_mknodat, AT_FDCWD, kName, mode, 0); });
  try_it("mknodat-fifo", [=] { ::syscall(SYS_mknodat, AT_FDCWD, kName, S_IFIFO | mode, 0); });
}

}  // namespace

int main(int argc, char** argv) {
  Attempts attempts(argc, argv);
  make_all(attempts, "-setuid", 04755);
  make_all(attempts, "-setgid", 02755);
  make_all(attempts, "-both", 06755);
  make_all(attempts, "-garbage", kGarbage | 04755);
  return attempts.exit_status();
}
