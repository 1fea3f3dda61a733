// Reaches a Unix socket of the host: path=, abstract= and datagram= name those
// that the test listens on.
#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>

#include "attempts.h"

namespace {

using carrel::hostile::Attempts;

struct Address {
  sockaddr_un text{};
  socklen_t size = 0;
};

Address named(const std::string& name, bool abstract) {
  Address address;
  address.text.sun_family = AF_UNIX;
  const std::size_t at = abstract ? 1 : 0;
  name.copy(address.text.sun_path + at, sizeof address.text.sun_path - 1 - at);
  address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + at + name.size() +
                                        (abstract ? 0 : 1));
  return address;
}

long connect(int fd, const Address& to) {
  return ::connect(fd, reinterpret_cast<const sockaddr*>(&to.text), to.size);
}

long send(int fd, const Address& to) {
  return ::sendto(fd, "x", 1, MSG_DONTWAIT, reinterpret_cast<const sockaddr*>(&to.text), to.size);
}

int one_of_a_pair(int type) {
  int ends[2];
  return ::socketpair(AF_UNIX, type, 0, ends) == -1 ? -1 : ends[0];
}

}  // namespace

int main(int argc, char** argv) {
  Attempts attempts(argc, argv);
  const Address path = named(attempts.argument("path"), false);
  const Address abstract = named(attempts.argument("abstract"), true);
  const Address datagram = named(attempts.argument("datagram"), false);
  attempts.make("path", [&] { return connect(::socket(AF_UNIX, SOCK_STREAM, 0), path); });
  attempts.make("abstract", [&] { return connect(::socket(AF_UNIX, SOCK_STREAM, 0), abstract); });
  attempts.make("datagram", [&] { return send(::socket(AF_UNIX, SOCK_DGRAM, 0), datagram); });
  attempts.make("pair-send", [&] { return send(one_of_a_pair(SOCK_DGRAM), datagram); });
  attempts.make("pair-connect", [&] { return connect(one_of_a_pair(SOCK_DGRAM), datagram); });
  attempts.make("raw-pair-send", [&] { return send(one_of_a_pair(SOCK_RAW), datagram); });
  attempts.make("stream-pair-connect", [&] { return connect(one_of_a_pair(SOCK_STREAM), path); });
  attempts.make("seqpacket-pair-connect",
                [&] { return connect(one_of_a_pair(SOCK_SEQPACKET), path); });
  attempts.make("stdin-connect", [&] { return connect(0, datagram); });
  return attempts.exit_status();
}
