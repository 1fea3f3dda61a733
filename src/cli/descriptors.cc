#include "cli/descriptors.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "base/path.h"
#include "plan/wire.h"
#include "sys/error.h"
#include "sys/files.h"

namespace carrel::cli {
namespace {

constexpr unsigned kRecordMode = 0644;
constexpr unsigned kLogMode = 0600;  // it says where somebody has been

// A socket leads out where it can still be pointed elsewhere: one of the host's
// network, and a Unix socket that is a datagram one or has no peer yet.
bool is_socket_that_leads_out(int fd) {
  int domain = 0;
  int type = 0;
  socklen_t size = sizeof domain;
  if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0) return false;
  size = sizeof type;
  if (domain != AF_UNIX || ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0) return true;
  sockaddr_storage peer{};
  size = sizeof peer;
  return type == SOCK_DGRAM || ::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0;
}

// Says why the command must not have `fd`; "" if it may.
Result<std::string> way_out(int fd) {
  struct stat about{};
  if (::fstat(fd, &about) != 0) return sys::failed("fstat", "descriptor " + std::to_string(fd));
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0) return sys::failed("fcntl", "descriptor " + std::to_string(fd));
  if (S_ISDIR(about.st_mode)) return std::string("is a folder");
  if ((flags & O_PATH) != 0) return std::string("was opened with O_PATH");
  if (fd <= STDERR_FILENO && S_ISSOCK(about.st_mode) && is_socket_that_leads_out(fd)) {
    return std::string("is a socket that can be connected to another place");
  }
  return std::string();
}

Status check_leads_nowhere(int fd, std::string_view name, std::string_view mend) {
  CARREL_TRY(const std::string problem, way_out(fd));
  if (problem.empty()) return Unit{};
  return Error{Errc::kDenied, std::string(name) + " " + problem +
                                  ", from which the command could reach what the policy hides; " +
                                  std::string(mend)};
}

// A regular file that may be new, without following a link in its place.
Result<UniqueFd> open_report(const std::string& option, const std::string& path, int flags,
                             unsigned mode) {
  const auto refused = [&](Errc code, const std::string& problem) {
    return Error{code, option + " " + shell_quoted(path) + ": " + problem, errno};
  };
  // O_NONBLOCK: a FIFO in its place must not hold the run up.
  flags |= O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
  UniqueFd file(::open(path.c_str(), flags, mode));  // NOLINT(android-cloexec-open)
  if (!file.valid() && errno == ELOOP) {
    return refused(Errc::kDenied, "is a symbolic link; name the file itself");
  }
  if (!file.valid() && errno != ENXIO) {
    return refused(Errc::kSystem,
                   sys::errno_text(errno) + "; name a file in a folder that you may write to");
  }
  struct stat about{};
  if (!file.valid() || ::fstat(file.get(), &about) != 0 || !S_ISREG(about.st_mode)) {
    return refused(Errc::kInvalid, "not a regular file; name another");
  }
  return file;
}

}  // namespace

Result<bool> fill_standard_descriptors() {
  bool filled = false;
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    // The lowest free number is this one: those below are open by now.
    if (::open("/dev/null", O_RDWR) != fd) return sys::failed("open", "/dev/null");  // NOLINT
    filled = true;
  }
  return filled;
}

Result<int> parse_descriptor(std::string_view option, std::string_view text) {
  int fd = -1;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), fd);
  if (failure == std::errc{} && end == text.data() + text.size() && fd > STDERR_FILENO) return fd;
  return Error{Errc::kInvalid, std::string(option) + " " + shell_quoted(text) +
                                   ": not a descriptor; write a number above 2 (0, 1 and 2 always "
                                   "reach the command)"};
}

Result<std::vector<int>> kept_descriptors(const std::vector<std::string>& values) {
  std::vector<int> kept;
  for (const std::string& value : values) {
    CARREL_TRY(const int fd, parse_descriptor("--keep-fd", value));
    const std::string name = "--keep-fd " + std::to_string(fd);
    // What is closed at exec did not come from the caller: it is carrel's own.
    const int flags = ::fcntl(fd, F_GETFD);
    if (flags < 0 || (flags & FD_CLOEXEC) != 0) {
      return Error{Errc::kInvalid, name + ": no such descriptor is open; open it first, as in `" +
                                       std::to_string(fd) + "<FILE`"};
    }
    CARREL_CHECK(check_leads_nowhere(fd, name, "open the files themselves"));
    kept.push_back(fd);
  }
  std::ranges::sort(kept);
  const auto repeated = std::ranges::unique(kept);
  kept.erase(repeated.begin(), repeated.end());
  if (kept.size() > wire::kMaxKeptFds) {
    return Error{Errc::kInvalid, "--keep-fd: at most " + std::to_string(wire::kMaxKeptFds) +
                                     " descriptors can be kept; leave some out"};
  }
  return kept;
}

Status check_standard_descriptors() {
  constexpr std::string_view kNames[] = {"standard input", "standard output", "standard error"};
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    CARREL_CHECK(check_leads_nowhere(fd, kNames[fd], "redirect it to a file or a pipe"));
  }
  return Unit{};
}

Status check_proxy_descriptor(int fd) {
  int domain = 0;
  socklen_t size = sizeof(domain);
  const int flags = ::fcntl(fd, F_GETFD);
  const bool own = flags >= 0 && (flags & FD_CLOEXEC) != 0;  // carrel's, not the caller's
  if (!own && ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX) {
    return Unit{};
  }
  return Error{Errc::kInvalid, "--proxy-fd " + std::to_string(fd) +
                                   ": not an open Unix socket; pass one end of a socketpair(2)"};
}

Result<UniqueFd> open_record(const std::string& path) {
  CARREL_TRY(UniqueFd file, open_report("--record", path, O_WRONLY, kRecordMode));
  if (::ftruncate(file.get(), 0) != 0) return sys::failed("ftruncate", "--record " + path);
  return file;
}

Result<UniqueFd> open_log(const std::string& path) {
  return open_report("--log", path, O_RDWR | O_APPEND | O_CLOEXEC, kLogMode);
}

}  // namespace carrel::cli
