#include "egress/http_proxy.h"

#include "egress/http_exchange.h"
#include "egress/http_message.h"
#include "egress/tunnel.h"

namespace carrel::egress {

OwnResponse response_for(const Destination& destination, const Unreached& unreached) {
  switch (unreached.kind) {
    case Unreached::Kind::kDenied:
      return {403, "blocked-by-allowlist", refusal_text(destination.text(), unreached.decision)};
    case Unreached::Kind::kNoSuchName:
      return {502, "no-such-host", unreached.failure};
    case Unreached::Kind::kNoAnswer:
      return {504, "no-name-server", unreached.failure};
    case Unreached::Kind::kRefused:
      return {502, "connection-refused", unreached.failure};
    case Unreached::Kind::kUnreachable:
      return {502, "unreachable", unreached.failure};
    case Unreached::Kind::kTimedOut:
      return {504, "connection-timed-out", unreached.failure};
    case Unreached::Kind::kUpstreamProxy:
      return {502, "upstream-proxy", unreached.failure};
  }
  return {};
}

namespace {

constexpr char kEstablished[] = "HTTP/1.1 200 Connection established\r\n\r\n";

OwnResponse response_for(const HttpFault& fault) {
  return {fault.status, "bad-request", fault.text};
}

// One client, request after request. Lives in the frame of serve_http, which
// awaits every task below.
class Conversation {
 public:
  explicit Conversation(std::shared_ptr<Connection> connection)
      : connection_(std::move(connection)), c_(*connection_) {}

  Task<> serve() {
    c_.expect_within(c_.shared.timeouts.greeting);
    while (co_await serve_one()) {
    }
    c_.close();
  }

 private:
  enum class HeadEnd : std::uint8_t { kRead, kOver };

  // False when the connection is over.
  Task<bool> serve_one() {
    RequestParser parser;
    if (co_await read_head(&parser) == HeadEnd::kOver) co_return false;
    AuditEvent event;
    auto planned = plan_request(parser.get());
    if (auto* fault = std::get_if<HttpFault>(&planned)) {
      co_return co_await refuse_malformed(std::move(*fault), std::move(event));
    }
    RequestPlan plan = std::get<RequestPlan>(std::move(planned));
    event.protocol = "http";
    event.name(plan.destination);
    if (plan.is_connect) {
      event.protocol = "connect";
      co_await serve_connect(std::move(plan.destination), std::move(event));
      co_return false;
    }
    event.method = plan.method;
    event.path = plan.path;
    co_return co_await serve_request(&parser, std::move(plan), std::move(event));
  }

  Task<HeadEnd> read_head(RequestParser* parser) {
    std::size_t have = 0;
    for (std::size_t round = 0; round <= kMaxRequestHead; ++round) {
      if (co_await wait_for_more(&c_.client, have)) {
        if (have > 0 && c_.has_expired()) {
          co_await refuse_malformed({408, "the head of the request did not come in time"}, {});
        }
        co_return HeadEnd::kOver;
      }
      ErrorCode error;
      const std::string_view bytes = c_.shared.scratch.peek(c_.client, kMaxRequestHead, error);
      if (error == asio::error::would_block) continue;
      if (error || (bytes.size() == have && has_ended(c_.client))) co_return HeadEnd::kOver;
      if (have == 0) c_.expect_within(c_.shared.timeouts.greeting);
      have = bytes.size();
      const HeadScan scan = scan_head(bytes, kMaxRequestHead);
      if (scan.state == HeadScan::State::kIncomplete) continue;
      std::optional<HttpFault> fault = parse_head<true>(*parser, bytes, scan, kMaxRequestHead);
      if (!fault) {
        discard(c_.client, scan.size);
        co_return HeadEnd::kRead;
      }
      co_await refuse_malformed(std::move(*fault), {});
      co_return HeadEnd::kOver;
    }
    co_return HeadEnd::kOver;
  }

  // Always the end: where the next request would begin cannot be known.
  Task<bool> refuse_malformed(HttpFault fault, AuditEvent event) {
    event.protocol = "http";
    event.reason = fault.text;
    event.status = static_cast<std::uint16_t>(fault.status);
    c_.shared.audit.write(event);
    co_await last_words(own_response_text(response_for(fault), false, false));
    co_return false;
  }

  Task<> last_words(std::string text) {
    c_.expect_within(c_.shared.timeouts.goodbye);
    if (!co_await send_all(&c_.client, std::move(text))) {
      co_await linger(&c_.client);
    }
  }

