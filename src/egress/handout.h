// Taking over the listening sockets that the launcher opened inside the sandbox.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace carrel::egress {

inline constexpr char kListenersFollow = 'L';  // the byte of that message

enum class HandedOut : std::uint8_t { kListener, kDatagrams };  // TCP; UDP
enum class Further : std::uint8_t { kNone, kListeners };

// Waits for the one message with sockets (SCM_RIGHTS): those of `expected`, in this
// order, and then any number of listeners if `further` says so. Empty if the other
// side ended without sending any; kInvalid if it sent anything else.
[[nodiscard]] Result<std::vector<UniqueFd>> receive_listeners(
    const UniqueFd& socket, const std::vector<HandedOut>& expected, Further further);

}  // namespace carrel::egress
