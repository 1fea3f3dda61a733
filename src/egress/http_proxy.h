// The HTTP listener: a forward proxy for HTTP/1, with CONNECT; and the same
// conversation where the client believes to speak to an origin.
#pragma once

#include <memory>

#include "egress/connection.h"
#include "egress/http_message.h"

namespace carrel::egress {

// What is told to a client whose destination was not reached.
[[nodiscard]] OwnResponse response_for(const Destination& destination, const Unreached& unreached);

// Serves one client to its end: request after request.
[[nodiscard]] Task<> serve_http(std::shared_ptr<Connection> connection);

// The same in origin-form: inside TLS that ends here, or for a gateway that was
// reached through a tunnel.
[[nodiscard]] Task<> serve_origin(std::shared_ptr<Connection> connection, Origin origin);

// Whether its tunnels are served here instead of being relayed.
[[nodiscard]] bool is_served_here(const policy::NetworkPolicy& policy,
                                  const Destination& destination);

// Serves such a tunnel, which has been opened. Requests write audit lines of
// their own; `event`, the tunnel's, is written if none could be made.
[[nodiscard]] Task<> serve_here(std::shared_ptr<Connection> connection, Destination destination,
                                AuditEvent event);

}  // namespace carrel::egress
