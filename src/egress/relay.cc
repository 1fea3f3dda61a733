#include "egress/relay.h"

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>

#include "egress/client_hello.h"
#include "egress/spoken_refusal.h"

namespace carrel::egress {
namespace {

constexpr std::size_t kSmallWindow = 16 << 10;
// Then others have their turn.
constexpr int kMaxTurns = 8;

bool is_retry(const ErrorCode& error) {
  return error == asio::error::would_block || error == asio::error::interrupted;
}

// What a relay's two directions share.
struct Joined {
  std::shared_ptr<Connection> connection;
  Relayed result;
};

// "" for an ordinary end.
std::string words_for(const Pumped& pumped, Way way, bool expired) {
  if (expired) return "idle for too long";
  if (!pumped.error || pumped.error == asio::error::eof) return {};
  const bool client = (way == Way::kOut) == pumped.source_failed;
  return (client ? "the client: " : "the server: ") + pumped.error.message();
}

Task<> pass_on(std::shared_ptr<Joined> joined, Way way) {
  Connection& connection = *joined->connection;
  const Timeouts& timeouts = connection.shared.timeouts;
  Relayed& result = joined->result;
  const Pumped pumped = co_await pump(joined->connection, way, kNoLimit,
                                      way == Way::kOut ? &result.bytes_out : &result.bytes_in);
  if (result.failure.empty()) {
    result.failure = words_for(pumped, way, connection.has_expired());
  }
  if (connection.has_expired()) {
    connection.close();
    co_return;
  }
  // A source that was reset has ended too; a target that takes nothing more may
  // still have something to say.
  const bool in_order = pumped.error == asio::error::eof;
  if (in_order || pumped.source_failed) {
    ErrorCode ignored;
    (way == Way::kOut ? connection.upstream : connection.client)
        .shutdown(Socket::shutdown_send, ignored);
  }
  connection.expect_within(in_order ? timeouts.half_closed : timeouts.greeting);
}

struct Moved {
  std::size_t bytes = 0;
  std::size_t at_once = 0;  // of them, those that the target took without waiting
  ErrorCode error;
  bool source_failed = false;
};

// Moves what is there, at most `most` bytes, and waits until the target takes
// more. What it did not take is held here within the sandbox's allowance, else
// left with the kernel: to take first keeps the sender busy meanwhile.
Task<Moved> move_some(std::shared_ptr<Connection> connection, Way way, std::size_t most) {
  Connection& c = *connection;
  Socket& from = way == Way::kOut ? c.client : c.upstream;
  Socket& to = way == Way::kOut ? c.upstream : c.client;
  Moved result;
  const bool may_hold = c.shared.held < c.shared.max_held;
  Scratch& scratch = c.shared.scratch;
  const std::string_view bytes =
      may_hold ? scratch.take(from, most, result.error) : scratch.peek(from, most, result.error);
  result.source_failed = static_cast<bool>(result.error);
  if (result.error) co_return result;
  const std::size_t size = bytes.size();
  result.at_once = send_some(to, bytes, result.error);
  result.bytes = result.at_once;
  if (!may_hold) discard(from, result.at_once);
  if (result.at_once > 0) c.touch();
  if (result.error || result.at_once == size) co_return result;
  if (!may_hold) {
    std::tie(result.error) = co_await to.async_wait(Socket::wait_write, kAwait);
    co_return result;
  }
  std::string rest(bytes.substr(result.at_once));
  c.shared.held += rest.size();
  result.error = co_await send_all(&to, std::move(rest));
  c.shared.held -= size - result.at_once;
  c.touch();
  result.bytes = size;
  co_return result;
}

FirstBytes deny(std::string reason) {
  return {false, false, Decision{Verdict::kDenied, {}, std::move(reason), {}}};
}

// nullopt: more bytes are needed.
std::optional<FirstBytes> judge(const Outbound& outbound, const Destination& destination,
                                std::string_view bytes) {
  const ClientHello hello = read_client_hello(bytes);
  switch (hello.kind) {
    case ClientHello::Kind::kIncomplete:
      return std::nullopt;
    case ClientHello::Kind::kMalformed:
      return deny("the tunnel's TLS greeting cannot be read");
    case ClientHello::Kind::kNotTls:
      return FirstBytes{true, false, {}};
    case ClientHello::Kind::kNoName:
      return FirstBytes{true, true, {}};
    case ClientHello::Kind::kName:
      break;
  }
  Result<policy::HostName> shown = policy::HostName::parse(hello.server_name);
  if (!shown.ok()) return deny("TLS asks for what is no name: " + shown.error().message);
  Decision decision = outbound.decide_tls_name(destination, shown.value());
  if (decision.allowed()) return FirstBytes{true, true, {}};
  return FirstBytes{false, true, std::move(decision)};
}

// Says so in the one language that the client has shown to speak. What it said is
// taken first: a close with bytes unread would overtake the alert.
void say_wrong_name(Connection& connection) {
  ErrorCode error;
  while (!connection.shared.scratch.take(connection.client, Scratch::kSize, error).empty())
    continue;
  static_cast<void>(send_some(connection.client, tls_alert(TlsAlert::kUnrecognizedName), error));
}

Task<> pass_on_judged(std::shared_ptr<Joined> joined, Destination destination) {
  Connection& connection = *joined->connection;
  FirstBytes judged = co_await judge_first_bytes(joined->connection, std::move(destination));
  if (judged.may_pass) {
    connection.expect_within(connection.shared.timeouts.tunnel);
    co_await pass_on(joined, Way::kOut);
    co_return;
  }
  if (connection.has_expired()) joined->result.failure = "idle for too long";
  joined->result.denied = std::move(judged.denied);
  if (judged.is_tls) say_wrong_name(connection);
  connection.close();
}

// Both ways until both have ended; `out` is the client's.
Task<Relayed> run(std::shared_ptr<Joined> joined, Task<> out) {
  using namespace asio::experimental::awaitable_operators;
  const std::shared_ptr<Connection> connection = joined->connection;
  connection->expect_within(connection->shared.timeouts.tunnel);
  co_await (std::move(out) && pass_on(joined, Way::kIn));
  // A close with bytes unread would send RST, which can overtake the last words.
  if (!joined->result.failure.empty() && connection->client.is_open()) {
    connection->expect_within(connection->shared.timeouts.goodbye);
    co_await linger(&connection->client);
  }
  connection->close();
  co_return std::move(joined->result);
}

}  // namespace

Task<FirstBytes> judge_first_bytes(std::shared_ptr<Connection> connection,
                                   Destination destination) {
  Connection& c = *connection;
  std::size_t have = 0;
  // A round sees at least one more byte, save where the kernel woke us in vain.
  for (std::size_t round = 0; round <= kMaxClientHello; ++round) {
    if (co_await wait_for_more(&c.client, have)) {
      co_return have == 0 ? FirstBytes{}
                          : deny("the tunnel's TLS greeting was not finished in time");
    }
    ErrorCode error;
    const std::string_view bytes = c.shared.scratch.peek(c.client, kMaxClientHello + 1, error);
    if (is_retry(error)) continue;
    // Half a greeting and then the end leads nowhere.
    if (error || (bytes.size() == have && has_ended(c.client)))
      co_return FirstBytes{true, false, {}};
    have = bytes.size();
    if (std::optional<FirstBytes> judged = judge(c.shared.outbound, destination, bytes)) {
      co_return *std::move(judged);
    }
    c.expect_within(c.shared.timeouts.greeting);
  }
  co_return deny("the tunnel's TLS greeting comes in too many pieces");
}

Task<Pumped> pump(std::shared_ptr<Connection> connection, Way way, std::uint64_t limit,
                  std::uint64_t* moved) {
  Connection& c = *connection;
  Socket& from = way == Way::kOut ? c.client : c.upstream;
  Pumped result;
  std::size_t window = Scratch::kSize;
  while (result.bytes < limit) {
    std::tie(result.error) = co_await from.async_wait(Socket::wait_read, kAwait);
    result.source_failed = static_cast<bool>(result.error);
    for (int turn = 0; turn < kMaxTurns && result.bytes < limit && !result.error; ++turn) {
      const std::uint64_t most = std::min<std::uint64_t>(window, limit - result.bytes);
      const Moved step = co_await move_some(connection, way, static_cast<std::size_t>(most));
      if (is_retry(step.error)) break;
      result.error = step.error;
      result.source_failed = step.source_failed;
      result.bytes += step.bytes;
      if (moved != nullptr) *moved += step.bytes;
      if (step.at_once < step.bytes || step.bytes == 0) {
        window = std::clamp(step.at_once * 2, kSmallWindow, Scratch::kSize);
      } else {
        window = std::min(Scratch::kSize, window * 2);
        if (step.bytes < most) break;  // that was all there is
      }
    }
    if (result.error) co_return result;
  }
  co_return result;
}

Task<Relayed> relay(std::shared_ptr<Connection> connection, Destination destination) {
  const auto joined = std::make_shared<Joined>(Joined{connection, {}});
  Task<> out = pass_on_judged(joined, std::move(destination));
  co_return co_await run(joined, std::move(out));
}

Task<Relayed> relay_as_is(std::shared_ptr<Connection> connection) {
  const auto joined = std::make_shared<Joined>(Joined{connection, {}});
  Task<> out = pass_on(joined, Way::kOut);
  co_return co_await run(joined, std::move(out));
}

}  // namespace carrel::egress
