// What programs that know no proxy need inside: a resolver, and addresses that lead
// to carrel's proxy.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/policy.h"

namespace carrel::plan {

// The network that stands for names (policy/inside.h), and those that the policy allows
// as addresses: at most wire::kMaxRoutes. Not the sandbox's own loopback, nor what
// no TCP connection goes to.
[[nodiscard]] std::vector<policy::Cidr> transparent_routes(const policy::NetworkPolicy& policy);

// Where the kernel cannot take every port: those that the rules name, and, if one names
// none, those of SSH, HTTP and HTTPS; at most wire::kMaxTransparentPorts, and none
// that carrel listens on itself.
[[nodiscard]] std::vector<std::uint16_t> transparent_ports(const policy::NetworkPolicy& policy);

// The text of /etc/hosts without the names that the policy knows, so that they are
// looked up and lead to the proxy; those of the sandbox's own loopback stay. nullopt
// if nothing has to go.
[[nodiscard]] std::optional<std::string> hosts_inside(std::string_view hosts,
                                                      const policy::NetworkPolicy& policy);

// /etc/resolv.conf and, where it needs it, /etc/hosts, by their real paths. A file that
// the host does not have is left out: programs then ask 127.0.0.1 (resolv.conf(5)).
[[nodiscard]] std::map<std::string, std::string> resolver_files(
    const policy::NetworkPolicy& policy);

}  // namespace carrel::plan
