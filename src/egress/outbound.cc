#include "egress/outbound.h"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>

#include "base/path.h"
#include "egress/dial.h"
#include "egress/own_address.h"
#include "egress/socket_io.h"

namespace carrel::egress {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using policy::HostName;
using policy::IpAddress;

constexpr std::uint32_t kMaxProxyHead = 16 << 10;

Unreached failed(Unreached::Kind kind, const Decision& decision, const Host& host,
                 const std::string& what) {
  return {kind, decision, host_text(host) + ": " + what};
}

Unreached::Kind kind_of(const ErrorCode& error) {
  if (error == asio::error::connection_refused) return Unreached::Kind::kRefused;
  if (error == asio::error::timed_out) return Unreached::Kind::kTimedOut;
  return Unreached::Kind::kUnreachable;
}

// Closes `socket` if `patience` runs out before it is destroyed.
class Watchdog {
 public:
  Watchdog(const std::shared_ptr<Socket>& socket, Clock::duration patience)
      : timer_(socket->get_executor(), patience) {
    timer_.async_wait([weak = std::weak_ptr(socket)](ErrorCode error) {
      ErrorCode ignored;
      if (const auto held = weak.lock(); held && !error) held->close(ignored);
    });
  }

 private:
  Timer timer_;
};

}  // namespace

Outbound::PolicyPtr Outbound::with(const Grant& grant) const {
  if (!grant) return policy_;
  auto widened = std::make_shared<policy::NetworkPolicy>(*policy_);
  widened->allow.insert(*grant);
  return widened;
}

Decision Outbound::decide(const Destination& destination, const Grant& grant) const {
  const PolicyPtr policy = with(grant);
  if (const auto* name = std::get_if<HostName>(&destination.host)) {
    return egress::decide(*policy, *name, destination.port);
  }
  const auto& address = std::get<IpAddress>(destination.host);
  return egress::decide(*policy, address, destination.port, owner_of(address));
}

Decision Outbound::decide_tls_name(const Destination& destination, const HostName& shown) const {
  return egress::decide_tls_name(*policy_, destination.host, shown, destination.port);
}

Task<Outcome> Outbound::tunnel(Destination destination, Grant grant) {
  Decision decision = decide(destination, grant);
  if (!decision.allowed()) co_return Unreached{Unreached::Kind::kDenied, decision, {}};
  if (const UpstreamProxy* proxy = proxies_.for_tunnel(destination)) {
    co_return co_await through(*proxy, destination, decision);
  }
  co_return co_await direct(destination, decision, with(grant));
}

Task<Outcome> Outbound::http(Destination destination, Grant grant) {
  Decision decision = decide(destination, grant);
  if (!decision.allowed()) co_return Unreached{Unreached::Kind::kDenied, decision, {}};
  const UpstreamProxy* proxy = proxies_.for_http(destination);
  if (proxy == nullptr) co_return co_await direct(destination, decision, with(grant));
  const UpstreamProxy at = *proxy;
  Outcome outcome = co_await direct(at.at, decision, nullptr);
  if (auto* reached = std::get_if<Reached>(&outcome)) {
    reached->address.clear();
    reached->speaks_to_proxy = true;
    reached->proxy_authorization = at.authorization;
  }
  co_return outcome;
}

Task<Outcome> Outbound::direct(Destination destination, Decision decision, PolicyPtr judge) {
  const auto* name = std::get_if<HostName>(&destination.host);
  if (name == nullptr) {
    co_return co_await dial_any({std::get<IpAddress>(destination.host)}, destination, decision);
  }
  const Answer answer = co_await resolver_->resolve(*name);
  if (answer.kind != Answer::Kind::kFound) {
    const bool none = answer.kind == Answer::Kind::kNoSuchName;
    co_return failed(none ? Unreached::Kind::kNoSuchName : Unreached::Kind::kNoAnswer, decision,
                     destination.host, answer.failure);
  }
  std::vector<IpAddress> allowed;
  Decision denied;
  for (const IpAddress& address : answer.addresses) {
    Decision judged = decision;
    if (judge) {
      judged = decide_answer(*judge, *name, address, destination.port, owner_of(address));
    }
    if (judged.allowed()) {
      allowed.push_back(address);
    } else if (denied.reason.empty()) {
      denied = judged;
    }
  }
  if (allowed.empty()) co_return Unreached{Unreached::Kind::kDenied, denied, {}};
  co_return co_await dial_any(std::move(allowed), destination, decision);
}

Task<Outcome> Outbound::dial_any(std::vector<IpAddress> addresses, Destination destination,
                                 Decision decision) {
  Dialled dialled = co_await dial(std::move(addresses), destination.port, patience_);
  const std::string address = dialled.address ? dialled.address->text() : "";
  if (dialled.socket) {
    co_return Reached{std::move(*dialled.socket), decision, address, {}, false, {}, {}};
  }
  const std::string what = dialled.error == asio::error::timed_out
                               ? "no connection in time"
                               : "cannot connect to " + address + ": " + dialled.error.message();
  co_return failed(kind_of(dialled.error), decision, destination.host, what);
}

Task<Outcome> Outbound::through(UpstreamProxy proxy, Destination destination, Decision decision) {
  Outcome outcome = co_await direct(proxy.at, decision, nullptr);
  auto* reached = std::get_if<Reached>(&outcome);
  if (reached == nullptr) co_return outcome;
  const auto socket = std::make_shared<Socket>(std::move(reached->socket));
  const Watchdog watchdog(socket, patience_);

  http::request<http::empty_body> request(http::verb::connect, destination.text(), 11);
  request.set(http::field::host, destination.text());
  if (!proxy.authorization.empty()) {
    request.set(http::field::proxy_authorization, proxy.authorization);
  }
  http::response_parser<http::empty_body> parser;
  parser.header_limit(kMaxProxyHead);
  parser.skip(true);
  beast::flat_buffer buffer(kMaxProxyHead);
  auto [write_error, written] = co_await http::async_write(*socket, request, kAwait);
  ErrorCode error = write_error;
  if (!error) {
    auto [read_error, read] = co_await http::async_read_header(*socket, buffer, parser, kAwait);
    error = read_error;
  }
  const Host& host = destination.host;
  if (error) {
    co_return failed(Unreached::Kind::kUpstreamProxy, decision, host,
                     "the proxy " + proxy.at.text() + " did not answer: " + error.message());
  }
  if (parser.get().result_int() / 100 != 2) {
    co_return failed(Unreached::Kind::kUpstreamProxy, decision, host,
                     "the proxy " + proxy.at.text() + " answered " +
                         std::to_string(parser.get().result_int()) + " " +
                         printable(std::string(parser.get().reason())));
  }
  std::string greeting(static_cast<const char*>(buffer.data().data()), buffer.size());
  co_return Reached{std::move(*socket), decision, {}, std::move(greeting), false, {}};
}

}  // namespace carrel::egress
