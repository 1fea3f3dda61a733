// What the proxy would do with a destination, without doing it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "egress/decision.h"
#include "egress/destination.h"
#include "policy/policy.h"

namespace carrel::egress {

struct Judgement {
  Decision decision;  // of the destination, as it was asked for
  struct ForAddress {
    std::string address;
    Decision decision;
  };
  // Of an allowed name, each address that it leads to now.
  std::vector<ForAddress> addresses;
  std::string failure;  // of that lookup
};

// Looks an allowed name up, unless `names` says that somebody else will.
enum class Names : std::uint8_t { kLookedUpHere, kLookedUpElsewhere };
[[nodiscard]] Result<Judgement> judge(const policy::NetworkPolicy& policy,
                                      const Destination& destination, Names names);

}  // namespace carrel::egress
