// A stream of bytes from a client to a destination, whatever protocol asked for it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "egress/audit.h"
#include "egress/connection.h"

namespace carrel::egress {

// Where TLS is inspected, and for gateways, the other end is here (http_proxy.h).
// Else opens the way, sends `opening` to the client, and relays until both sides have
// ended; the audit line is then written. If the destination was not reached,
// nothing was sent and nothing written, but `event` says why. `event` outlives the task.
[[nodiscard]] Task<std::optional<Unreached>> run_tunnel(std::shared_ptr<Connection> connection,
                                                        Destination destination,
                                                        std::string opening, AuditEvent* event);

}  // namespace carrel::egress
