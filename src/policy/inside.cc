#include "policy/inside.h"

#include <algorithm>

namespace carrel::policy {

const Cidr& name_network() {
  static const Cidr kNetwork{IpAddress::v4({198, 18, 0, 0}), 15};
  return kNetwork;
}

bool is_known_inside(const NetworkPolicy& policy, const HostName& name) {
  const auto is_its_name = [&](const Gateway& gateway) {
    return name.text() == gateway.name + "." + kGatewayDomain;
  };
  if (std::ranges::any_of(policy.gateways, is_its_name)) return true;
  const auto speaks_of_it = [&](const HostRule& rule) { return covers(rule.host, name); };
  return std::ranges::any_of(policy.allow, speaks_of_it) &&
         std::ranges::none_of(
             policy.deny, [&](const HostRule& rule) { return !rule.port && speaks_of_it(rule); });
}

}  // namespace carrel::policy
