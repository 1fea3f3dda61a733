// Names below "gateway", which stand for base URLs outside (policy/requests.h).
// They are never looked up. Pure.
#pragma once

#include <optional>
#include <string>

#include "egress/destination.h"
#include "policy/policy.h"

namespace carrel::egress {

// Is it a name that only a gateway can have?
[[nodiscard]] bool is_gateway_name(const Host& host);

// The gateway at `destination`; null if there is none of that name and port.
[[nodiscard]] const policy::Gateway* find_gateway(const policy::NetworkPolicy& policy,
                                                  const Destination& destination);

// Why there is none: a clause that completes "... is not reachable: ".
[[nodiscard]] std::string why_no_gateway(const policy::NetworkPolicy& policy,
                                         const Destination& destination);

[[nodiscard]] Destination destination_of(const policy::Gateway& gateway);

// A Location of the gateway's own, as the client inside must ask for it; else as it is.
[[nodiscard]] std::string inside_location(const policy::Gateway& gateway,
                                          const std::string& location);

}  // namespace carrel::egress