  // True if the connection goes on.
  Task<bool> turn_away(RequestPlan plan, Unreached unreached, AuditEvent event) {
    const OwnResponse response = response_for(plan.destination, unreached);
    event.take(unreached.decision);
    event.failure = unreached.failure;
    event.status = static_cast<std::uint16_t>(response.status);
    c_.shared.audit.write(event);
    const bool goes_on = plan.keep_alive && plan.body.kind == Body::Kind::kNone && !plan.is_connect;
    std::string text = own_response_text(response, plan.is_head, goes_on);
    if (!goes_on) {
      co_await last_words(std::move(text));
      co_return false;
    }
    const ErrorCode error = co_await send_all(&c_.client, std::move(text));
    c_.expect_within(c_.shared.timeouts.keep_alive);
    co_return !error;
  }

  Task<> serve_connect(Destination destination, AuditEvent event) {
    event.status = 200;
    std::optional<Unreached> unreached =
        co_await run_tunnel(connection_, destination, kEstablished, &event);
    if (!unreached) co_return;
    RequestPlan plan;
    plan.destination = std::move(destination);
    plan.is_connect = true;
    co_await turn_away(std::move(plan), *std::move(unreached), std::move(event));
  }

  Task<bool> serve_request(RequestParser* parser, RequestPlan plan, AuditEvent event) {
    bool fresh = false;
    for (int attempt = 0; attempt < 2; ++attempt) {
      fresh = !may_reuse(plan.destination);
      if (fresh) {
        c_.expect_within(c_.shared.timeouts.tunnel);
        Outcome outcome = co_await c_.shared.outbound.http(plan.destination);
        if (auto* unreached = std::get_if<Unreached>(&outcome)) {
          co_return co_await turn_away(std::move(plan), std::move(*unreached), std::move(event));
        }
        take_upstream(plan.destination, std::move(std::get<Reached>(outcome)));
      }
      event.take(decision_);
      event.address = address_;
      RequestHead head = plan.forward;
      if (speaks_to_proxy_) {
        head = for_upstream_proxy(std::move(head), plan.destination, proxy_authorization_);
      }
      Exchanged done = co_await exchange(connection_, parser, plan, head_text<true>(head), &event);
      // A kept connection may have been closed by the other side just now; the
      // request was then not seen, and can be sent again (RFC 9110 9.2.2).
      if (done.stale && !fresh && plan.body.kind == Body::Kind::kNone) {
        close_upstream();
        if (attempt == 0) continue;
      }
      co_return co_await conclude(std::move(plan), std::move(done), std::move(event));
    }
    co_return false;
  }

  Task<bool> conclude(RequestPlan plan, Exchanged done, AuditEvent event) {
    if (!done.upstream_goes_on) close_upstream();
    if (!done.own_response) {
      event.failure = done.failure;
      c_.shared.audit.write(event);
      if (done.client_goes_on) {
        c_.expect_within(c_.shared.timeouts.keep_alive);
        co_return true;
      }
      c_.expect_within(c_.shared.timeouts.goodbye);
      if (!done.truncated) co_await linger(&c_.client);
      co_return false;
    }
    event.failure = done.own_response->text;
    event.status = static_cast<std::uint16_t>(done.own_response->status);
    c_.shared.audit.write(event);
    co_await last_words(own_response_text(*done.own_response, plan.is_head, false));
    co_return false;
  }

  // The connection that served the request before, if it leads to the same
  // place, the policy still allows it, and the other side has not ended it.
  bool may_reuse(const Destination& destination) {
    if (!c_.upstream.is_open()) return false;
    ErrorCode error;
    if (upstream_is_ == destination && c_.shared.outbound.decide(destination).allowed()) {
      static_cast<void>(c_.shared.scratch.peek(c_.upstream, 1, error));
      if (error == asio::error::would_block) return true;
    }
    close_upstream();
    return false;
  }

  void take_upstream(const Destination& destination, Reached reached) {
    c_.upstream = std::move(reached.socket);
    upstream_is_ = destination;
    decision_ = std::move(reached.decision);
    address_ = std::move(reached.address);
    speaks_to_proxy_ = reached.speaks_to_proxy;
    proxy_authorization_ = std::move(reached.proxy_authorization);
  }

  void close_upstream() {
    ErrorCode ignored;
    c_.upstream.close(ignored);
  }

  std::shared_ptr<Connection> connection_;
  Connection& c_;
  // About c_.upstream.
  Destination upstream_is_{policy::IpAddress{}, 0};
  Decision decision_;
  std::string address_;
  bool speaks_to_proxy_ = false;
  std::string proxy_authorization_;
};

}  // namespace

Task<> serve_http(std::shared_ptr<Connection> connection) {
  Conversation conversation(std::move(connection));
  co_await conversation.serve();
}

}  // namespace carrel::egress
