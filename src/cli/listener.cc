#include "cli/listener.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "sys/error.h"

namespace carrel::cli {
namespace {

constexpr int kBacklog = 1024;

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

SocketAddress socket_address(const policy::IpAddress& address, std::uint16_t port) {
  SocketAddress result;
  if (address.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&v4.sin_addr, address.bytes().data(), sizeof v4.sin_addr);
    std::memcpy(&result.storage, &v4, sizeof v4);
    result.size = sizeof v4;
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&v6.sin6_addr, address.bytes().data(), sizeof v6.sin6_addr);
    std::memcpy(&result.storage, &v6, sizeof v6);
    result.size = sizeof v6;
  }
  return result;
}

}  // namespace

Result<UniqueFd> listen_on(const egress::Destination& at, std::string_view remedy) {
  const auto address = socket_address(std::get<policy::IpAddress>(at.host), at.port);
  UniqueFd fd(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  if (fd.valid() && ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
      ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.size) == 0 &&
      ::listen(fd.get(), kBacklog) == 0) {
    return fd;
  }
  return Error{
      Errc::kSystem,
      "cannot listen on " + at.text() + ": " + sys::errno_text(errno) + "; " + std::string(remedy),
      errno};
}

Result<std::vector<egress::Published>> listen_for(const policy::NetworkPolicy& network) {
  std::vector<egress::Published> published;
  for (const policy::PublishedPort& port : network.publish) {
    Result<UniqueFd> listener =
        listen_on({port.address, port.outside},
                  "publish it at another port, as in [ADDR:]PORT:" + std::to_string(port.inside));
    if (!listener.ok()) {
      return std::move(listener).error().in("port " + std::to_string(port.inside) + " inside");
    }
    published.push_back({port, std::move(listener).value()});
  }
  return published;
}

}  // namespace carrel::cli
