#include "cli/network.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <utility>

#include "cli/commands.h"
#include "egress/engine.h"
#include "sys/error.h"

namespace carrel::cli {
namespace {

[[noreturn]] void serve(egress::Config config) noexcept {
  ::prctl(PR_SET_NAME, "carrel-proxy");  // for ps(1)
  config.complaints = UniqueFd(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  int status = 0;
  try {
    if (!egress::run_engine(std::move(config)).ok()) status = kOwnFailure;
  } catch (...) {  // a lack of memory
    status = kOwnFailure;
  }
  ::_exit(status);
}

}  // namespace

Result<egress::UpstreamProxies> upstream_proxies(const plan::Machine& machine) {
  return egress::UpstreamProxies::from_environment(
      [&](std::string_view name) -> std::optional<std::string> {
        const auto found = machine.environment.find(std::string(name));
        if (found == machine.environment.end()) return std::nullopt;
        return found->second;
      });
}

Result<Proxy> Proxy::start(const policy::Policy& policy, Work work) {
  const std::string own_pid = std::to_string(::getpid());
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return sys::failed("socketpair", "");
  }
  Proxy proxy;
  proxy.handout_ = UniqueFd(ends[0]);
  UniqueFd theirs(ends[1]);
  // A caller that ignores it would have the proxy's end go by unseen.
  ::signal(SIGCHLD, SIG_DFL);
  const pid_t pid = ::fork();
  if (pid == -1) return sys::failed("fork", "the proxy");
  if (pid == 0) {
    egress::Config config;
    config.handout = std::move(theirs);
    config.policy = policy.network;
    config.proxies = std::move(work.upstream);
    config.services = std::move(work.services);
    config.published = std::move(work.published);
    config.audit = std::move(work.log);
    // Several logs of one policy are told apart by the process that the user started.
    config.sandbox = policy.hostname + "/" + own_pid;
    serve(std::move(config));
  }
  proxy.pid_ = pid;
  return proxy;
}

Proxy::Proxy(Proxy&& other) noexcept
    : handout_(std::move(other.handout_)), pid_(std::exchange(other.pid_, 0)) {}

Proxy::~Proxy() {
  handout_.reset();
  if (pid_ == 0) return;
  static_cast<void>(sys::retry([&] { return ::waitpid(pid_, nullptr, 0); }));
}

}  // namespace carrel::cli
