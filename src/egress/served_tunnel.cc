// Tunnels whose other end is Carrel itself: TLS that is inspected, and gateways.
#include "egress/gateway.h"
#include "egress/http_proxy.h"
#include "egress/relay.h"

namespace carrel::egress {
namespace {

constexpr std::uint16_t kHttpPort = 80;

Decision deny(std::string reason) { return {Verdict::kDenied, {}, std::move(reason), {}}; }

Task<> give_up(std::shared_ptr<Connection> connection, AuditEvent event) {
  connection->shared.audit.write(event);
  connection->close();
  co_return;
}

// The tunnel's first bytes must be a greeting of TLS for the host that the tunnel
// leads to: nothing else can be seen into.
Task<> serve_inspected(std::shared_ptr<Connection> connection, Destination destination,
                       AuditEvent event) {
  Connection& c = *connection;
  c.expect_within(c.shared.timeouts.greeting);
  FirstBytes first = co_await judge_first_bytes(connection, destination);
  if (first.may_pass && !first.is_tls) {
    first.may_pass = false;
    first.denied = deny("the policy has " + host_text(destination.host) +
                        " inspected, and what the client sends there is not TLS");
  }
  if (!first.may_pass) {
    if (first.denied) event.take(*first.denied);
    if (!first.denied) event.failure = "the client said nothing";
    co_return co_await give_up(connection, std::move(event));
  }
  Result<SslPtr> ssl = c.shared.tls->to_client(destination.host, Alpn::kHttp1);
  if (!ssl.ok()) {
    event.failure = ssl.error().message;
    co_return co_await give_up(connection, std::move(event));
  }
  c.expect_within(c.shared.timeouts.tunnel);  // the greeting has a bound of its own
  auto opened =
      co_await open_tls(std::move(c.client), std::move(ssl).value(), c.shared.timeouts.greeting);
  if (const auto* failure = std::get_if<std::string>(&opened)) {
    event.failure = "TLS with the client: " + *failure +
                    "; a client that trusts its own certificates alone needs the host under "
                    "inspect_exclude";
    co_return co_await give_up(connection, std::move(event));
  }
  auto& end = std::get<TlsEnd>(opened);
  c.client = std::move(end.plain);
  c.client_fate = std::move(end.fate);
  co_await serve_origin(connection, Origin{std::move(destination), 443});
}

}  // namespace

bool is_served_here(const policy::NetworkPolicy& policy, const Destination& destination) {
  return is_gateway_name(destination.host) || is_inspected(policy, destination);
}

Task<> serve_here(std::shared_ptr<Connection> connection, Destination destination,
                  AuditEvent event) {
  if (is_gateway_name(destination.host)) {
    co_return co_await serve_origin(connection, Origin{std::move(destination), kHttpPort});
  }
  co_await serve_inspected(connection, std::move(destination), std::move(event));
}

}  // namespace carrel::egress
