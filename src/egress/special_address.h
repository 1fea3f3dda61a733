// Addresses that a name on the Internet has no business leading to.
// Sources: RFC 6890 and the IANA special-purpose registries, RFC 6052, RFC 4291,
// and the metadata services of cloud providers.
#pragma once

#include <optional>
#include <string_view>

#include "policy/hosts.h"

namespace carrel::egress {

struct SpecialRange {
  policy::Cidr range;
  std::string_view what;  // completes "10.0.0.1 is ...": "a private address"
};

// The range that `address` lies in, the narrowest one; nullptr for an address
// that anyone on the Internet can reach. An IPv4 address inside a NAT64 form
// (64:ff9b::/96) is looked at as itself; 6to4, Teredo and IPv4-compatible
// forms are special whatever they hold.
[[nodiscard]] const SpecialRange* special_range(const policy::IpAddress& address);

// The IPv4 address that a gateway on the way would take `address` for.
[[nodiscard]] std::optional<policy::IpAddress> embedded_v4(const policy::IpAddress& address);

}  // namespace carrel::egress
