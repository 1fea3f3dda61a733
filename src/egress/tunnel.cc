#include "egress/tunnel.h"

#include "egress/relay.h"

namespace carrel::egress {

Task<std::optional<Unreached>> run_tunnel(std::shared_ptr<Connection> connection,
                                          Destination destination, std::string opening,
                                          AuditEvent* event) {
  Connection& c = *connection;
  c.expect_within(c.shared.timeouts.tunnel);  // the way out has bounds of its own
  Outcome outcome = co_await c.shared.outbound.tunnel(destination);
  if (auto* unreached = std::get_if<Unreached>(&outcome)) {
    event->take(unreached->decision);
    event->failure = unreached->failure;
    co_return std::move(*unreached);
  }
  auto& reached = std::get<Reached>(outcome);
  event->take(reached.decision);
  event->address = reached.address;
  c.upstream = std::move(reached.socket);
  const std::uint64_t greeted = reached.greeting.size();
  opening += reached.greeting;
  if (!co_await send_all(&c.client, std::move(opening))) {
    Relayed relayed = co_await relay(connection, destination);
    event->bytes_out = relayed.bytes_out;
    event->bytes_in = relayed.bytes_in + greeted;
    event->failure = std::move(relayed.failure);
    if (relayed.denied) event->take(*relayed.denied);
  }
  c.shared.audit.write(*event);
  co_return std::nullopt;
}

}  // namespace carrel::egress
