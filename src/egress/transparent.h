// Connections of programs that know no proxy. The room's network brings them here
// with the address that they were meant for as their own (jail/launcher/network.cc).
// Sources: Documentation/networking/tproxy.rst, ip(7) (AnyIP, IP_TRANSPARENT).
#pragma once

#include <memory>

#include "egress/connection.h"

namespace carrel::egress {

// Serves one client to its end: as a tunnel to the name that its address stands for,
// or to the address itself. A refusal is said in the client's own protocol where
// that is known (spoken_refusal.h); any other client sees its connection reset.
[[nodiscard]] Task<> serve_transparent(std::shared_ptr<Connection> connection);

}  // namespace carrel::egress
