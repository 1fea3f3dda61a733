// The HTTP listener: a forward proxy for HTTP/1, with CONNECT.
#pragma once

#include <memory>

#include "egress/connection.h"

namespace carrel::egress {

// Serves one client to its end: request after request.
[[nodiscard]] Task<> serve_http(std::shared_ptr<Connection> connection);

}  // namespace carrel::egress
