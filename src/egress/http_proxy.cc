#include "egress/http_proxy.h"

#include "base/path.h"
#include "egress/gateway.h"
#include "egress/http_exchange.h"
#include "egress/http_message.h"
#include "egress/request_path.h"
#include "egress/request_rules.h"
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
    case Unreached::Kind::kTls:
      return {502, "tls-failed", unreached.failure};
  }
  return {};
}

namespace {

constexpr char kEstablished[] = "HTTP/1.1 200 Connection established\r\n\r\n";

OwnResponse response_for(const HttpFault& fault) {
  return {fault.status, fault.status == 421 ? "misdirected-request" : "bad-request", fault.text};
}

// The way that one request takes.
struct Route {
  Destination destination{policy::IpAddress{}, 0};
  bool tls = false;
  const policy::Gateway* gateway = nullptr;  // of the policy, valid until the next co_await
  std::string gateway_name;                  // "" for none
  Grant grant;

  [[nodiscard]] bool same_way(const Route& other) const {
    return destination == other.destination && tls == other.tls &&
           gateway_name == other.gateway_name;
  }
};

// One client, request after request. Lives in the frame of serve_http, which
// awaits every task below.
class Conversation {
 public:
  explicit Conversation(std::shared_ptr<Connection> connection,
                        std::optional<Origin> origin = std::nullopt)
      : connection_(std::move(connection)), c_(*connection_), origin_(std::move(origin)) {}

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
    auto planned = plan_request(parser.get(), origin_);
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
    auto routed = find_route(plan.destination);
    if (auto* unreached = std::get_if<Unreached>(&routed)) {
      co_return co_await turn_away(std::move(plan), std::move(*unreached), std::move(event));
    }
    Route route = std::get<Route>(std::move(routed));
    if (std::optional<OwnResponse> refusal = judge(route, plan, event)) {
      co_return co_await refuse(*std::move(refusal), std::move(plan), std::move(event));
    }
    co_return co_await serve_request(&parser, std::move(plan), std::move(route), std::move(event));
  }

  std::variant<Route, Unreached> find_route(const Destination& asked) {
    Route route;
    route.destination = asked;
    if (!is_gateway_name(asked.host)) {
      route.tls = origin_.has_value();
      return route;
    }
    const policy::NetworkPolicy& policy = c_.shared.outbound.policy();
    route.gateway = find_gateway(policy, asked);
    if (route.gateway == nullptr) {
      Decision denied{Verdict::kDenied, {}, why_no_gateway(policy, asked), {}};
      return Unreached{Unreached::Kind::kDenied, std::move(denied), {}};
    }
    route.destination = destination_of(*route.gateway);
    route.tls = route.gateway->scheme == policy::Gateway::Scheme::kHttps;
    route.gateway_name = route.gateway->name;
    route.grant = route.gateway->grant();
    return route;
  }

  // What the policy says of the request itself; puts in what it gives to it.
  std::optional<OwnResponse> judge(const Route& route, RequestPlan& plan, AuditEvent& event) {
    const policy::NetworkPolicy& policy = c_.shared.outbound.policy();
    const bool seen_into =
        route.tls || route.gateway != nullptr || is_inspected(policy, route.destination);
    if (!seen_into && c_.shared.credentials.empty()) return std::nullopt;
    event.protocol = route.tls && route.gateway == nullptr ? "https" : "http";
    event.gateway = route.gateway_name;
    event.name(route.destination);
    RequestView view{route.destination, route.gateway_name, plan.method, plan.path,
                     route.tls || route.gateway != nullptr};
    const std::string what =
        printable(plan.method) + " " + printable(plan.path) + " at " +
        (route.gateway ? "the gateway " + route.gateway_name : route.destination.text());
    const auto refusal = [&](unsigned status, const char* error, const std::string& why) {
      event.reason = why;
      return OwnResponse{status, error, what + " is refused: " + why + "."};
    };
    if (seen_into) {
      if (plan.path != "*") {
        Result<std::string> path = judged_path(plan.path);
        if (!path.ok()) return refusal(400, "bad-request", path.error().message);
        view.path = std::move(path).value();
      }
      if (overrides_method(plan.forward)) {
        return refusal(403, "blocked-by-request-rule",
                       "a field of it asks for another method than its own");
      }
      RequestVerdict verdict = judge_request(policy, view);
      if (!verdict.refusal.empty()) {
        event.rule = std::move(verdict.rule);
        return refusal(403, "blocked-by-request-rule", verdict.refusal);
      }
      if (verdict.max_bytes && plan.body.kind == Body::Kind::kLength &&
          plan.body.length > *verdict.max_bytes) {
        return refusal(413, "request-too-large",
                       "its body is longer than the policy lets it be: " +
                           std::to_string(*verdict.max_bytes) + " bytes");
      }
      plan.max_body = verdict.max_bytes;
      plan.end_is_leave = true;
    }
    if (route.gateway != nullptr) to_base(*route.gateway, plan);
    Injected injected = c_.shared.credentials.inject(plan.forward, view);
    if (injected.refusal) return refusal(403, "blocked-by-credential", *injected.refusal);
    event.credentials = std::move(injected.names);
    plan.concealed = std::move(injected.secrets);
    return std::nullopt;
  }

