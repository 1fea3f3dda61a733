#include "egress/gateway.h"

namespace carrel::egress {
namespace {

constexpr std::uint16_t kPort = 80;

std::string name_of(const policy::Gateway& gateway) {
  return gateway.name + "." + policy::kGatewayDomain;
}

}  // namespace

bool is_gateway_name(const Host& host) {
  const auto* name = std::get_if<policy::HostName>(&host);
  if (name == nullptr) return false;
  const std::string_view text = name->text();
  return text == policy::kGatewayDomain ||
         text.ends_with("." + std::string(policy::kGatewayDomain));
}

const policy::Gateway* find_gateway(const policy::NetworkPolicy& policy,
                                    const Destination& destination) {
  if (destination.port != kPort) return nullptr;
  const std::string asked = host_text(destination.host);
  for (const policy::Gateway& gateway : policy.gateways) {
    if (asked == name_of(gateway)) return &gateway;
  }
  return nullptr;
}

std::string why_no_gateway(const policy::NetworkPolicy& policy, const Destination& destination) {
  const std::string asked = host_text(destination.host);
  std::string known;
  for (const policy::Gateway& gateway : policy.gateways) {
    if (asked == name_of(gateway)) {
      return "a gateway is spoken to in plain HTTP on port 80, and TLS begins outside; ask for "
             "http://" +
             asked + "/";
    }
    known += (known.empty() ? "" : ", ") + name_of(gateway);
  }
  return "names below '.gateway' are those of gateways, and the policy has " +
         (known.empty() ? std::string("none") : "no such one, only " + known);
}

Destination destination_of(const policy::Gateway& gateway) {
  if (const auto* name = std::get_if<policy::HostName>(&gateway.host)) return {*name, gateway.port};
  return {std::get<policy::IpAddress>(gateway.host), gateway.port};
}

std::string inside_location(const policy::Gateway& gateway, const std::string& location) {
  const std::string url = gateway.url();
  if (!location.starts_with(url)) return location;
  const std::string rest = location.substr(url.size());
  if (!rest.empty() && rest.front() != '/' && rest.front() != '?') return location;
  return "http://" + name_of(gateway) + rest;
}

}  // namespace carrel::egress
