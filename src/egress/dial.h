// Connecting to one of several addresses (RFC 8305, "happy eyeballs").
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "egress/asio.h"
#include "policy/hosts.h"

namespace carrel::egress {

struct Dialled {
  std::optional<Socket> socket;              // absent: none could be reached
  std::optional<policy::IpAddress> address;  // the one reached, or the last that failed
  ErrorCode error;                           // timed_out if `patience` ran out
};

// Tries `addresses` in their order, the next one 250 ms after the last or when
// that has failed. The first that answers wins; the others are given up.
[[nodiscard]] Task<Dialled> dial(std::vector<policy::IpAddress> addresses, std::uint16_t port,
                                 Clock::duration patience);

}  // namespace carrel::egress
