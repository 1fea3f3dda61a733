#include "egress/handout.h"

#include <sys/socket.h>

#include <array>
#include <cstring>
#include <string>

#include "sys/error.h"

namespace carrel::egress {
namespace {

constexpr std::size_t kMaxListeners = 64;
constexpr char kListenersFollow = 'L';

bool has_option(int fd, int option, int wanted) {
  int value = 0;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 && value == wanted;
}

bool is_listener(const UniqueFd& fd) {
  return has_option(fd.get(), SO_TYPE, SOCK_STREAM) && has_option(fd.get(), SO_ACCEPTCONN, 1);
}

bool is(HandedOut kind, const UniqueFd& fd) {
  return kind == HandedOut::kListener ? is_listener(fd) : has_option(fd.get(), SO_TYPE, SOCK_DGRAM);
}

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

Result<std::vector<UniqueFd>> receive_listeners(const UniqueFd& socket,
                                                const std::vector<HandedOut>& expected,
                                                Further further) {
  char byte = 0;
  iovec part{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMaxListeners)> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t size =
      sys::retry([&] { return ::recvmsg(socket.get(), &message, MSG_CMSG_CLOEXEC); });
  if (size == -1 && errno != ECONNRESET) return sys::failed("recvmsg", "listeners");
  if (size <= 0) return std::vector<UniqueFd>();
  std::vector<UniqueFd> fds = descriptors_in(message);
  if (byte != kListenersFollow || (message.msg_flags & MSG_CTRUNC) != 0 ||
      fds.size() < expected.size() || (further == Further::kNone && fds.size() > expected.size())) {
    return Error{Errc::kInvalid, "the launcher handed out " + std::to_string(fds.size()) +
                                     " sockets, not " + std::to_string(expected.size())};
  }
  for (std::size_t i = 0; i < fds.size(); ++i) {
    if (!is(i < expected.size() ? expected[i] : HandedOut::kListener, fds[i])) {
      return Error{Errc::kInvalid, "what was handed out does not listen"};
    }
  }
  return fds;
}

}  // namespace carrel::egress
