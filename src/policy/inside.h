// What a sandbox's own network knows of the world outside: names, and the
// addresses that stand for them inside.
// Sources: RFC 2544 (198.18.0.0/15: for tests between devices, never routed on the internet).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "policy/policy.h"

namespace carrel::policy {

// Addresses of this network stand for names, inside.
[[nodiscard]] const Cidr& name_network();
inline constexpr std::uint16_t kDnsPort = 53;
// Where the proxies listen, on the sandbox's loopback.
inline constexpr std::uint16_t kHttpPort = 3128;
inline constexpr std::uint16_t kSocksPort = 1080;
inline constexpr std::array<std::uint16_t, 3> kProxyPorts = {kHttpPort, kSocksPort, kDnsPort};
// Of the host's, at most: each is a listener.
inline constexpr std::size_t kMaxHostPorts = 16;

// Whether a sandbox may learn that `name` exists: a rule allows it at some port, and
// none denies it at every port.
[[nodiscard]] bool is_known_inside(const NetworkPolicy& policy, const HostName& name);

}  // namespace carrel::policy
