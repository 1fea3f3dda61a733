// The HTTP listener: a forward proxy for HTTP/1, with CONNECT.
#pragma once

#include <memory>

#include "egress/connection.h"
#include "egress/http_message.h"

namespace carrel::egress {

// What is told to a client whose destination was not reached.
[[nodiscard]] OwnResponse response_for(const Destination& destination, const Unreached& unreached);

// Serves one client to its end: request after request.
[[nodiscard]] Task<> serve_http(std::shared_ptr<Connection> connection);

}  // namespace carrel::egress
