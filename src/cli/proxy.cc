#include <array>
#include <csignal>

#include "base/path.h"
#include "cli/commands.h"
#include "cli/descriptors.h"
#include "cli/listener.h"
#include "cli/network.h"
#include "cli/prepare.h"
#include "cli/text.h"
#include "egress/destination.h"
#include "egress/handout.h"
#include "sys/passed_fds.h"

namespace carrel::cli {
namespace {

Result<egress::Destination> address_of(const Arguments& arguments, Opt option,
                                       std::string_view name, std::string_view by_default) {
  const std::string text = arguments.has(option) ? arguments.one(option) : std::string(by_default);
  const Result<egress::Destination> parsed = egress::parse_authority(text);
  const auto* address =
      parsed.ok() ? std::get_if<policy::IpAddress>(&parsed.value().host) : nullptr;
  if (address == nullptr) {
    return Error{Errc::kInvalid, std::string(name) + " " + shell_quoted(text) +
                                     ": not an address and a port; write 127.0.0.1:3128"};
  }
  return parsed.value();
}

Result<Proxy> start(const Arguments& arguments) {
  CARREL_TRY(const plan::Machine machine, plan::this_machine());
  CARREL_TRY(const LoadedPolicy loaded, load_rules(arguments, {machine.home, machine.working_dir}));
  if (!loaded.policy.network.publish.empty()) {
    return Error{
        Errc::kInvalid,
        "the policy publishes ports of a sandbox, and here is none; leave `publish` out of "
        "[network]"};
  }
  CARREL_TRY(egress::UpstreamProxies upstream, upstream_proxies(machine));
  UniqueFd log;
  if (arguments.has(Opt::kLog)) {
    CARREL_TRY(log, open_log(arguments.one(Opt::kLog)));
  }
  if (!loaded.policy.network.inspect.empty()) {
    return Error{Errc::kUnsupported,
                 "the policy inspects hosts, whose certificate only a sandbox of carrel's own is "
                 "given; use carrel run, or a policy without `inspect`"};
  }
  ProxyNeeds needs{.upstream = std::move(upstream),
                   .log = std::move(log),
                   .services = {egress::Service::kHttp, egress::Service::kSocks}};
  CARREL_TRY(needs.tls, tls_needs(loaded.policy.network, machine));
  CARREL_TRY(needs.credentials, read_credentials(loaded.policy.network, {}, machine));
  return Proxy::start(loaded.policy, std::move(needs));
}

sigset_t block_signals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGCHLD, SIGHUP, SIGINT, SIGTERM}) ::sigaddset(&signals, signal);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

}  // namespace

Status proxy(const Arguments& arguments) {
  // One that was asked for is a good end, for which the proxy is waited.
  const sigset_t awaited = block_signals();
  CARREL_TRY(const auto http, address_of(arguments, Opt::kHttp, "--http", "127.0.0.1:3128"));
  CARREL_TRY(const auto socks, address_of(arguments, Opt::kSocks, "--socks", "127.0.0.1:1080"));
  CARREL_TRY(UniqueFd http_listener, listen_on(http, "choose another with --http"));
  CARREL_TRY(UniqueFd socks_listener, listen_on(socks, "choose another with --socks"));
  CARREL_TRY(const Proxy proxy, start(arguments));
  // As the launcher does it for a sandbox.
  const std::array listeners = {http_listener.get(), socks_listener.get()};
  CARREL_CHECK(sys::send_fds(proxy.handout(), egress::kListenersFollow, listeners));
  http_listener.reset();
  socks_listener.reset();
  CARREL_CHECK(print("HTTP proxy on " + http.text() + ", SOCKS proxy on " + socks.text() + "\n"));
  int signal = 0;
  ::sigwait(&awaited, &signal);
  if (signal != SIGCHLD) return Unit{};
  return Error{Errc::kSystem, "the proxy ended by itself; start it again"};
}

}  // namespace carrel::cli
