// The engine as a process: what it holds, how it ends, how much it takes.
#include "egress/engine.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

#include "egress/handout.h"
#include "egress/live_world.h"
#include "sys/passed_fds.h"

namespace carrel::egress {
namespace {

using live::NameServer;
using live::RunningEngine;
using live::Server;
using live::Stream;

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CARREL_TEST_SANITIZED
#endif
#endif
#ifdef CARREL_TEST_SANITIZED
constexpr long kMemoryKib = 400 << 10;  // of which the sanitizer has most
#else
constexpr long kMemoryKib = 60 << 10;
#endif

std::string status_text(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  return {std::istreambuf_iterator<char>(file), {}};
}

// A field of /proc/PID/status: its number.
long status_of(int pid, const std::string& field) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(field + ":")) return std::stol(line.substr(field.size() + 1));
  }
  return -1;
}

// The kinds of descriptors that a process holds, after "/proc/PID/fd".
std::vector<std::string> files_of(int pid) {
  std::vector<std::string> files;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
    std::string target = std::filesystem::read_symlink(entry.path());
    files.push_back(target.substr(0, target.find(':')));
  }
  std::sort(files.begin(), files.end());
  return files;
}

class EngineProcess : public testing::Test {
 protected:
  EngineProcess() { names_.set("a.test", {"127.0.0.1"}); }
  [[nodiscard]] Config config() const {
    return live::config_for(names_, live::rules({"a.test", "127.0.0.1"}));
  }
  static void settle(const RunningEngine& engine) {
    Stream client = engine.http();
    client.send("x\n\n");
    EXPECT_TRUE(client.read_all().starts_with("HTTP/1.1 400"));
  }
  NameServer names_;
};

TEST_F(EngineProcess, HoldsNothingButWhatItNeeds) {
  const UniqueFd inherited(::open("/etc/passwd", O_RDONLY | O_CLOEXEC));
  RunningEngine engine(config());
  settle(engine);
  if (::geteuid() != 0) GTEST_SKIP() << "only root can look into a process that is not dumpable";
  const std::vector<std::string> expected = {
      "/dev/null",  "/dev/null",  "/dev/null",  "/memfd",  // the audit
      "anon_inode", "anon_inode", "anon_inode",            // epoll, its eventfd and timerfd
      "socket",     "socket",     "socket"};
  // The connection that settled it may take a moment to go.
  for (int i = 0; i < 200 && files_of(engine.pid()) != expected; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(files_of(engine.pid()), expected);
}

TEST_F(EngineProcess, HasASessionOfItsOwnAndIgnoresABrokenPipe) {
  RunningEngine engine(config());
  settle(engine);
  EXPECT_EQ(::getsid(engine.pid()), engine.pid());
  EXPECT_EQ(status_of(engine.pid(), "NoNewPrivs"), 1);
  const std::string text = status_text(engine.pid());
  EXPECT_NE(text.find("SigIgn:\t0000000000001000"), std::string::npos) << text;
}

TEST_F(EngineProcess, EndsWithTheSandbox) {
  RunningEngine engine(config());
  settle(engine);
  const Stream idle = engine.http();
  EXPECT_EQ(engine.end(), 0);
}

TEST_F(EngineProcess, EndsWithTheProcessThatItLivesFor) {
  const pid_t other = ::fork();
  if (other == 0) {
    ::pause();
    ::_exit(0);
  }
  Config made = config();
  made.lifetime = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, other, 0)));
  RunningEngine engine(std::move(made));
  settle(engine);
  ::kill(other, SIGKILL);
  ::waitpid(other, nullptr, 0);
  std::string status;
  for (int i = 0; i < 300 && status.find("State:\tZ") == std::string::npos; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    status = status_text(engine.pid());
  }
  EXPECT_NE(status.find("State:\tZ"), std::string::npos) << status;
}

TEST_F(EngineProcess, EndsWhenTheSandboxNeverWas) {
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  const pid_t pid = ::fork();
  if (pid == 0) {
    Config made;
    made.handout = UniqueFd(pair[1]);
    ::_exit(run_engine(std::move(made)).ok() ? 0 : 1);
  }
  ::close(pair[0]);
  ::close(pair[1]);
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0);
}

