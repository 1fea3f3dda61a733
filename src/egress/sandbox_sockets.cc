#include "egress/sandbox_sockets.h"

#include <linux/capability.h>
#include <linux/nsfs.h>
#include <linux/sockios.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <utility>

#include "egress/seclude.h"
#include "sys/error.h"
#include "sys/passed_fds.h"

namespace carrel::egress {
namespace {

constexpr timeval kPatience{1, 0};  // for a child that answers in microseconds
constexpr int kEndedEarly = 1;

struct Namespaces {
  UniqueFd user;
  UniqueFd network;
};

Result<Namespaces> namespaces_of(const UniqueFd& socket) {
  Namespaces found;
  found.network = UniqueFd(::ioctl(socket.get(), SIOCGSKNS));
  if (!found.network.valid()) return sys::failed("SIOCGSKNS", "the sandbox's network");
  found.user = UniqueFd(::ioctl(found.network.get(), NS_GET_USERNS));
  if (!found.user.valid()) return sys::failed("NS_GET_USERNS", "the sandbox's network");
  return found;
}

bool give_up_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
  return ::syscall(SYS_capset, &header, none.data()) == 0;
}

// The child. Blocks while the stock is full, and ends when nobody is left to take.
[[noreturn]] void fill(const UniqueFd& stock, const Namespaces& of, pid_t parent) {
  const bool inside = ::setns(of.user.get(), CLONE_NEWUSER) == 0 &&
                      ::setns(of.network.get(), CLONE_NEWNET) == 0 && give_up_capabilities();
  // Only now: what changes the rights of a process takes the signal back.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_NAME, "carrel-ports");
  if (!inside || ::getppid() != parent || !close_all_but({stock.get()}).ok()) ::_exit(kEndedEarly);
  for (;;) {
    UniqueFd socket(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket.valid()) {
      socket = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    }
    const std::array fds = {socket.get()};
    if (!socket.valid() || !sys::send_fds(stock.get(), 'S', fds).ok()) ::_exit(kEndedEarly);
  }
}

}  // namespace

Result<SandboxSockets> SandboxSockets::open(const UniqueFd& listener) {
  CARREL_TRY(const Namespaces of, namespaces_of(listener));
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return sys::failed("socketpair", "");
  }
  UniqueFd stock(ends[0]);
  const UniqueFd theirs(ends[1]);
  // As small as the kernel makes it: a handful of sockets.
  const int least = 1;
  ::setsockopt(theirs.get(), SOL_SOCKET, SO_SNDBUF, &least, sizeof least);
  ::setsockopt(stock.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == -1) return sys::failed("fork", "the maker of sockets");
  if (pid == 0) fill(theirs, of, parent);
  return SandboxSockets(std::move(stock), pid);
}

Result<UniqueFd> SandboxSockets::take() {
  CARREL_TRY(sys::PassedFds passed, sys::receive_fds(stock_.get()));
  if (passed.fds.empty()) return Error{Errc::kSystem, "the sandbox's network is gone"};
  return std::move(passed.fds.front());
}

SandboxSockets::SandboxSockets(SandboxSockets&& other) noexcept
    : stock_(std::move(other.stock_)), child_(std::exchange(other.child_, 0)) {}

SandboxSockets::~SandboxSockets() {
  if (child_ == 0) return;
  ::kill(child_, SIGKILL);
  static_cast<void>(sys::retry([&] { return ::waitpid(child_, nullptr, 0); }));
}

}  // namespace carrel::egress