  // The request as the gateway's base URL is to see it.
  static void to_base(const policy::Gateway& gateway, RequestPlan& plan) {
    std::string target(plan.forward.target().data(), plan.forward.target().size());
    if (target != "*") plan.forward.target(gateway.base_path + target);
    const bool tls = gateway.scheme == policy::Gateway::Scheme::kHttps;
    plan.destination = destination_of(gateway);
    plan.forward.set(http::field::host, host_field(plan.destination, tls ? 443 : 80));
    plan.gateway = gateway;
  }

  Task<bool> refuse(OwnResponse response, RequestPlan plan, AuditEvent event) {
    event.verdict = Verdict::kDenied;
    event.status = static_cast<std::uint16_t>(response.status);
    c_.shared.audit.write(event);
    co_return co_await answer(std::move(response), std::move(plan));
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
    co_return co_await answer(response, std::move(plan));
  }

  // With words of our own. True if the connection goes on.
  Task<bool> answer(OwnResponse response, RequestPlan plan) {
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

  Task<bool> serve_request(RequestParser* parser, RequestPlan plan, Route route, AuditEvent event) {
    bool fresh = false;
    for (int attempt = 0; attempt < 2; ++attempt) {
      fresh = !may_reuse(route);
      if (fresh) {
        c_.expect_within(c_.shared.timeouts.tunnel);
        Outcome outcome = co_await open_upstream(route);
        if (auto* unreached = std::get_if<Unreached>(&outcome)) {
          co_return co_await turn_away(std::move(plan), std::move(*unreached), std::move(event));
        }
        take_upstream(route, std::move(std::get<Reached>(outcome)));
      }
      event.take(decision_);
      if (!route.gateway_name.empty()) event.rule = "gateway " + route.gateway_name;
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

  Task<Outcome> open_upstream(Route route) {
    if (!route.tls) co_return co_await c_.shared.outbound.http(route.destination, route.grant);
    Outcome outcome = co_await c_.shared.outbound.tunnel(route.destination, route.grant);
    auto* reached = std::get_if<Reached>(&outcome);
    if (reached == nullptr) co_return outcome;
    const std::string host = host_text(route.destination.host);
    const auto failed = [&](const std::string& why) {
      return Unreached{Unreached::Kind::kTls, reached->decision,
                       host + ": no TLS with the server: " + why};
    };
    Result<SslPtr> ssl = c_.shared.tls->to_server(route.destination.host, Alpn::kHttp1);
    if (!ssl.ok()) co_return failed(ssl.error().message);
    auto opened = co_await open_tls(std::move(reached->socket), std::move(ssl).value(),
                                    c_.shared.timeouts.connect);
    if (const auto* why = std::get_if<std::string>(&opened)) co_return failed(*why);
    auto& end = std::get<TlsEnd>(opened);
    reached->socket = std::move(end.plain);
    reached->fate = std::move(end.fate);
    co_return outcome;
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
      if (done.truncated && c_.client_fate) c_.client_fate->break_off = true;
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
  bool may_reuse(const Route& route) {
    if (!c_.upstream.is_open()) return false;
    ErrorCode error;
    if (upstream_is_.same_way(route) &&
        c_.shared.outbound.decide(route.destination, route.grant).allowed()) {
      static_cast<void>(c_.shared.scratch.peek(c_.upstream, 1, error));
      if (error == asio::error::would_block) return true;
    }
    close_upstream();
    return false;
  }

  void take_upstream(const Route& route, Reached reached) {
    c_.upstream = std::move(reached.socket);
    c_.upstream_fate = std::move(reached.fate);
    upstream_is_ = route;
    upstream_is_.gateway = nullptr;
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
  std::optional<Origin> origin_;
  // About c_.upstream.
  Route upstream_is_;
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

Task<> serve_origin(std::shared_ptr<Connection> connection, Origin origin) {
  Conversation conversation(std::move(connection), std::move(origin));
  co_await conversation.serve();
}

}  // namespace carrel::egress
