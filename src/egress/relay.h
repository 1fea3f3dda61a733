// Bytes from one side to the other, as they are.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>

#include "egress/connection.h"

namespace carrel::egress {

enum class Way : std::uint8_t { kOut, kIn };  // to the upstream, to the client

struct Pumped {
  std::uint64_t bytes = 0;
  // eof: the source has ended. Otherwise the error of either side; success
  // when `limit` bytes have been moved.
  ErrorCode error;
  bool source_failed = false;  // whose error it is
};

inline constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

// Moves at most `limit` bytes, touching the connection; the sender waits while
// the other side takes nothing. `moved`, if there is one, counts along and outlives
// the task.
[[nodiscard]] Task<Pumped> pump(std::shared_ptr<Connection> connection, Way way,
                                std::uint64_t limit, std::uint64_t* moved = nullptr);

struct Relayed {
  std::uint64_t bytes_out = 0;
  std::uint64_t bytes_in = 0;
  std::string failure;             // "" where both sides ended in order
  std::optional<Decision> denied;  // the tunnel's TLS asked for another name
};

// What the client's first bytes in a tunnel say, which are left where they are.
struct FirstBytes {
  bool may_pass = false;  // false without `denied`: the client left or dawdled
  bool is_tls = false;
  std::optional<Decision> denied;  // TLS asks for another name than the tunnel's
};
[[nodiscard]] Task<FirstBytes> judge_first_bytes(std::shared_ptr<Connection> connection,
                                                 Destination destination);

// Joins client and upstream until both directions have ended; the end of one
// side is passed on, the other direction goes on. What the client sends first
// is looked at: a TLS server name must be the tunnel's (decision.h).
[[nodiscard]] Task<Relayed> relay(std::shared_ptr<Connection> connection, Destination destination);
// The same, and looks at nothing.
[[nodiscard]] Task<Relayed> relay_as_is(std::shared_ptr<Connection> connection);

}  // namespace carrel::egress
