// The one place where the network policy is asked. Pure: no lookup, no socket.
//
// A destination given by name is decided twice, before the lookup (the name)
// and after it (each address it leads to); one given as an address, once.
// Rules commute; a deny rule wins over every allow rule.
#pragma once

#include <cstdint>
#include <string>

#include "egress/destination.h"
#include "policy/policy.h"

namespace carrel::egress {

enum class Verdict : std::uint8_t { kAllowed, kDenied };

struct Decision {
  Verdict verdict = Verdict::kDenied;
  std::string rule;    // canonical text of the rule that decided; "" if none did
  std::string reason;  // of a denial: a clause that completes "... is not reachable: "
  std::string remedy;  // of a denial: what to allow; "" where a deny rule is in the way

  [[nodiscard]] bool allowed() const { return verdict == Verdict::kAllowed; }
};

// Whether an address is one of this machine's own, which the kernel knows
// (own_address.h).
enum class Owner : std::uint8_t { kOther, kThisMachine };

[[nodiscard]] Decision decide(const policy::NetworkPolicy& policy, const policy::HostName& name,
                              std::uint16_t port);

// An address that was asked for as such. It is reached only where a rule names
// it or its network. A network rule covers a special range (special_address.h)
// only if it lies inside it: 0.0.0.0/1 does not open 127.0.0.1, and an address
// of this machine only if it names just that address or loopback.
[[nodiscard]] Decision decide(const policy::NetworkPolicy& policy, const policy::IpAddress& address,
                              std::uint16_t port, Owner owner);

// An address that the allowed `name` leads to. A special one, or one of this
// machine, must be allowed as an address too.
[[nodiscard]] Decision decide_answer(const policy::NetworkPolicy& policy,
                                     const policy::HostName& name, const policy::IpAddress& address,
                                     std::uint16_t port, Owner owner);

// The name that a TLS client shows in clear text inside a tunnel to `host`. It
// must be the tunnel's; in a tunnel to an address, no deny rule may cover it.
[[nodiscard]] Decision decide_tls_name(const policy::NetworkPolicy& policy, const Host& host,
                                       const policy::HostName& shown, std::uint16_t port);

// "example.com:443 is not reachable: ..." with the remedy: for people and models.
[[nodiscard]] std::string refusal_text(const std::string& destination, const Decision& decision);

}  // namespace carrel::egress