TEST_F(EngineProcess, SaysWhyItCannotServe) {
  int handout[2];
  int complaints[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, handout), 0);
  ASSERT_EQ(::pipe2(complaints, O_CLOEXEC), 0);
  const UniqueFd ours(handout[0]);
  const UniqueFd heard(complaints[0]);
  const pid_t pid = ::fork();
  if (pid == 0) {
    Config config;
    config.handout = UniqueFd(handout[1]);
    config.complaints = UniqueFd(complaints[1]);
    ::_exit(run_engine(std::move(config)).ok() ? 0 : 1);
  }
  ::close(handout[1]);
  ::close(complaints[1]);
  const UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const std::array no_listeners = {null.get(), null.get()};
  ASSERT_TRUE(sys::send_fds(ours.get(), kListenersFollow, no_listeners).ok());
  std::array<char, 256> text{};
  const ssize_t size = ::read(heard.get(), text.data(), text.size());
  ASSERT_GT(size, 0);
  EXPECT_EQ(std::string(text.data(), static_cast<std::size_t>(size)),
            "carrel: the proxy cannot serve: what was handed out does not listen\n");
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_EQ(WEXITSTATUS(status), 1);
}

TEST_F(EngineProcess, LetsFurtherClientsWaitForARoom) {
  Config few = config();
  few.max_connections = 3;
  RunningEngine engine(std::move(few));
  std::vector<Stream> clients;
  for (int i = 0; i < 5; ++i) clients.push_back(engine.http());
  clients[4].send("x\n\n");
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_EQ(engine.audit(0).size(), 0u);
  clients[0].close();
  clients[1].close();
  EXPECT_TRUE(clients[4].read_all().starts_with("HTTP/1.1 400"));
}

TEST_F(EngineProcess, HoldsTwoThousandTunnelsInFewMegabytes) {
  constexpr int kTunnels = 2000;
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_cur < 3ul * kTunnels) GTEST_SKIP() << "may not open so many files";
  std::vector<Stream> ends;
  Server server([&](Stream& client) { ends.push_back(std::move(client)); });
  RunningEngine engine(config());
  const std::string at = "a.test:" + std::to_string(server.port());
  std::vector<Stream> clients;
  for (int i = 0; i < kTunnels; ++i) {
    clients.push_back(engine.http());
    clients.back().send("CONNECT " + at + " HTTP/1.1\r\nHost: " + at + "\r\n\r\n");
    ASSERT_NE(clients.back().read_until("\r\n\r\n").find("200"), std::string::npos) << i;
    clients.back().send("x");
  }
  EXPECT_LT(status_of(engine.pid(), "VmRSS"), kMemoryKib);
  clients.clear();
  ends.clear();
  EXPECT_EQ(engine.audit(kTunnels).size(), static_cast<std::size_t>(kTunnels));
}

TEST_F(EngineProcess, AsksForANameOnceAndFollowsItsTime) {
  Server server([](Stream& client) { client.send("hi"); });
  names_.set("short.test", {"127.0.0.1"}, 1);
  Config made = config();
  made.policy = live::rules({"a.test", "short.test", "127.0.0.1"});
  RunningEngine engine(std::move(made));
  const auto visit = [&](const std::string& name) {
    Stream client = engine.http();
    client.send("CONNECT " + name + ":" + std::to_string(server.port()) + " HTTP/1.0\r\n\r\n");
    return client.read_all();
  };
  for (int i = 0; i < 5; ++i) EXPECT_NE(visit("a.test").find("200"), std::string::npos);
  EXPECT_EQ(names_.asked("a.test"), 2);  // A and AAAA
  EXPECT_NE(visit("short.test").find("200"), std::string::npos);
  // The name moves to where it must not lead.
  names_.set("short.test", {"169.254.169.254"}, 1);
  std::this_thread::sleep_for(std::chrono::milliseconds(1200));
  EXPECT_NE(visit("short.test").find("403"), std::string::npos);
  EXPECT_EQ(names_.asked("short.test"), 4);
}

TEST_F(EngineProcess, TriesTheNextAddressWhereOneDoesNotAnswer) {
  Server server([](Stream& client) { client.send("hi"); });
  names_.set("many.test", {"127.0.0.2", "::1", "127.0.0.1"});
  Config made = config();
  made.policy = live::rules({"many.test", "127.0.0.0/8", "[::1]"});
  RunningEngine engine(std::move(made));
  Stream client = engine.http();
  client.send("CONNECT many.test:" + std::to_string(server.port()) + " HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(client.read_all().ends_with("hi"));
  client.close();
  EXPECT_NE(engine.audit(1)[0].find("\"address\":\"127.0.0.1\""), std::string::npos);
}

}  // namespace
}  // namespace carrel::egress
