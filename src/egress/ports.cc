#include "egress/ports.h"

#include <sys/socket.h>

#include <array>

#include "egress/relay.h"
#include "egress/tunnel.h"

namespace carrel::egress {
namespace {

using policy::IpAddress;

// In the order in which they are tried.
const std::array<IpAddress, 2>& loopbacks() {
  static const std::array kBoth = {policy::ipv4_loopback(), policy::ipv6_loopback()};
  return kBoth;
}

bool is_v6(const UniqueFd& socket) {
  int domain = 0;
  socklen_t size = sizeof domain;
  return ::getsockopt(socket.get(), SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 &&
         domain == AF_INET6;
}

asio::ip::tcp::endpoint loopback(const IpAddress& address, std::uint16_t port, bool v6_socket) {
  const auto v4 = asio::ip::address_v4::loopback();
  if (!address.is_v4()) return {asio::ip::address_v6::loopback(), port};
  if (v6_socket) return {asio::ip::make_address_v6(asio::ip::v4_mapped, v4), port};
  return {v4, port};
}

// Puts a connection into the sandbox in `connection`'s upstream.
Task<ErrorCode> connect_inside(Connection* connection, SandboxSockets* sockets, IpAddress address,
                               std::uint16_t port) {
  Result<UniqueFd> taken = sockets->take();
  if (!taken.ok()) co_return asio::error::network_down;
  UniqueFd socket = std::move(taken).value();
  const bool v6 = is_v6(socket);
  if (!v6 && !address.is_v4()) co_return asio::error::address_family_not_supported;
  Socket& upstream = connection->upstream;
  ErrorCode error;
  upstream.close(error);
  upstream.assign(v6 ? asio::ip::tcp::v6() : asio::ip::tcp::v4(), socket.get(), error);
  if (error) co_return error;
  static_cast<void>(socket.release());
  std::tie(error) = co_await upstream.async_connect(loopback(address, port, v6), kAwait);
  if (!error) prepare(upstream);
  co_return error;
}

}  // namespace

Task<> serve_host_port(std::shared_ptr<Connection> connection) {
  ErrorCode error;
  const std::uint16_t port = connection->client.local_endpoint(error).port();
  AuditEvent event;
  for (const IpAddress& address : loopbacks()) {
    event = {};
    event.protocol = "host-port";
    event.name({address, port});
    const std::optional<Unreached> unreached =
        co_await run_tunnel(connection, {address, port}, "", &event);
    if (!unreached) co_return;
    if (unreached->kind != Unreached::Kind::kRefused) break;
  }
  connection->shared.audit.write(event);
  connection->reset();
}

Task<> serve_published(std::shared_ptr<Connection> connection, policy::PublishedPort port,
                       SandboxSockets* sockets) {
  Connection& c = *connection;
  AuditEvent event;
  event.protocol = "published";
  event.take({Verdict::kAllowed, "publish " + port.text(), {}, {}});
  c.expect_within(c.shared.timeouts.connect);
  ErrorCode error;
  for (const IpAddress& address : loopbacks()) {
    event.name({address, port.inside});
    event.address = address.text();
    error = co_await connect_inside(&c, sockets, address, port.inside);
    if (error != asio::error::connection_refused) break;
  }
  if (error) {
    event.failure =
        "cannot connect to port " + std::to_string(port.inside) + " inside: " + error.message();
    c.shared.audit.write(event);
    c.reset();
    co_return;
  }
  Relayed relayed = co_await relay_as_is(connection);
  // Out of the sandbox, as in every other line: here the client is outside.
  event.bytes_out = relayed.bytes_in;
  event.bytes_in = relayed.bytes_out;
  event.failure = std::move(relayed.failure);
  c.shared.audit.write(event);
}

}  // namespace carrel::egress
