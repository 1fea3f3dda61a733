#include "egress/transparent.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "egress/spoken_refusal.h"
#include "egress/tunnel.h"
#include "policy/inside.h"

namespace carrel::egress {
namespace {

using policy::HostName;
using policy::IpAddress;

// How long a client that is refused may take to say what it speaks: one that waits
// for the server learns no more by waiting.
constexpr std::chrono::seconds kFirstWords{1};
constexpr std::size_t kLongestFirstWords = 1024;
constexpr int kMaxReplies = 3;

// The address that the client connected to; nullopt for one that is the loopback's own.
std::optional<Destination> meant_by(Socket& client) {
  sockaddr_storage local{};
  socklen_t size = sizeof local;
  if (::getsockname(client.native_handle(), reinterpret_cast<sockaddr*>(&local), &size) != 0) {
    return std::nullopt;
  }
  if (local.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(local);
    std::array<std::uint8_t, 4> bytes{};
    std::copy_n(reinterpret_cast<const std::uint8_t*>(&v4.sin_addr), bytes.size(), bytes.begin());
    if (bytes[0] == IN_LOOPBACKNET) return std::nullopt;
    return Destination{IpAddress::v4(bytes), ntohs(v4.sin_port)};
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(local);
  if (local.ss_family != AF_INET6 || IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr)) return std::nullopt;
  std::array<std::uint8_t, 16> bytes{};
  std::copy_n(v6.sin6_addr.s6_addr, bytes.size(), bytes.begin());
  const IpAddress address = IpAddress::v6(bytes);
  if (address.is_v4() && address.bytes()[0] == IN_LOOPBACKNET) return std::nullopt;
  return Destination{address, ntohs(v6.sin6_port)};
}

Task<> say_goodbye(std::shared_ptr<Connection> connection, std::string last_words) {
  connection->expect_within(connection->shared.timeouts.goodbye);
  if (!co_await send_all(&connection->client, std::move(last_words))) {
    co_await linger(&connection->client);
  }
  connection->close();
}

// What the client says first; "" if it says nothing in time.
Task<std::string> first_words(std::shared_ptr<Connection> connection) {
  Connection& c = *connection;
  c.expect_within(kFirstWords);
  if (co_await wait_for_more(&c.client, 0)) co_return "";
  ErrorCode error;
  co_return std::string(c.shared.scratch.peek(c.client, kLongestFirstWords, error));
}

Task<> refuse(std::shared_ptr<Connection> connection, Destination destination,
              Unreached unreached) {
  Connection& c = *connection;
  if (std::optional<std::string> words = refusal_before_client(destination, unreached)) {
    co_await say_goodbye(connection, *std::move(words));
    co_return;
  }
  for (int reply = 0; reply < kMaxReplies; ++reply) {
    const std::string first = co_await first_words(connection);
    SpokenRefusal said = refusal_for_client(first, destination, unreached);
    if (said.kind == SpokenRefusal::Kind::kNone) break;
    if (said.kind == SpokenRefusal::Kind::kWords) {
      co_await say_goodbye(connection, std::move(said.words));
      co_return;
    }
    discard(c.client, first.size());
    if (co_await send_all(&c.client, std::move(said.words))) break;
  }
  c.reset();
}

Unreached stands_for_nothing(const Destination& destination) {
  const std::string what = host_text(destination.host) + " stands for no name in this sandbox";
  return {
      Unreached::Kind::kDenied, {Verdict::kDenied, {}, what + "; look the name up again", {}}, {}};
}

}  // namespace

Task<> serve_transparent(std::shared_ptr<Connection> connection) {
  Connection& c = *connection;
  std::optional<Destination> meant = meant_by(c.client);
  if (!meant) {
    c.reset();
    co_return;
  }
  const IpAddress address = std::get<IpAddress>(meant->host);
  const HostName* const name = c.shared.names.name_of(address);
  if (name != nullptr) meant->host = *name;
  AuditEvent event;
  event.protocol = "tcp";
  event.name(*meant);
  std::optional<Unreached> unreached;
  if (name == nullptr && policy::name_network().contains(address) &&
      !c.shared.outbound.decide(*meant).allowed()) {
    unreached = stands_for_nothing(*meant);
    event.take(unreached->decision);
  } else {
    unreached = co_await run_tunnel(connection, *meant, "", &event);
  }
  if (!unreached) co_return;
  c.shared.audit.write(event);
  co_await refuse(connection, *std::move(meant), *std::move(unreached));
}

}  // namespace carrel::egress
