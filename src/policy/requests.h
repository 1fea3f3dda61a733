// Rules by request, credentials that stay outside, and gateways: what a policy
// says of HTTP beyond the host. Pure values, parsed by read_requests.h.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "policy/glob.h"
#include "policy/hosts.h"

namespace carrel::policy {

// `http://NAME.gateway/...` inside stands for a base URL outside.
struct Gateway {
  std::string name;  // one label of a host name, lower case
  enum class Scheme : std::uint8_t { kHttp, kHttps };
  Scheme scheme = Scheme::kHttps;
  std::variant<IpAddress, HostName> host;
  std::uint16_t port = 443;
  std::string base_path;  // "" or "/v1": no slash at its end, nothing to normalize

  [[nodiscard]] std::string url() const;
  // The grant that a gateway is: its own host and port, for its own requests.
  [[nodiscard]] HostRule grant() const;
  auto operator<=>(const Gateway&) const = default;
};

// Which requests are meant: those to `hosts`, or through `gateway`; exactly one
// of the two is set. An empty set of methods or paths is all of them.
struct RequestScope {
  std::set<HostRule> hosts;
  std::string gateway;
  std::set<std::string> methods;  // upper case
  std::set<Glob> paths;           // of the decoded path, as the sandbox sends it
  auto operator<=>(const RequestScope&) const = default;
};

// A deny rule wins over every allow rule. Where an allow rule speaks of a host,
// what no allow rule covers is refused.
struct RequestRule {
  RequestScope scope;
  enum class Action : std::uint8_t { kAllow, kDeny };
  Action action = Action::kAllow;
  std::optional<std::uint64_t> max_bytes;  // of the request's body; of an allow rule
  std::string reason;                      // of a deny rule: shown to the user and the model
  auto operator<=>(const RequestRule&) const = default;
};

// A secret of the host that is put into requests outside of the sandbox. The
// value itself is no part of a policy.
struct Credential {
  std::string name;  // for people: never the value
  RequestScope scope;
  enum class Place : std::uint8_t { kHeader, kBasic, kQuery };
  Place place = Place::kHeader;
  std::string field;   // the header's name, the user of Basic, the key in the query
  std::string scheme;  // of kHeader: "Bearer" puts "Bearer " before the secret
  enum class Source : std::uint8_t { kVariable, kFile, kCommand };
  Source source = Source::kVariable;
  std::vector<std::string> from;  // the variable, the absolute path, or the argument vector
  // Requests to these hosts may carry nothing in that place but the placeholder.
  bool only = false;
  std::string placeholder_variable;  // of the sandbox; "": none
  auto operator<=>(const Credential&) const = default;
};

// For people: "env ANTHROPIC_API_KEY", "file /path", "command pass".
[[nodiscard]] std::string source_text(const Credential& credential);
// "header x-api-key", "basic user me", "query key".
[[nodiscard]] std::string place_text(const Credential& credential);
// "POST /v1/** at api.example.com:443", "every request through the gateway model".
[[nodiscard]] std::string scope_text(const RequestScope& scope);

// Does `wide` cover whatever `narrow` does?
[[nodiscard]] bool covers(const HostRule& wide, const HostRule& narrow);
[[nodiscard]] bool covers(const std::set<HostRule>& wide, const HostRule& narrow);

// The name below which gateways stand; no such name is ever looked up.
inline constexpr char kGatewayDomain[] = "gateway";

}  // namespace carrel::policy
