#include "egress/socks.h"

#include "egress/socks_message.h"
#include "egress/ssh_refusal.h"
#include "egress/tunnel.h"

namespace carrel::egress {
namespace {

// The next message that `read` understands; it is taken from the socket.
// kIncomplete if the client ended or dawdled.
template <typename Message>
Task<Message> next_message(std::shared_ptr<Connection> connection,
                           Message (*read)(std::string_view)) {
  Connection& c = *connection;
  std::size_t have = 0;
  Message unfinished = read({});
  for (std::size_t round = 0; round <= kMaxSocksMessage; ++round) {
    if (co_await wait_for_more(&c.client, have)) break;
    ErrorCode error;
    const std::string_view bytes = c.shared.scratch.peek(c.client, kMaxSocksMessage, error);
    if (error == asio::error::would_block) continue;
    if (error || (bytes.size() == have && has_ended(c.client))) break;
    have = bytes.size();
    Message message = read(bytes);
    if (message.state == SocksState::kComplete) discard(c.client, message.size);
    if (message.state != SocksState::kIncomplete) co_return message;
  }
  co_return unfinished;
}

Task<> say_goodbye(std::shared_ptr<Connection> connection, std::string last_words) {
  connection->expect_within(connection->shared.timeouts.goodbye);
  if (!co_await send_all(&connection->client, std::move(last_words))) {
    co_await linger(&connection->client);
  }
  connection->close();
}

SocksReply reply_for(Unreached::Kind kind) {
  switch (kind) {
    case Unreached::Kind::kDenied:
      return SocksReply::kNotAllowed;
    case Unreached::Kind::kNoSuchName:
    case Unreached::Kind::kUnreachable:
      return SocksReply::kHostUnreachable;
    case Unreached::Kind::kRefused:
      return SocksReply::kConnectionRefused;
    case Unreached::Kind::kTimedOut:
      return SocksReply::kTimedOut;
    case Unreached::Kind::kNoAnswer:
    case Unreached::Kind::kUpstreamProxy:
    case Unreached::Kind::kTls:
      break;
  }
  return SocksReply::kGeneralFailure;
}

Task<> turn_away(std::shared_ptr<Connection> connection, SocksVersion version,
                 Destination destination, Unreached unreached) {
  const bool denied = unreached.kind == Unreached::Kind::kDenied;
  if (denied && destination.port == kSshPort) {
    std::string words = socks_reply(version, SocksReply::kSucceeded);
    words += ssh_refusal(refusal_text(destination.text(), unreached.decision));
    co_await say_goodbye(connection, std::move(words));
  } else {
    co_await say_goodbye(connection, socks_reply(version, reply_for(unreached.kind)));
  }
}

Task<> connect(std::shared_ptr<Connection> connection, SocksVersion version,
               Destination destination, AuditEvent event) {
  std::optional<Unreached> unreached = co_await run_tunnel(
      connection, destination, socks_reply(version, SocksReply::kSucceeded), &event);
  if (!unreached) co_return;
  connection->shared.audit.write(event);
  co_await turn_away(connection, version, std::move(destination), *std::move(unreached));
}

// `version` was seen in the first byte.
Task<> serve_request(std::shared_ptr<Connection> connection, SocksVersion version) {
  Connection& c = *connection;
  AuditEvent event;
  event.protocol = version == SocksVersion::k5 ? "socks5" : "socks4";
  const SocksRequest request = co_await next_message(
      connection, version == SocksVersion::k5 ? &read_socks5_request : &read_socks4_request);
  if (request.state != SocksState::kComplete) {
    c.close();
    co_return;
  }
  event.host = request.host;
  event.port = request.port;
  Result<Destination> destination = request.destination();
  SocksReply refusal = SocksReply::kNotAllowed;
  if (request.command != SocksCommand::kConnect) {
    refusal = SocksReply::kCommandNotSupported;
    event.reason = "only CONNECT is offered, neither BIND nor UDP ASSOCIATE";
  } else if (!request.known_address_type) {
    refusal = SocksReply::kAddressTypeNotSupported;
    event.reason = "an unknown kind of address";
  } else if (!destination.ok()) {
    event.reason = destination.error().message;
  } else {
    event.name(destination.value());
    co_await connect(connection, version, std::move(destination).value(), std::move(event));
    co_return;
  }
  c.shared.audit.write(event);
  co_await say_goodbye(connection, socks_reply(version, refusal));
}

}  // namespace

Task<> serve_socks(std::shared_ptr<Connection> connection) {
  Connection& c = *connection;
  c.expect_within(c.shared.timeouts.greeting);
  if (co_await wait_for_more(&c.client, 0)) co_return;
  ErrorCode error;
  const std::string_view first = c.shared.scratch.peek(c.client, 1, error);
  if (error || (first[0] != '\4' && first[0] != '\5')) {
    c.close();
    co_return;
  }
  if (first[0] == '\4') {
    co_await serve_request(connection, SocksVersion::k4);
    co_return;
  }
  const SocksMethods methods = co_await next_message(connection, &read_socks5_methods);
  if (methods.state != SocksState::kComplete) {
    c.close();
    co_return;
  }
  if (!methods.offers_none) {
    co_await say_goodbye(connection, socks5_method_reply(false));
    co_return;
  }
  if (co_await send_all(&c.client, socks5_method_reply(true))) co_return;
  co_await serve_request(connection, SocksVersion::k5);
}

}  // namespace carrel::egress
