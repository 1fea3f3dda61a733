#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>

#include "base/path.h"
#include "cli/commands.h"
#include "cli/descriptors.h"
#include "cli/network.h"
#include "cli/prepare.h"
#include "cli/text.h"
#include "egress/destination.h"
#include "sys/error.h"

namespace carrel::cli {
namespace {

constexpr int kBacklog = 1024;

Result<egress::Destination> address_of(const Arguments& arguments, Opt option,
                                       std::string_view name, std::string_view by_default) {
  const std::string text = arguments.has(option) ? arguments.one(option) : std::string(by_default);
  const Result<egress::Destination> parsed = egress::parse_authority(text);
  const auto* address =
      parsed.ok() ? std::get_if<policy::IpAddress>(&parsed.value().host) : nullptr;
  if (address == nullptr || !address->is_v4()) {
    return Error{Errc::kInvalid, std::string(name) + " " + shell_quoted(text) +
                                     ": not an IPv4 address and a port; write 127.0.0.1:3128"};
  }
  return parsed.value();
}

Result<UniqueFd> listen_on(const egress::Destination& at) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return sys::failed("socket", "");
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(at.port);
  std::memcpy(&address.sin_addr, std::get<policy::IpAddress>(at.host).bytes().data(),
              sizeof address.sin_addr);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd.get(), kBacklog) != 0) {
    return Error{Errc::kSystem,
                 "cannot listen on " + at.text() + ": " + sys::errno_text(errno) +
                     "; choose another with --http and --socks",
                 errno};
  }
  return fd;
}

// As the launcher does it for a sandbox.
Status hand_out(int socket, std::array<int, 2> listeners) {
  char byte = 'L';
  iovec part{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof listeners)> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* const rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof listeners);
  std::memcpy(CMSG_DATA(rights), listeners.data(), sizeof listeners);
  if (::sendmsg(socket, &message, MSG_NOSIGNAL) == -1) return sys::failed("sendmsg", "listeners");
  return Unit{};
}

Result<Proxy> start(const Arguments& arguments) {
  CARREL_TRY(const plan::Machine machine, plan::this_machine());
  CARREL_TRY(const LoadedPolicy loaded, load_rules(arguments, {machine.home, machine.working_dir}));
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
  ProxyNeeds needs{std::move(upstream), {}, {}, std::move(log)};
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
  CARREL_TRY(UniqueFd http_listener, listen_on(http));
  CARREL_TRY(UniqueFd socks_listener, listen_on(socks));
  CARREL_TRY(const Proxy proxy, start(arguments));
  CARREL_CHECK(hand_out(proxy.handout(), {http_listener.get(), socks_listener.get()}));
  http_listener.reset();
  socks_listener.reset();
  CARREL_CHECK(print("HTTP proxy on " + http.text() + ", SOCKS proxy on " + socks.text() + "\n"));
  int signal = 0;
  ::sigwait(&awaited, &signal);
  if (signal != SIGCHLD) return Unit{};
  return Error{Errc::kSystem, "the proxy ended by itself; start it again"};
}

}  // namespace carrel::cli
