#include "sys/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <memory>

#include "sys/error.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U  // Linux 6.3
#endif

namespace carrel::sys {

Result<UniqueFd> open(const std::string& path, int flags, unsigned mode) {
  const int fd = retry([&] { return ::open(path.c_str(), flags | O_CLOEXEC, mode); });
  if (fd == -1) return failed("open", path);
  return UniqueFd(fd);
}

Result<UniqueFd> open_no_symlinks(const std::string& path, int flags) {
  open_how how{};
  how.flags = static_cast<__u64>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  const long fd =
      retry([&] { return ::syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how); });
  if (fd == -1) return failed("openat2", path);
  return UniqueFd(static_cast<int>(fd));
}

Result<std::optional<struct stat>> lstat_if_exists(const std::string& path) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) == 0) return std::optional(info);
  if (errno == ENOENT || errno == ENOTDIR) return std::optional<struct stat>();
  return failed("lstat", path);
}

Result<std::string> real_path(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> resolved(::realpath(path.c_str(), nullptr),
                                                             &std::free);
  if (resolved == nullptr) return failed("realpath", path);
  return std::string(resolved.get());
}

Result<std::string> read_link(const std::string& path) {
  std::string target(PATH_MAX, '\0');
  const ssize_t size = ::readlink(path.c_str(), target.data(), target.size());
  if (size == -1) return failed("readlink", path);
  target.resize(static_cast<std::size_t>(size));
  return target;
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  CARREL_TRY(const UniqueFd fd, open(path, O_RDONLY));
  Result<std::string> bytes = read_all(fd, limit);
  if (!bytes.ok()) return std::move(bytes).error().in(path);
  return bytes;
}

Result<std::string> read_all(const UniqueFd& fd, std::size_t limit) {
  std::string bytes;
  char chunk[16384];
  for (;;) {
    const ssize_t size = retry([&] { return ::read(fd.get(), chunk, sizeof chunk); });
    if (size == -1) return failed("read", "");
    if (size == 0) return bytes;
    if (bytes.size() + static_cast<std::size_t>(size) > limit) {
      return Error{Errc::kInvalid, "longer than " + std::to_string(limit) + " bytes"};
    }
    bytes.append(chunk, static_cast<std::size_t>(size));
  }
}

Status write_all(const UniqueFd& fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t size = retry([&] { return ::write(fd.get(), bytes.data(), bytes.size()); });
    if (size == -1) return failed("write", "");
    bytes.remove_prefix(static_cast<std::size_t>(size));
  }
  return Unit{};
}

Status write_existing(const std::string& path, std::string_view bytes) {
  CARREL_TRY(const UniqueFd fd, open(path, O_WRONLY));
  const ssize_t size = retry([&] { return ::write(fd.get(), bytes.data(), bytes.size()); });
  if (size == -1) return failed("write", path);
  return Unit{};
}

Result<std::vector<DirEntry>> list(const UniqueFd& dir) {
  // A second open file description: the caller's offset stays where it is.
  const int copy =
      retry([&] { return ::openat(dir.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (copy == -1) return failed("openat", ".");
  const std::unique_ptr<DIR, decltype(&::closedir)> stream(::fdopendir(copy), &::closedir);
  if (stream == nullptr) {
    const Error error = failed("fdopendir", "");
    ::close(copy);
    return error;
  }
  std::vector<DirEntry> entries;
  for (;;) {
    errno = 0;
    const dirent* const entry = ::readdir(stream.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") entries.push_back({std::string(name), entry->d_type});
  }
  if (errno != 0) return failed("readdir", "");
  return entries;
}

Result<UniqueFd> memfd_create(const std::string& name, Memfd kind) {
  const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  int fd = -1;
  if (kind == Memfd::kExecutable) {
    fd = ::memfd_create(name.c_str(), flags | MFD_EXEC);
    if (fd != -1 || errno != EINVAL) {
      if (fd == -1) return failed("memfd_create", name);
      return UniqueFd(fd);
    }
  }
  fd = ::memfd_create(name.c_str(), flags);  // kernels before 6.3 know no MFD_EXEC
  if (fd == -1) return failed("memfd_create", name);
  return UniqueFd(fd);
}

Status seal(const UniqueFd& memfd) {
  constexpr int kSeals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
  if (::fcntl(memfd.get(), F_ADD_SEALS, kSeals) == -1) return failed("fcntl", "F_ADD_SEALS");
  return Unit{};
}

}  // namespace carrel::sys
