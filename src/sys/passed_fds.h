// Descriptors that go from process to process over a Unix socket: unix(7), SCM_RIGHTS.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace carrel::sys {

inline constexpr std::size_t kMaxPassedFds = 64;  // in one message

// One message: `byte`, and copies of `fds`, which stay the caller's. Waits where the
// socket does; no SIGPIPE.
[[nodiscard]] Status send_fds(int socket, char byte, std::span<const int> fds);

struct PassedFds {
  bool ended = false;  // the other side did, and there is nothing more
  char byte = 0;
  bool truncated = false;     // more came than fit, or than may be open
  std::vector<UniqueFd> fds;  // close-on-exec
};

// One message. Waits where the socket does.
[[nodiscard]] Result<PassedFds> receive_fds(int socket);

}  // namespace carrel::sys
