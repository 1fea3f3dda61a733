// The way out: a destination is decided, looked up, decided again, and dialled.
// Every protocol that a client inside speaks ends here.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "egress/asio.h"
#include "egress/decision.h"
#include "egress/resolver.h"
#include "egress/upstream_proxy.h"

namespace carrel::egress {

struct TlsFate;

struct Reached {
  Socket socket;
  Decision decision;             // that allowed it
  std::string address;           // dialled; "" behind an upstream proxy
  std::string greeting;          // what the other side said already, through an upstream proxy
  bool speaks_to_proxy = false;  // plain HTTP: the request line must hold the whole URL
  std::string proxy_authorization;
  std::shared_ptr<TlsFate> fate = {};  // where TLS was begun on it
};

struct Unreached {
  enum class Kind : std::uint8_t {
    kDenied,       // by the policy; `decision` says why
    kNoSuchName,   // the name does not exist
    kNoAnswer,     // name servers failed or are silent
    kRefused,      // ECONNREFUSED
    kUnreachable,  // no route, reset
    kTimedOut,
    kUpstreamProxy,  // the proxy of this machine said no, or nonsense
    kTls,            // no TLS with the server, or not with the one that it should be
  };
  Kind kind = Kind::kDenied;
  Decision decision;    // of what was allowed: that one
  std::string failure;  // of what was allowed: "example.com: there is no address for this name"
};

using Outcome = std::variant<Reached, Unreached>;

// What a gateway may reach besides what the policy allows.
using Grant = std::optional<policy::HostRule>;

class Outbound {
 public:
  Outbound(std::shared_ptr<const policy::NetworkPolicy> policy, std::unique_ptr<Resolver> resolver,
           UpstreamProxies proxies, Clock::duration patience)
      : policy_(std::move(policy)),
        resolver_(std::move(resolver)),
        proxies_(std::move(proxies)),
        patience_(patience) {}

  // The first decision alone. A policy that changes is obeyed from the next call on.
  [[nodiscard]] Decision decide(const Destination& destination, const Grant& grant = {}) const;
  // Of a name that is known at no port (policy/inside.h): why not.
  [[nodiscard]] Decision decide_name(const policy::HostName& name) const {
    return egress::decide(*policy_, name, 0);
  }
  [[nodiscard]] Decision decide_tls_name(const Destination& destination,
                                         const policy::HostName& shown) const;
  void set_policy(std::shared_ptr<const policy::NetworkPolicy> policy) {
    policy_ = std::move(policy);
  }

  // A stream of bytes to `destination`, and a connection for plain HTTP
  // requests to it. The Outbound must outlive the task.
  [[nodiscard]] Task<Outcome> tunnel(Destination destination, Grant grant = {});
  [[nodiscard]] Task<Outcome> http(Destination destination, Grant grant = {});

  [[nodiscard]] const policy::NetworkPolicy& policy() const { return *policy_; }

 private:
  using PolicyPtr = std::shared_ptr<const policy::NetworkPolicy>;

  [[nodiscard]] PolicyPtr with(const Grant& grant) const;
  // Addresses are judged by `judge`; by nothing where it is null, since the way to
  // an upstream proxy is the machine's own business.
  [[nodiscard]] Task<Outcome> direct(Destination destination, Decision decision, PolicyPtr judge);
  [[nodiscard]] Task<Outcome> through(UpstreamProxy proxy, Destination destination,
                                      Decision decision);
  [[nodiscard]] Task<Outcome> dial_any(std::vector<policy::IpAddress> addresses,
                                       Destination destination, Decision decision);

  std::shared_ptr<const policy::NetworkPolicy> policy_;
  std::unique_ptr<Resolver> resolver_;
  UpstreamProxies proxies_;
  Clock::duration patience_;
};

}  // namespace carrel::egress
