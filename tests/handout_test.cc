// --proxy-fd: the listeners of the sandbox's own network are handed out before the
// command starts, so its first action can already use them.
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "fixture.h"

namespace carrel::tests {
namespace {

struct Listeners {
  UniqueFd http;
  UniqueFd socks;
};

// The first message over `fd` and the descriptors in it.
std::vector<UniqueFd> receive_descriptors(int fd) {
  char byte[64];
  iovec data{byte, sizeof byte};
  alignas(cmsghdr) char control[CMSG_SPACE(8 * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  pollfd ready{fd, POLLIN, 0};
  std::vector<UniqueFd> received;
  if (::poll(&ready, 1, 10000) != 1 || ::recvmsg(fd, &message, MSG_CMSG_CLOEXEC) < 0)
    return received;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int number = -1;
      std::memcpy(&number, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
      received.emplace_back(number);
    }
  }
  return received;
}

int port_of(const UniqueFd& listener) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

// Accepts one connection, reads the request's head and answers.
std::string serve_once(const UniqueFd& listener, std::string_view body) {
  pollfd ready{listener.get(), POLLIN, 0};
  if (::poll(&ready, 1, 10000) != 1) return "";
  const UniqueFd connection(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  std::string request;
  char buffer[4096];
  while (request.find("\r\n\r\n") == std::string::npos) {
    const ssize_t count = ::read(connection.get(), buffer, sizeof buffer);
    if (count <= 0) break;
    request.append(buffer, static_cast<std::size_t>(count));
  }
  const std::string answer =
      "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) +
      "\r\n\r\n" + std::string(body);
  if (::write(connection.get(), answer.data(), answer.size()) < 0) return "";
  return request;
}

class HandOut : public Sandboxed {
 protected:
  struct Started {
    std::unique_ptr<Process> process;
    UniqueFd ours;
  };
  Started start(const std::vector<std::string>& command, std::vector<std::string> options = {}) {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    Started started{nullptr, UniqueFd(ends[0])};
    const UniqueFd theirs(ends[1]);
    options.insert(options.end(), {"--proxy-fd", "5"});
    Invocation invocation = sealed_invocation(command, options);
    invocation.fds = {{theirs.get(), 5}};
    started.process = std::make_unique<Process>(invocation);
    return started;
  }
};
CARREL_AS_ROOT_AND_USER(HandOut);

constexpr char kFirstAction[] =
    "exec 3<>/dev/tcp/127.0.0.1/3128 || exit 9; printf 'GET http://x.test/ HTTP/1.1\\r\\n\\r\\n' "
    ">&3; cat <&3";

TEST_P(HandOut, GivesTwoListenersInOneMessage) {
  Started started = start({"/bin/sleep", "1"});
  const std::vector<UniqueFd> listeners = receive_descriptors(started.ours.get());
  ASSERT_EQ(listeners.size(), 2u);
  EXPECT_EQ(port_of(listeners[0]), 3128);
  EXPECT_EQ(port_of(listeners[1]), 1080);
  EXPECT_TRUE(exited(started.process->wait(), 0));
}

TEST_P(HandOut, ServesTheCommandsRequest) {
  Started started = start({"/bin/bash", "-c", kFirstAction});
  const std::vector<UniqueFd> listeners = receive_descriptors(started.ours.get());
  ASSERT_EQ(listeners.size(), 2u);
  EXPECT_TRUE(contains(serve_once(listeners[0], "from the proxy\n"), "GET http://x.test/"));
  const Ended ended = started.process->wait();
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_TRUE(contains(ended.out, "from the proxy")) << describe(ended);
}

TEST_P(HandOut, FirstActionOfTheCommandConnectsAHundredTimesOfAHundred) {
  int served = 0;
  for (int i = 0; i < 100; ++i) {
    Started started = start({"/bin/bash", "-c", kFirstAction});
    const std::vector<UniqueFd> listeners = receive_descriptors(started.ours.get());
    ASSERT_EQ(listeners.size(), 2u) << i;
    EXPECT_NE(serve_once(listeners[0], "ok\n"), "") << i;
    const Ended ended = started.process->wait();
    served += ended.status == 0 && contains(ended.out, "ok") ? 1 : 0;
  }
  EXPECT_EQ(served, 100);
}

TEST_P(HandOut, CurlUsesItWithoutAnyConfiguration) {
  if (::access("/usr/bin/curl", X_OK) != 0) GTEST_SKIP() << "curl is not installed";
  Started started = start({"/usr/bin/curl", "-sS", "http://x.test/page"});
  const std::vector<UniqueFd> listeners = receive_descriptors(started.ours.get());
  ASSERT_EQ(listeners.size(), 2u);
  EXPECT_TRUE(contains(serve_once(listeners[0], "page\n"), "GET http://x.test/page"));
  const Ended ended = started.process->wait();
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_EQ(ended.out, "page\n") << describe(ended);
}

TEST_P(HandOut, VariablesNameTheProxies) {
  Started started = start({"/usr/bin/env"});
  (void)receive_descriptors(started.ours.get());
  const std::string out = "\n" + started.process->wait().out;
  EXPECT_TRUE(contains(out, "\nHTTP_PROXY=http://localhost:3128") ||
              contains(out, "\nHTTP_PROXY=http://127.0.0.1:3128"))
      << out;
  for (const char* name : {"http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy",
                           "NO_PROXY", "no_proxy"}) {
    EXPECT_TRUE(contains(out, "\n" + std::string(name) + "=")) << name << out;
  }
}

TEST_P(HandOut, CommandHoldsNeitherTheSocketNorTheListeners) {
  Started started = start({world().hostile("descriptors")});
  const std::vector<UniqueFd> listeners = receive_descriptors(started.ours.get());
  ASSERT_EQ(listeners.size(), 2u);
  const Ended ended = started.process->wait();
  EXPECT_TRUE(exited(ended, 0));
}

// Not even where the listener's holder never looks: there is no other way out.
TEST_P(HandOut, SocketIsClosedInTheSandboxWhenTheCommandRuns) {
  Started started = start({"/bin/bash", "-c", "sleep 0.5"});
  const std::vector<UniqueFd> listeners = receive_descriptors(started.ours.get());
  ASSERT_EQ(listeners.size(), 2u);
  char byte = 0;
  pollfd ready{started.ours.get(), POLLIN, 0};
  ASSERT_EQ(::poll(&ready, 1, 5000), 1);
  EXPECT_EQ(::read(started.ours.get(), &byte, 1), 0);  // end of file: nobody holds the other end
  EXPECT_TRUE(exited(started.process->wait(), 0));
}

TEST_P(HandOut, DescriptorThatIsNoSocketIsRefused) {
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  Invocation invocation = sealed_invocation({"/bin/true"}, {"--proxy-fd", "5"});
  invocation.fds = {{null.get(), 5}};
  EXPECT_TRUE(refused(run(invocation), "--proxy-fd 5"));
  EXPECT_TRUE(refused(sealed({"/bin/true"}, {"--proxy-fd", "66"}), "66"));
}

TEST_P(HandOut, ReceiverThatIsGoneIsAnErrorAndNotAHang) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
  ::close(ends[0]);
  const UniqueFd theirs(ends[1]);
  Invocation invocation = sealed_invocation({"/usr/bin/touch", "ran"}, {"--proxy-fd", "5"});
  invocation.fds = {{theirs.get(), 5}};
  EXPECT_TRUE(exited(run(invocation), 125));
  EXPECT_EQ(::access((world().work() + "/ran").c_str(), F_OK), -1);
}

}  // namespace
}  // namespace carrel::tests
