#include "egress/seclude.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "base/unique_fd.h"
#include "sys/error.h"
#include "sys/files.h"

namespace carrel::egress {
namespace {

constexpr int kStandardStreams = 3;

Status silence_standard_streams() {
  CARREL_TRY(const UniqueFd null, sys::open("/dev/null", O_RDWR));
  for (int fd = 0; fd < kStandardStreams; ++fd) {
    if (null.get() != fd && ::dup3(null.get(), fd, O_CLOEXEC) == -1) {
      return sys::failed("dup3", "/dev/null");
    }
  }
  return Unit{};
}

void reset_signals() {
  struct sigaction action{};
  for (int signal = 1; signal < NSIG; ++signal) {
    action.sa_handler = signal == SIGPIPE ? SIG_IGN : SIG_DFL;
    ::sigaction(signal, &action, nullptr);  // EINVAL for those that cannot be set
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

Status raise_open_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return sys::failed("getrlimit", "");
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return sys::failed("setrlimit", "");
  const rlimit no_core{0, 0};
  if (::setrlimit(RLIMIT_CORE, &no_core) != 0) return sys::failed("setrlimit", "");
  return Unit{};
}

}  // namespace

Status close_all_but(std::vector<int> keep) {
  std::sort(keep.begin(), keep.end());
  unsigned first = kStandardStreams;
  const auto close_to = [&](unsigned last) {
    return first > last || ::syscall(SYS_close_range, first, last, 0u) == 0;
  };
  for (const int fd : keep) {
    if (fd < kStandardStreams) continue;
    if (!close_to(static_cast<unsigned>(fd) - 1)) return sys::failed("close_range", "");
    first = static_cast<unsigned>(fd) + 1;
  }
  if (!close_to(~0u)) return sys::failed("close_range", "");
  return Unit{};
}

Status seclude(std::vector<int> keep) {
  reset_signals();
  ::setsid();  // fails for the leader of a session, which needs none
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return sys::failed("prctl", "PR_SET_DUMPABLE");
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return sys::failed("prctl", "PR_SET_NO_NEW_PRIVS");
  }
  CARREL_CHECK(raise_open_files());
  CARREL_CHECK(silence_standard_streams());
  return close_all_but(std::move(keep));
}

}  // namespace carrel::egress
