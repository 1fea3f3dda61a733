// Opens sockets that lead out by a way that a network namespace does not close, or
// that load a protocol module on demand.
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <string>

#include "attempts.h"

namespace {

using carrel::hostile::Attempts;

constexpr unsigned long kGarbage = 1ul << 32;

long open_socket(unsigned long family, unsigned long type, unsigned long protocol) {
  return ::syscall(SYS_socket, family, type, protocol);
}

long open_pair(unsigned long family, unsigned long type) {
  int ends[2];
  return ::syscall(SYS_socketpair, family, type, 0, ends);
}

// Any type of any family but those of the internet, Unix and routing netlink.
long any_type(unsigned long family) {
  for (unsigned long type = SOCK_STREAM; type <= SOCK_PACKET; ++type) {
    for (unsigned long protocol = 0; protocol <= 8; ++protocol) {
      if (open_socket(family, type, protocol) >= 0) return 0;
    }
  }
  return -1;
}

}  // namespace

int main(int argc, char** argv) {
  Attempts attempts(argc, argv);
  attempts.make("vsock", [] { return open_socket(AF_VSOCK, SOCK_STREAM, 0); });
  attempts.make("vsock-datagram", [] { return open_socket(AF_VSOCK, SOCK_DGRAM, 0); });
  attempts.make("vsock-garbage-bits",
                [] { return open_socket(kGarbage | AF_VSOCK, SOCK_STREAM, 0); });
  attempts.make("packet", [] { return open_socket(AF_PACKET, SOCK_RAW, 0); });
  attempts.make("packet-datagram", [] { return open_socket(AF_PACKET, SOCK_DGRAM, 0x0300); });
  attempts.make("packet-garbage-bits",
                [] { return open_socket(kGarbage | AF_PACKET, SOCK_RAW, 0); });
  attempts.make("old-packet", [] { return open_socket(AF_INET, SOCK_PACKET, 0x0300); });
  attempts.make("raw-icmp", [] { return open_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP); });
  attempts.make("raw-any", [] { return open_socket(AF_INET, SOCK_RAW, IPPROTO_RAW); });
  attempts.make("raw-icmp6", [] { return open_socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6); });
  attempts.make("raw-type-garbage",
                [] { return open_socket(AF_INET, kGarbage | SOCK_RAW, IPPROTO_ICMP); });
  attempts.make("sctp", [] { return open_socket(AF_INET, SOCK_SEQPACKET, IPPROTO_SCTP); });
  attempts.make("mptcp", [] { return open_socket(AF_INET, SOCK_STREAM, 262); });
  attempts.make("udplite", [] { return open_socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE); });
  attempts.make("netlink-uevent",
                [] { return open_socket(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT); });
  attempts.make("netlink-audit", [] { return open_socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT); });
  attempts.make("netlink-netfilter",
                [] { return open_socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER); });
  attempts.make("netlink-generic",
                [] { return open_socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC); });
  attempts.make("netlink-sock-diag",
                [] { return open_socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG); });
  attempts.make("netlink-crypto", [] { return open_socket(AF_NETLINK, SOCK_RAW, NETLINK_CRYPTO); });
  attempts.make("netlink-garbage-bits", [] {
    return open_socket(kGarbage | AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT);
  });
  attempts.make("netlink-protocol-garbage", [] {
    return open_socket(AF_NETLINK, SOCK_RAW, kGarbage | NETLINK_KOBJECT_UEVENT);
  });
  attempts.make("alg", [] { return open_socket(AF_ALG, SOCK_SEQPACKET, 0); });
  attempts.make("unix", [] { return open_socket(AF_UNIX, SOCK_STREAM, 0); });
  attempts.make("unix-garbage-bits",
                [] { return open_socket(kGarbage | AF_UNIX, SOCK_STREAM, 0); });
  attempts.make("pair-datagram", [] { return open_pair(AF_UNIX, SOCK_DGRAM); });
  attempts.make("pair-raw", [] { return open_pair(AF_UNIX, SOCK_RAW); });
  attempts.make("pair-datagram-garbage", [] { return open_pair(AF_UNIX, kGarbage | SOCK_DGRAM); });
  attempts.make("pair-datagram-flags",
                [] { return open_pair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK); });
  attempts.make("pair-tipc", [] { return open_pair(AF_TIPC, SOCK_STREAM); });
  for (unsigned long family = 0; family < 64; ++family) {
    if (family == AF_INET || family == AF_INET6 || family == AF_NETLINK) continue;
    attempts.make(("family-" + std::to_string(family)).c_str(), [=] { return any_type(family); });
  }
  return attempts.exit_status();
}
