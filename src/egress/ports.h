// Ports that a sandbox shares with its host (policy/ports.h), in both directions.
#pragma once

#include <memory>

#include "egress/connection.h"
#include "egress/sandbox_sockets.h"

namespace carrel::egress {

// A client inside has connected to a port of the sandbox's loopback that stands for
// the host's port of the same number. Joins it to 127.0.0.1 there, or to ::1
// where nobody listens.
[[nodiscard]] Task<> serve_host_port(std::shared_ptr<Connection> connection);

// A client outside has connected to where `port` is published. Joins it to
// 127.0.0.1 inside, or to ::1 where nobody listens. `sockets` outlives the task.
[[nodiscard]] Task<> serve_published(std::shared_ptr<Connection> connection,
                                     policy::PublishedPort port, SandboxSockets* sockets);

}  // namespace carrel::egress
