// Sockets that belong to a sandbox's network, for connections into it.
//
// A socket stays in the network namespace it was made in. The proxy is outside, so
// a child of its own goes in and does nothing but make sockets and hand them out.
// The sandbox does not see the child: it stays outside of its PID namespace.
// Sources: network_namespaces(7), ioctl_ns(2), setns(2), unix(7).
#pragma once

#include <sys/types.h>

#include "base/result.h"
#include "base/unique_fd.h"
#include "egress/asio.h"

namespace carrel::egress {

class SandboxSockets {
 public:
  // Forks. `listener` is any socket of the sandbox's network. The caller, in whose
  // user namespace the sandbox's was made by its own user, has every right over it.
  // The child has none left when it begins; it dies with this value, or with the caller.
  [[nodiscard]] static Result<SandboxSockets> open(const UniqueFd& listener);

  // A new TCP socket there: of IPv6, which connects to mapped addresses as well, or of
  // IPv4 where the kernel has no other. Invalid if the child is gone. Waits for
  // nothing: a few are always made beforehand.
  [[nodiscard]] Result<UniqueFd> take();

  SandboxSockets(SandboxSockets&& other) noexcept;
  SandboxSockets& operator=(SandboxSockets&& other) = delete;
  ~SandboxSockets();

 private:
  SandboxSockets(UniqueFd stock, pid_t child) : stock_(std::move(stock)), child_(child) {}
  UniqueFd stock_;  // a message with one socket each
  pid_t child_;     // 0: moved from
};

}  // namespace carrel::egress
