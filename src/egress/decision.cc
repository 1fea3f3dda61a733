#include "egress/decision.h"

#include <optional>
#include <set>
#include <tuple>

#include "base/path.h"
#include "egress/special_address.h"

namespace carrel::egress {
namespace {

using policy::AnyHost;
using policy::Cidr;
using policy::HostName;
using policy::HostRule;
using policy::IpAddress;
using policy::Subdomains;

bool matches(const HostRule& rule, const HostName& name) { return policy::covers(rule.host, name); }

bool matches(const HostRule& rule, const IpAddress& address) {
  if (const auto* network = std::get_if<Cidr>(&rule.host)) return network->contains(address);
  return std::holds_alternative<AnyHost>(rule.host);
}

// How narrowly a rule speaks, so that of several that match the one that says
// most is named. It changes the words of an answer, never the answer.
auto narrowness(const HostRule& rule) {
  int kind = 0;
  std::size_t length = 0;
  if (const auto* below = std::get_if<Subdomains>(&rule.host)) {
    kind = 1;
    length = below->of.text().size();
  } else if (const auto* network = std::get_if<Cidr>(&rule.host)) {
    kind = 1;
    length = network->prefix;
  } else if (std::holds_alternative<HostName>(rule.host)) {
    kind = 2;
  }
  return std::tuple(kind, length, rule.port.has_value(), !rule.reason.empty());
}

// The narrowest rule that matches `target` at `port` and passes `accept`.
template <typename Target, typename Accept>
const HostRule* find(const std::set<HostRule>& rules, const Target& target, std::uint16_t port,
                     Accept accept) {
  const HostRule* best = nullptr;
  for (const HostRule& rule : rules) {
    if ((rule.port && *rule.port != port) || !matches(rule, target) || !accept(rule)) continue;
    if (best == nullptr || narrowness(rule) > narrowness(*best)) best = &rule;
  }
  return best;
}

constexpr auto kEvery = [](const HostRule&) { return true; };

// A deny rule of the IPv4 address inside an IPv6 one counts as well.
const HostRule* find_denial(const std::set<HostRule>& deny, const IpAddress& address,
                            std::uint16_t port) {
  if (const HostRule* rule = find(deny, address, port, kEvery)) return rule;
  const auto inner = embedded_v4(address);
  return inner ? find(deny, *inner, port, kEvery) : nullptr;
}

bool lies_in(const Cidr& network, const Cidr& range) {
  return network.prefix >= range.prefix && range.contains(network.base);
}

// Does `rule`, which covers `address`, mean to? What is special is opened only
// by a rule that speaks of nothing else.
bool is_meant(const HostRule& rule, const IpAddress& address, const SpecialRange* special,
              Owner owner) {
  const auto* network = std::get_if<Cidr>(&rule.host);
  if (network == nullptr) return false;
  if (network->base == address && network->text() == address.text()) return true;
  if (special != nullptr && special->range.contains(address)) {
    const bool own = owner == Owner::kThisMachine && special->what != "a loopback address";
    return !own && lies_in(*network, special->range);
  }
  return special == nullptr && owner == Owner::kOther;
}

const HostRule* find_permission(const std::set<HostRule>& allow, const IpAddress& address,
                                std::uint16_t port, const SpecialRange* special, Owner owner) {
  return find(allow, address, port,
              [&](const HostRule& rule) { return is_meant(rule, address, special, owner); });
}

std::string described(const IpAddress& address, const SpecialRange* special, Owner owner) {
  std::string text = address.text() + " is ";
  if (special != nullptr) return text + std::string(special->what);
  return text + (owner == Owner::kThisMachine ? "an address of this machine" : "an address");
}

Decision allowed_by(const HostRule& rule) { return {Verdict::kAllowed, rule.text(), {}, {}}; }

Decision denied_by(const HostRule& rule) {
  Decision decision{Verdict::kDenied, rule.text(), "the rule '" + rule.text() + "' denies it", {}};
  if (!rule.reason.empty()) decision.reason += " (" + printable(rule.reason) + ")";
  return decision;
}

Decision not_allowed(std::string reason, const Destination& remedy) {
  return {Verdict::kDenied, {}, std::move(reason), remedy.text()};
}

// A port of the host's loopback that the sandbox has at its own.
bool is_host_port(const policy::NetworkPolicy& policy, const IpAddress& address,
                  std::uint16_t port) {
  const bool loopback = address == policy::ipv4_loopback() || address == policy::ipv6_loopback();
  return loopback && policy.host_ports.contains(policy::HostPort{port});
}

// "only port 443 of it is allowed", where that is so.
template <typename Target>
std::string why_no_rule(const std::set<HostRule>& allow, const Target& target) {
  if (allow.empty()) return "the policy allows no host";
  for (const HostRule& rule : allow) {
    if (rule.port && matches(rule, target)) {
      return "the policy allows port " + std::to_string(*rule.port) + " of it, not this one";
    }
  }
  return "no rule of the policy allows it";
}

}  // namespace

Decision decide(const policy::NetworkPolicy& policy, const HostName& name, std::uint16_t port) {
  if (const HostRule* rule = find(policy.deny, name, port, kEvery)) return denied_by(*rule);
  if (const HostRule* rule = find(policy.allow, name, port, [](const HostRule& candidate) {
        return !std::holds_alternative<AnyHost>(candidate.host);
      })) {
    return allowed_by(*rule);
  }
  return not_allowed(why_no_rule(policy.allow, name), {name, port});
}

Decision decide(const policy::NetworkPolicy& policy, const IpAddress& address, std::uint16_t port,
                Owner owner) {
  if (const HostRule* rule = find_denial(policy.deny, address, port)) return denied_by(*rule);
  if (is_host_port(policy, address, port)) {
    return {Verdict::kAllowed, "host port " + std::to_string(port), {}, {}};
  }
  const SpecialRange* special = special_range(address);
  if (const HostRule* rule = find_permission(policy.allow, address, port, special, owner)) {
    return allowed_by(*rule);
  }
  if (const HostRule* rule = find(policy.allow, address, port, kEvery)) {
    return not_allowed("'" + rule->text() + "' is too wide to open it, since " +
                           described(address, special, owner),
                       {address, port});
  }
  return not_allowed(why_no_rule(policy.allow, address), {address, port});
}

Decision decide_answer(const policy::NetworkPolicy& policy, const HostName& name,
                       const IpAddress& address, std::uint16_t port, Owner owner) {
  Decision by_name = decide(policy, name, port);
  if (!by_name.allowed()) return by_name;
  if (const HostRule* rule = find_denial(policy.deny, address, port)) {
    Decision decision = denied_by(*rule);
    decision.reason = "it leads to " + address.text() + ", and " + decision.reason;
    return decision;
  }
  const SpecialRange* special = special_range(address);
  if (special == nullptr && owner == Owner::kOther) return by_name;
  if (find_permission(policy.allow, address, port, special, owner) != nullptr) return by_name;
  return not_allowed("it leads to " + address.text() + ", and " +
                         described(address, special, owner) +
                         ", which a name reaches only where the address is allowed as well",
                     {address, port});
}

Decision decide_tls_name(const policy::NetworkPolicy& policy, const Host& host,
                         const HostName& shown, std::uint16_t port) {
  if (const auto* name = std::get_if<HostName>(&host)) {
    if (*name == shown) return {Verdict::kAllowed, {}, {}, {}};
    return {Verdict::kDenied,
            {},
            "inside the tunnel to " + name->text() + ", TLS asks for " + shown.text(),
            {}};
  }
  if (const HostRule* rule = find(policy.deny, shown, port, kEvery)) return denied_by(*rule);
  return {Verdict::kAllowed, {}, {}, {}};
}

std::string refusal_text(const std::string& destination, const Decision& decision) {
  std::string text = destination + " is not reachable: " + decision.reason + ".";
  if (!decision.remedy.empty()) {
    text += " To allow it, run carrel with --allow " + decision.remedy + ", or add \"" +
            decision.remedy + "\" to `allow` under [network] in the policy.";
  }
  return text;
}

}  // namespace carrel::egress
