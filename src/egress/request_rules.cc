#include "egress/request_rules.h"

#include <algorithm>
#include <array>

#include "base/path.h"

namespace carrel::egress {
namespace {

std::string rule_text(const policy::RequestRule& rule) {
  std::string text = rule.action == policy::RequestRule::Action::kDeny ? "deny" : "allow";
  for (const std::string& method : rule.scope.methods) text += " " + method;
  for (const policy::Glob& path : rule.scope.paths) text += " " + path.text();
  return text;
}

// The widest of the bounds that rules give; none where one of them has none.
void widen(std::optional<std::uint64_t>& bound, std::optional<std::uint64_t> other, bool first) {
  if (first) {
    bound = other;
  } else if (bound) {
    bound = other ? std::optional(std::max(*bound, *other)) : std::nullopt;
  }
}

}  // namespace

policy::HostRule as_rule(const Destination& destination) {
  policy::HostRule rule{policy::AnyHost{}, destination.port, {}};
  if (const auto* name = std::get_if<policy::HostName>(&destination.host)) {
    rule.host = *name;
  } else {
    const auto& address = std::get<policy::IpAddress>(destination.host);
    rule.host = policy::Cidr{address, static_cast<std::uint8_t>(address.is_v4() ? 32 : 128)};
  }
  return rule;
}

bool is_inspected(const policy::NetworkPolicy& policy, const Destination& destination) {
  if (policy.inspect.empty()) return false;
  const policy::HostRule rule = as_rule(destination);
  return policy::covers(policy.inspect, rule) && !policy::covers(policy.inspect_exclude, rule);
}

bool speaks_of(const policy::RequestScope& scope, const RequestView& request) {
  if (!request.gateway.empty() || !scope.gateway.empty()) return scope.gateway == request.gateway;
  return policy::covers(scope.hosts, as_rule(request.destination));
}

bool covers(const policy::RequestScope& scope, const RequestView& request) {
  if (!speaks_of(scope, request)) return false;
  if (!scope.methods.empty() && !scope.methods.contains(request.method)) return false;
  return scope.paths.empty() || std::ranges::any_of(scope.paths, [&](const policy::Glob& glob) {
           return glob.matches(request.path);
         });
}

RequestVerdict judge_request(const policy::NetworkPolicy& policy, const RequestView& request) {
  RequestVerdict verdict;
  bool limited = false;  // an allow rule speaks of the host
  bool allowed = false;
  for (const policy::RequestRule& rule : policy.requests) {
    if (!speaks_of(rule.scope, request)) continue;
    const bool covered = covers(rule.scope, request);
    if (rule.action == policy::RequestRule::Action::kDeny) {
      if (!covered) continue;
      verdict.rule = rule_text(rule);
      verdict.refusal = "the rule '" + printable(verdict.rule) + "' denies it";
      if (!rule.reason.empty()) verdict.refusal += " (" + printable(rule.reason) + ")";
      return verdict;
    }
    limited = true;
    if (!covered) continue;
    widen(verdict.max_bytes, rule.max_bytes, !allowed);
    if (!allowed) verdict.rule = rule_text(rule);
    allowed = true;
  }
  if (limited && !allowed) {
    verdict.refusal =
        "no rule by request of the policy allows it; add a [[request]] with action "
        "= \"allow\" that covers it";
  }
  return verdict;
}

bool overrides_method(const boost::beast::http::fields& fields) {
  constexpr std::array kNames = {"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"};
  return std::ranges::any_of(kNames, [&](const char* name) { return fields.count(name) > 0; });
}

}  // namespace carrel::egress
