#include "cli/network.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <set>
#include <string>
#include <utility>

#include "base/path.h"
#include "cli/commands.h"
#include "egress/engine.h"
#include "egress/tls.h"
#include "sys/error.h"
#include "sys/files.h"

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

Result<TlsNeeds> tls_needs(const policy::NetworkPolicy& policy, const plan::Machine& machine) {
  TlsNeeds needs;
  const bool tls_gateway = std::ranges::any_of(policy.gateways, [](const auto& gateway) {
    return gateway.scheme == policy::Gateway::Scheme::kHttps;
  });
  if (policy.inspect.empty() && !tls_gateway) return needs;
  const auto set = machine.environment.find("SSL_CERT_FILE");
  CARREL_TRY(needs.ca_bundle,
             egress::find_ca_bundle(set == machine.environment.end() ? "" : set->second));
  needs.ca_bundle = normalize_path(machine.working_dir, needs.ca_bundle);
  if (policy.inspect.empty()) return needs;
  CARREL_TRY(egress::Authority authority, egress::Authority::make());
  needs.authority = std::make_unique<egress::Authority>(std::move(authority));
  return needs;
}

Result<plan::Trust> trust_inside(const TlsNeeds& needs) {
  plan::Trust trust;
  CARREL_TRY(trust.certificates, sys::read_file(needs.ca_bundle));
  if (!trust.certificates.ends_with('\n')) trust.certificates += '\n';
  trust.certificates += needs.authority->certificate_pem();
  std::set<std::string> over;
  for (const std::string& path : egress::usual_ca_bundles()) {
    const Result<std::string> real = sys::real_path(path);
    if (real.ok()) over.insert(real.value());
  }
  trust.over.assign(over.begin(), over.end());
  return trust;
}

Result<Proxy> Proxy::start(const policy::Policy& policy, ProxyNeeds needs) {
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
    config.proxies = std::move(needs.upstream);
    config.ca_bundle = std::move(needs.tls.ca_bundle);
    config.authority = std::move(needs.tls.authority);
    config.credentials = std::move(needs.credentials);
    config.services = std::move(needs.services);
    config.published = std::move(needs.published);
    config.audit = std::move(needs.log);
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
