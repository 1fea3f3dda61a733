#include "egress/own_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

#include "base/unique_fd.h"
#include "egress/special_address.h"

namespace carrel::egress {
namespace {

using policy::IpAddress;

// The discard port; nothing is sent to it.
constexpr std::uint16_t kAnyPort = 9;

template <typename Address>
bool source_towards(int family, Address address, Address& source) {
  const UniqueFd fd(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return false;
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return false;
  }
  socklen_t size = sizeof source;
  return ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&source), &size) == 0;
}

// A packet to an address of this machine leaves from that address itself, or
// from loopback.
bool is_own_v4(const IpAddress& address) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(kAnyPort);
  std::memcpy(&to.sin_addr, address.bytes().data(), sizeof to.sin_addr);
  sockaddr_in source{};
  if (!source_towards(AF_INET, to, source)) return false;
  return source.sin_addr.s_addr == to.sin_addr.s_addr ||
         (ntohl(source.sin_addr.s_addr) >> 24) == IN_LOOPBACKNET;
}

bool is_own_v6(const IpAddress& address) {
  sockaddr_in6 to{};
  to.sin6_family = AF_INET6;
  to.sin6_port = htons(kAnyPort);
  std::memcpy(&to.sin6_addr, address.bytes().data(), sizeof to.sin6_addr);
  sockaddr_in6 source{};
  if (!source_towards(AF_INET6, to, source)) return false;
  return IN6_ARE_ADDR_EQUAL(&source.sin6_addr, &to.sin6_addr) ||
         IN6_IS_ADDR_LOOPBACK(&source.sin6_addr);
}

}  // namespace

Owner owner_of(const IpAddress& address) {
  if (const auto inner = embedded_v4(address)) return owner_of(*inner);
  const bool own = address.is_v4() ? is_own_v4(address) : is_own_v6(address);
  return own ? Owner::kThisMachine : Owner::kOther;
}

}  // namespace carrel::egress
