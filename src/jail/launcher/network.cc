#include "jail/launcher/network.h"

#include <linux/rtnetlink.h>

#include "jail/launcher/kernel.h"
#include "jail/launcher/netlink.h"
#include "jail/launcher/redirect.h"

namespace carrel::launcher {
namespace {

using kernel::call;
using wire::Step;

struct InterfaceRequest {  // struct ifreq: name, then a union of 24 bytes
  char name[16];
  std::int16_t flags;
  char rest[22];
};
constexpr std::int16_t kIffUp = 1;
constexpr unsigned long kSiocSifFlags = 0x8914;
constexpr int kBacklog = 1024;
constexpr std::uint32_t kLoopbackInterface = 1;  // in every network namespace
constexpr std::uint8_t kLoopback[4] = {127, 0, 0, 1};
constexpr std::uint8_t kAnyV4[4] = {};
constexpr std::uint8_t kAnyV6[16] = {};

constexpr std::uint16_t big_endian(std::uint16_t value) {
  return static_cast<std::uint16_t>(value << 8 | value >> 8);
}

struct SocketAddress {  // struct sockaddr_in or sockaddr_in6
  std::uint16_t family = kernel::kAfInet;
  std::uint16_t port = 0;      // network byte order
  std::uint8_t rest[24] = {};  // IPv4: the address first; IPv6: behind four bytes
  unsigned size = 16;

  SocketAddress(const std::uint8_t (&v4)[4], std::uint16_t at) : port(big_endian(at)) {
    __builtin_memcpy(rest, v4, sizeof v4);
  }
  SocketAddress(const std::uint8_t (&v6)[16], std::uint16_t at)
      : family(kernel::kAfInet6), port(big_endian(at)), size(28) {
    __builtin_memcpy(rest + 4, v6, sizeof v6);
  }
};

// Whether the socket takes connections to addresses that are not its own.
enum class Takes : std::uint8_t { kItsOwn, kTransparent };

long set_transparent(long fd, const SocketAddress& at) {
  const bool v6 = at.family == kernel::kAfInet6;
  const int on = 1;
  return call(__NR_setsockopt, fd, v6 ? 41 /* SOL_IPV6 */ : 0 /* SOL_IP */,
              v6 ? 75 /* IPV6_TRANSPARENT */ : 19 /* IP_TRANSPARENT */, &on, sizeof on);
}

// A descriptor, or a negative errno.
long open_socket(wire::Transport transport, const SocketAddress& at, Takes takes) {
  const bool tcp = transport == wire::Transport::kTcp;
  const int type = tcp ? kernel::kSockStream : kernel::kSockDgram;
  const long fd = call(__NR_socket, at.family, type | kernel::kSockCloexec, 0);
  if (fd < 0) return fd;
  long done = takes == Takes::kTransparent ? set_transparent(fd, at) : 0;
  if (done >= 0) done = call(__NR_bind, fd, &at, at.size);
  if (done >= 0 && tcp) done = call(__NR_listen, fd, kBacklog);
  if (done >= 0) return fd;
  kernel::close(static_cast<int>(fd));
  return done;
}

// Descriptors on their way out.
class Handout {
 public:
  void add(long fd) { fds_[count_++] = static_cast<int>(fd); }
  void drop_from(unsigned first) {
    while (count_ > first) kernel::close(fds_[--count_]);
  }
  [[nodiscard]] unsigned count() const { return count_; }
  [[nodiscard]] const int* fds() const { return fds_; }

