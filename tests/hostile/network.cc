// Sends something to anywhere but the sandbox's own loopback.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdlib>

#include "attempts.h"

namespace {

using carrel::hostile::Attempts;

sockaddr_in v4(const char* address, int port) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(port));
  ::inet_pton(AF_INET, address, &to.sin_addr);
  return to;
}

long connect_to(const char* address, int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in to = v4(address, port);
  return ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to);
}

long send_to(const char* address, int port, int protocol) {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, protocol);
  if (fd < 0) return -1;
  const sockaddr_in to = v4(address, port);
  const char echo_request[8] = {8};
  return ::sendto(fd, echo_request, sizeof echo_request, 0, reinterpret_cast<const sockaddr*>(&to),
                  sizeof to);
}

long send_to_v6(const char* address) {
  const int fd = ::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  sockaddr_in6 to{};
  to.sin6_family = AF_INET6;
  to.sin6_port = htons(53);
  ::inet_pton(AF_INET6, address, &to.sin6_addr);
  return ::sendto(fd, "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
}

}  // namespace

int main(int argc, char** argv) {
  Attempts attempts(argc, argv);
  const int port = std::atoi(attempts.argument("port").c_str());
  // A listener of the host's loopback, whose number the test gives.
  attempts.make("host-loopback", [=] { return connect_to("127.0.0.1", port); });
  attempts.make("host-loopback-udp", [=] {
    return send_to("127.0.0.1", port, 0) == 8 ? connect_to("127.0.0.1", port) : -1;
  });
  attempts.make("any-address", [=] { return connect_to("0.0.0.0", port); });
  attempts.make("tcp-out", [] { return connect_to("192.0.2.1", 80); });
  attempts.make("udp-out", [] { return send_to("192.0.2.1", 53, 0); });
  attempts.make("dns-out", [] { return send_to("8.8.8.8", 53, 0); });
  attempts.make("icmp-out", [] { return send_to("192.0.2.1", 0, IPPROTO_ICMP); });
  attempts.make("broadcast", [] { return send_to("255.255.255.255", 9, 0); });
  attempts.make("multicast", [] { return send_to("224.0.0.251", 5353, 0); });
  attempts.make("metadata", [] { return connect_to("169.254.169.254", 80); });
  attempts.make("v6-out", [] { return send_to_v6("2001:db8::1"); });
  attempts.make("v6-link-local", [] { return send_to_v6("fe80::1"); });
  return attempts.exit_status();
}
