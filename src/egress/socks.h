// The SOCKS listener: versions 5, 4 and 4A, CONNECT only.
#pragma once

#include <memory>

#include "egress/connection.h"

namespace carrel::egress {

// Serves one client to its end.
[[nodiscard]] Task<> serve_socks(std::shared_ptr<Connection> connection);

}  // namespace carrel::egress