 private:
  int fds_[wire::kMaxHandedOut];
  unsigned count_ = 0;
};

void raise_loopback(const Failure& failure) {
  const long fd = failure.must(Step::kLoopback, call(__NR_socket, kernel::kAfInet,
                                                     kernel::kSockDgram | kernel::kSockCloexec, 0));
  const InterfaceRequest up{{'l', 'o'}, kIffUp, {}};
  failure.must(Step::kLoopback, kernel::ioctl(static_cast<int>(fd), kSiocSifFlags, &up));
  kernel::close(static_cast<int>(fd));
}

// `ip route add local NETWORK dev lo`
void put_route(NetlinkMessages& out, const wire::Route& route) {
  const std::size_t size = route.is_v6 != 0 ? 16 : 4;
  rtmsg header{};
  header.rtm_family =
      static_cast<unsigned char>(route.is_v6 != 0 ? kernel::kAfInet6 : kernel::kAfInet);
  header.rtm_dst_len = route.prefix;
  header.rtm_table = RT_TABLE_LOCAL;
  header.rtm_protocol = RTPROT_STATIC;
  header.rtm_scope = RT_SCOPE_HOST;
  header.rtm_type = RTN_LOCAL;
  out.begin(RTM_NEWROUTE, NLM_F_CREATE, header);
  out.attribute(RTA_DST, route.address, size);
  out.attribute(RTA_OIF, kLoopbackInterface);
  out.end();
}

// Those of one family: 0, or the kernel's first error.
long add_routes(Slice<wire::Route> routes, std::uint8_t is_v6) {
  constexpr int kRoutes = 0;  // NETLINK_ROUTE
  constexpr std::size_t kRoomForOne = 128;
  NetlinkMessages out;
  for (const wire::Route& route : routes) {
    if (route.is_v6 != is_v6) continue;
    put_route(out, route);
    if (out.room() >= kRoomForOne) continue;
    if (const long sent = out.send(kRoutes); sent < 0) return sent;
    out.clear();
  }
  return out.empty() ? 0 : out.send(kRoutes);
}

bool any_v6(Slice<wire::Route> routes) {
  for (const wire::Route& route : routes) {
    if (route.is_v6 != 0) return true;
  }
  return false;
}

// One listener for every port. False where the kernel cannot.
bool take_every_port(Handout& handout, bool v6) {
  const unsigned before = handout.count();
  const long v4_listener =
      open_socket(wire::Transport::kTcp, {kTransparentV4, kTransparentPort}, Takes::kTransparent);
  if (v4_listener < 0) return false;
  handout.add(v4_listener);
  const long v6_listener = v6 ? open_socket(wire::Transport::kTcp,
                                            {kTransparentV6, kTransparentPort}, Takes::kTransparent)
                              : -1;
  if (v6_listener >= 0) handout.add(v6_listener);
  if (redirect_connections(v6_listener >= 0 ? Families::kBoth : Families::kV4) == 0) return true;
  handout.drop_from(before);
  return false;
}

// One listener for each port, of both families where there are two. One that cannot be
// had leaves its port refused.
void take_ports(Handout& handout, Slice<std::uint16_t> ports) {
  for (const std::uint16_t port : ports) {
    long fd = open_socket(wire::Transport::kTcp, {kAnyV6, port}, Takes::kItsOwn);
    if (fd < 0) fd = open_socket(wire::Transport::kTcp, {kAnyV4, port}, Takes::kItsOwn);
    if (fd >= 0) handout.add(fd);
  }
}

}  // namespace

void make_network(const Failure& failure) {
  failure.must(Step::kNetwork, call(__NR_unshare, CLONE_NEWNET));
  raise_loopback(failure);
}

void open_listeners(const PlanView& plan, int handout, const Failure& failure) {
  const auto listeners = plan.table(plan.header().listeners);
  if (listeners.count == 0) return;
  Handout out;
  for (std::uint32_t i = 0; i < listeners.count; ++i) {
    out.add(failure.must(
        Step::kListener,
        open_socket(listeners[i].transport, {kLoopback, listeners[i].port}, Takes::kItsOwn), i));
  }
  const auto routes = plan.table(plan.header().routes);
  if (routes.count != 0) {
    failure.must(Step::kRoute, add_routes(routes, 0));
    // A kernel may be without IPv6. Where there is no route nothing is reached.
    const bool v6 = any_v6(routes) && add_routes(routes, 1) == 0;
    if (!take_every_port(out, v6)) take_ports(out, plan.table(plan.header().transparent_ports));
  }
  failure.must(Step::kHandOut, send_fds(handout, out.fds(), out.count()));
  out.drop_from(0);
  kernel::close(handout);
}

}  // namespace carrel::launcher
