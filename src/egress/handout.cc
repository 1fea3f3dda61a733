#include "egress/handout.h"

#include <sys/socket.h>

#include <string>

#include "sys/passed_fds.h"

namespace carrel::egress {
namespace {

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

}  // namespace

Result<std::vector<UniqueFd>> receive_listeners(const UniqueFd& socket,
                                                const std::vector<HandedOut>& expected,
                                                Further further) {
  CARREL_TRY(sys::PassedFds passed, sys::receive_fds(socket.get()));
  if (passed.ended) return std::vector<UniqueFd>();
  std::vector<UniqueFd>& fds = passed.fds;
  if (passed.byte != kListenersFollow || passed.truncated || fds.size() < expected.size() ||
      (further == Further::kNone && fds.size() > expected.size())) {
    return Error{Errc::kInvalid, "the launcher handed out " + std::to_string(fds.size()) +
                                     " sockets, not " + std::to_string(expected.size())};
  }
  for (std::size_t i = 0; i < fds.size(); ++i) {
    if (!is(i < expected.size() ? expected[i] : HandedOut::kListener, fds[i])) {
      return Error{Errc::kInvalid, "what was handed out does not listen"};
    }
  }
  return std::move(fds);
}

}  // namespace carrel::egress
