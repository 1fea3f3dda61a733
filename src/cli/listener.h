// Sockets that listen on this machine.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "egress/destination.h"
#include "egress/engine.h"
#include "policy/policy.h"

namespace carrel::cli {

// A TCP listener at `at`, which is an address. kSystem says that it cannot be, why, and `remedy`.
[[nodiscard]] Result<UniqueFd> listen_on(const egress::Destination& at, std::string_view remedy);

// One for each published port.
[[nodiscard]] Result<std::vector<egress::Published>> listen_for(
    const policy::NetworkPolicy& network);

}  // namespace carrel::cli
