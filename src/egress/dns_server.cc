#include "egress/dns_server.h"

#include <array>
#include <boost/asio/buffer.hpp>

#include "egress/dns.h"

namespace carrel::egress {
namespace {

// Then connections have their turn.
constexpr int kMaxTurns = 64;
constexpr std::size_t kMaxUnknownNames = 1024;
constexpr std::size_t kLengthBytes = 2;

// The answer; a name that is unknown is written down when it is asked for first.
std::string answer(Shared& shared, std::string_view query) {
  DnsAnswer answered = answer_dns(query, shared.outbound.policy(), shared.names);
  if (answered.unknown && shared.unknown_names.size() < kMaxUnknownNames &&
      shared.unknown_names.insert(*answered.unknown).second) {
    AuditEvent event;
    event.protocol = "dns";
    event.host = answered.unknown->text();
    event.reason = shared.outbound.decide_name(*answered.unknown).reason;
    shared.audit.write(event);
  }
  return std::move(answered.message);
}

std::size_t length_in(std::string_view bytes) {
  return static_cast<std::size_t>(static_cast<unsigned char>(bytes[0])) << 8 |
         static_cast<unsigned char>(bytes[1]);
}

// False when the connection is over.
Task<bool> answer_next(std::shared_ptr<Connection> connection) {
  Connection& c = *connection;
  std::size_t have = 0;
  for (std::size_t round = 0; round <= kLengthBytes + kMaxDnsMessage; ++round) {
    if (co_await wait_for_more(&c.client, have)) co_return false;
    ErrorCode error;
    const std::string_view bytes =
        c.shared.scratch.peek(c.client, kLengthBytes + kMaxDnsMessage, error);
    if (error == asio::error::would_block) continue;
    if (error || (bytes.size() == have && has_ended(c.client))) co_return false;
    have = bytes.size();
    if (have < kLengthBytes) continue;
    const std::size_t size = length_in(bytes);
    if (size > kMaxDnsMessage) co_return false;
    if (have < kLengthBytes + size) continue;
    const std::string said = answer(c.shared, bytes.substr(kLengthBytes, size));
    discard(c.client, kLengthBytes + size);
    if (said.empty()) co_return false;
    std::string message = {static_cast<char>(said.size() >> 8), static_cast<char>(said.size())};
    message += said;
    co_return !co_await send_all(&c.client, std::move(message));
  }
  co_return false;
}

}  // namespace

Task<> serve_dns_over_udp(DatagramSocket* socket, Shared* shared) {
  std::array<char, kMaxDnsMessage + 1> query;  // one more: a longer one is seen to be
  while (socket->is_open()) {
    auto [failed] = co_await socket->async_wait(DatagramSocket::wait_read, kAwait);
    if (failed) co_return;
    for (int turn = 0; turn < kMaxTurns; ++turn) {
      asio::ip::udp::endpoint client;
      ErrorCode error;
      const std::size_t size = socket->receive_from(asio::buffer(query), client, 0, error);
      if (error) break;  // nothing more, or a client that is gone
      const std::string said = answer(*shared, {query.data(), size});
      // One that does not fit the client's queue is asked for again.
      if (!said.empty()) socket->send_to(asio::buffer(said), client, 0, error);
    }
  }
}

Task<> serve_dns_over_tcp(std::shared_ptr<Connection> connection) {
  connection->expect_within(connection->shared.timeouts.greeting);
  while (co_await answer_next(connection)) {
    connection->expect_within(connection->shared.timeouts.greeting);
  }
  connection->close();
}

}  // namespace carrel::egress
