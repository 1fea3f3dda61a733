// Whether an address is one of this machine's own.
#pragma once

#include "egress/decision.h"

namespace carrel::egress {

// The kernel's answer of this moment: where it would route `address` to. Sends
// nothing. An address that cannot be reached at all is not ours.
[[nodiscard]] Owner owner_of(const policy::IpAddress& address);

}  // namespace carrel::egress
