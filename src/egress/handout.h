// Taking over the listening sockets that the launcher opened inside the sandbox.
#pragma once

#include <cstddef>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace carrel::egress {

// Waits for the one message with `count` listening TCP sockets (SCM_RIGHTS),
// in their order. Empty if the other side ended without sending any; kInvalid
// if it sent anything else.
[[nodiscard]] Result<std::vector<UniqueFd>> receive_listeners(const UniqueFd& socket,
                                                              std::size_t count);

}  // namespace carrel::egress
