#include "jail/launcher/network.h"

#include "jail/launcher/kernel.h"

namespace carrel::launcher {
namespace {

using kernel::call;
using wire::Step;

struct InterfaceRequest {  // struct ifreq: name, then a union of 24 bytes
  char name[16];
  std::int16_t flags;
  char rest[22];
};
struct Ipv4Address {  // struct sockaddr_in
  std::uint16_t family;
  std::uint16_t port;  // network byte order
  std::uint32_t address;
  char zero[8];
};
constexpr std::int16_t kIffUp = 1;
constexpr unsigned long kSiocSifFlags = 0x8914;
constexpr int kBacklog = 1024;
// 127.0.0.1 in network byte order on a little-endian machine, which both are.
constexpr std::uint32_t kLoopback = 0x0100007f;

constexpr std::uint16_t big_endian(std::uint16_t value) {
  return static_cast<std::uint16_t>(value << 8 | value >> 8);
}

long listen_on(std::uint16_t port) {
  const long fd = call(__NR_socket, kernel::kAfInet, kernel::kSockStream | kernel::kSockCloexec, 0);
  if (fd < 0) return fd;
  const Ipv4Address address{kernel::kAfInet, big_endian(port), kLoopback, {}};
  const long bound = call(__NR_bind, fd, &address, sizeof address);
  const long listening = bound < 0 ? bound : call(__NR_listen, fd, kBacklog);
  if (listening >= 0) return fd;
  kernel::close(static_cast<int>(fd));
  return listening;
}

void raise_loopback(const Failure& failure) {
  const long fd = failure.must(Step::kLoopback, call(__NR_socket, kernel::kAfInet,
                                                     kernel::kSockDgram | kernel::kSockCloexec, 0));
  const InterfaceRequest up{{'l', 'o'}, kIffUp, {}};
  failure.must(Step::kLoopback, kernel::ioctl(static_cast<int>(fd), kSiocSifFlags, &up));
  kernel::close(static_cast<int>(fd));
}

}  // namespace

void make_network(const Failure& failure) {
  failure.must(Step::kNetwork, call(__NR_unshare, CLONE_NEWNET));
  raise_loopback(failure);
}

void open_listeners(const PlanView& plan, int handout, const Failure& failure) {
  const auto ports = plan.table(plan.header().listeners);
  if (ports.count == 0) return;
  int fds[wire::kMaxListeners];
  for (std::uint32_t i = 0; i < ports.count; ++i) {
    fds[i] = static_cast<int>(failure.must(Step::kListener, listen_on(ports[i]), i));
  }
  failure.must(Step::kHandOut, send_fds(handout, fds, ports.count));
  for (std::uint32_t i = 0; i < ports.count; ++i) kernel::close(fds[i]);
  kernel::close(handout);
}

}  // namespace carrel::launcher
