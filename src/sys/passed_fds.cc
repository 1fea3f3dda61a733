#include "sys/passed_fds.h"

#include <sys/socket.h>

#include <array>
#include <cstring>

#include "sys/error.h"

namespace carrel::sys {
namespace {

using Control = std::array<char, CMSG_SPACE(sizeof(int) * kMaxPassedFds)>;

// Owns whatever descriptors came, even those of a message that is refused.
std::vector<UniqueFd> descriptors_in(msghdr& message) {
  std::vector<UniqueFd> fds;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
      fds.emplace_back(fd);
    }
  }
  return fds;
}

}  // namespace

Status send_fds(int socket, char byte, std::span<const int> fds) {
  if (fds.empty() || fds.size() > kMaxPassedFds) {
    return Error{Errc::kInvalid, "no message holds " + std::to_string(fds.size()) + " descriptors"};
  }
  iovec part{&byte, 1};
  alignas(cmsghdr) Control control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = CMSG_SPACE(fds.size_bytes());
  cmsghdr* const rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(fds.size_bytes());
  std::memcpy(CMSG_DATA(rights), fds.data(), fds.size_bytes());
  if (retry([&] { return ::sendmsg(socket, &message, MSG_NOSIGNAL); }) == -1) {
    return failed("sendmsg", "descriptors");
  }
  return Unit{};
}

Result<PassedFds> receive_fds(int socket) {
  PassedFds passed;
  iovec part{&passed.byte, 1};
  alignas(cmsghdr) Control control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t size = retry([&] { return ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC); });
  if (size == -1 && errno != ECONNRESET) return failed("recvmsg", "descriptors");
  passed.ended = size <= 0;
  if (passed.ended) return passed;
  passed.truncated = (message.msg_flags & MSG_CTRUNC) != 0;
  passed.fds = descriptors_in(message);
  return passed;
}

}  // namespace carrel::sys
