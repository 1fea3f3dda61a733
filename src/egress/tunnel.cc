#include "egress/tunnel.h"

#include "egress/gateway.h"
#include "egress/http_proxy.h"
#include "egress/relay.h"

namespace carrel::egress {

namespace {

// The decision about a tunnel whose requests are decided one by one.
Decision decide_served(const Outbound& outbound, const Destination& destination) {
  if (!is_gateway_name(destination.host)) return outbound.decide(destination);
  if (const auto* gateway = find_gateway(outbound.policy(), destination)) {
    return {Verdict::kAllowed, "gateway " + gateway->name, {}, {}};
  }
  return {Verdict::kDenied, {}, why_no_gateway(outbound.policy(), destination), {}};
}

}  // namespace

Task<std::optional<Unreached>> run_tunnel(std::shared_ptr<Connection> connection,
                                          Destination destination, std::string opening,
                                          AuditEvent* event) {
  Connection& c = *connection;
  if (is_served_here(c.shared.outbound.policy(), destination)) {
    Decision decision = decide_served(c.shared.outbound, destination);
    event->take(decision);
    if (!decision.allowed()) {
      co_return Unreached{Unreached::Kind::kDenied, std::move(decision), {}};
    }
    if (!co_await send_all(&c.client, std::move(opening))) {
      co_await serve_here(connection, std::move(destination), *event);
    }
    co_return std::nullopt;
  }
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
