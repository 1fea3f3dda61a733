// Whether this kernel can bring every connection of a sandbox to the proxy.
#pragma once

#include "cli/child_probe.h"

namespace carrel::cli {

// In a child: does it, in namespaces of its own, as a sandbox with a network does.
[[nodiscard]] ProbeReport take_every_port();

}  // namespace carrel::cli
