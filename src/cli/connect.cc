#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string_view>

#include "base/unique_fd.h"
#include "cli/commands.h"
#include "plan/environment.h"
#include "sys/error.h"
#include "sys/files.h"

namespace carrel::cli {
namespace {

constexpr std::size_t kMaxHead = 16 << 10;
constexpr std::string_view kEndOfHead = "\r\n\r\n";

Result<UniqueFd> open_proxy() {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return sys::failed("socket", "");
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(plan::kHttpPort);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
    return Error{Errc::kUnsupported,
                 "connect: no proxy listens on 127.0.0.1:" + std::to_string(plan::kHttpPort) +
                     "; this is for commands in a sandbox that may reach some host (carrel run "
                     "--allow HOST)",
                 errno};
  }
  return fd;
}

// Appends what has come to `text`; false at the end.
Result<bool> read_more(int fd, std::string& text) {
  std::array<char, 16 << 10> buffer;
  const ssize_t size = sys::retry([&] { return ::read(fd, buffer.data(), buffer.size()); });
  if (size == -1) return sys::failed("read", "");
  text.append(buffer.data(), static_cast<std::size_t>(size));
  return size > 0;
}

// The text of an answer that says no: what follows its head.
Error refusal(const std::string& head, std::string text) {
  constexpr std::string_view kOwn = "carrel: ";
  if (text.starts_with(kOwn)) text.erase(0, kOwn.size());
  while (text.ends_with('\n')) text.pop_back();
  if (text.empty()) text = head.substr(0, head.find('\r'));
  return Error{Errc::kDenied, text};
}

// Asks for a tunnel. What the other side has said already comes back.
Result<std::string> open_tunnel(const UniqueFd& proxy, const std::string& authority) {
  CARREL_CHECK(sys::write_all(
      proxy, "CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\n\r\n"));
  std::string text;
  while (text.find(kEndOfHead) == std::string::npos) {
    CARREL_TRY(const bool more, read_more(proxy.get(), text));
    if (!more || text.size() > kMaxHead) {
      return Error{Errc::kSystem, "connect: the proxy ended without an answer"};
    }
  }
  const std::size_t body = text.find(kEndOfHead) + kEndOfHead.size();
  if (text.starts_with("HTTP/1.1 200 ")) return text.substr(body);
  ::shutdown(proxy.get(), SHUT_WR);
  for (bool more = true; more && text.size() < kMaxHead;) {
    CARREL_TRY(more, read_more(proxy.get(), text));
  }
  return refusal(text, text.substr(body));
}

// Until the far side has ended; that of standard input is passed on.
Status join(const UniqueFd& proxy, const UniqueFd& out) {
  std::array<pollfd, 2> fds = {{{STDIN_FILENO, POLLIN, 0}, {proxy.get(), POLLIN, 0}}};
  for (;;) {
    if (sys::retry([&] { return ::poll(fds.data(), fds.size(), -1); }) == -1) {
      return sys::failed("poll", "");
    }
    std::string text;
    if (fds[0].revents != 0) {
      CARREL_TRY(const bool more, read_more(STDIN_FILENO, text));
      CARREL_CHECK(sys::write_all(proxy, text));
      if (!more) {
        ::shutdown(proxy.get(), SHUT_WR);
        fds[0].fd = -1;
      }
    }
    text.clear();
    if (fds[1].revents != 0) {
      CARREL_TRY(const bool more, read_more(proxy.get(), text));
      CARREL_CHECK(sys::write_all(out, text));
      if (!more) return Unit{};
    }
  }
}

}  // namespace

Status connect(const std::vector<std::string>& operands) {
  constexpr std::size_t kOperands = 2;
  if (operands.size() != kOperands) {
    return Error{Errc::kInvalid,
                 "connect: name a host and a port, as in `carrel connect example.com 22`"};
  }
  const bool is_v6 = operands[0].find(':') != std::string::npos;
  const std::string host = is_v6 ? "[" + operands[0] + "]" : operands[0];
  CARREL_TRY(const UniqueFd proxy, open_proxy());
  CARREL_TRY(const std::string greeting, open_tunnel(proxy, host + ":" + operands[1]));
  const UniqueFd out(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0));
  CARREL_CHECK(sys::write_all(out, greeting));
  return join(proxy, out);
}

}  // namespace carrel::cli
