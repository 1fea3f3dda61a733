#include "egress/live_world.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <chrono>
#include <cstring>

#include "sys/files.h"

namespace carrel::egress::live {
namespace {

constexpr int kPatienceMs = 10'000;

bool readable(int fd, int timeout_ms) {
  pollfd state{fd, POLLIN, 0};
  return ::poll(&state, 1, timeout_ms) > 0;
}

void send_fds(int socket, const std::vector<int>& fds) {
  char byte = 'L';
  iovec part{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * 8)]{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
  std::memcpy(CMSG_DATA(header), fds.data(), sizeof(int) * fds.size());
  EXPECT_EQ(::sendmsg(socket, &message, MSG_NOSIGNAL), 1);
}

void put16(std::string& out, unsigned value) {
  out += static_cast<char>(value >> 8 & 0xFF);
  out += static_cast<char>(value & 0xFF);
}

}  // namespace

Stream::Stream(UniqueFd fd) : fd_(std::move(fd)) {}

Stream Stream::connect(std::uint16_t port) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  return Stream(std::move(fd));
}

bool Stream::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool Stream::fill() {
  if (!readable(fd_.get(), kPatienceMs)) return false;
  char bytes[65536];
  const ssize_t size = ::recv(fd_.get(), bytes, sizeof bytes, 0);
  if (size == 0) ended_ = true;
  if (size <= 0) return false;
  buffer_.append(bytes, static_cast<std::size_t>(size));
  return true;
}

std::string Stream::read_until(std::string_view end) {
  std::size_t at = 0;
  while ((at = buffer_.find(end)) == std::string::npos) {
    if (!fill()) return std::exchange(buffer_, {});
  }
  std::string text = buffer_.substr(0, at + end.size());
  buffer_.erase(0, text.size());
  return text;
}

std::string Stream::read_exactly(std::size_t count) {
  while (buffer_.size() < count) {
    if (!fill()) return std::exchange(buffer_, {});
  }
  std::string text = buffer_.substr(0, count);
  buffer_.erase(0, count);
  return text;
}

std::string Stream::read_all() {
  while (fill()) {
  }
  return std::exchange(buffer_, {});
}

void Stream::shutdown_send() { ::shutdown(fd_.get(), SHUT_WR); }

void Stream::reset() {
  const struct linger hard{1, 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  fd_.reset();
}

Bound listen_on_loopback(int type) {
  Bound bound{UniqueFd(::socket(AF_INET, type | SOCK_CLOEXEC, 0)), 0};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(::bind(bound.fd.get(), generic, size), 0);
  if (type == SOCK_STREAM) EXPECT_EQ(::listen(bound.fd.get(), 1024), 0);
  EXPECT_EQ(::getsockname(bound.fd.get(), generic, &size), 0);
  bound.port = ntohs(address.sin_port);
  return bound;
}

Server::Server(std::function<void(Stream&)> serve)
    : bound_(listen_on_loopback(SOCK_STREAM)), serve_(std::move(serve)), thread_([this] {
        while (!stop_) {
          if (!readable(bound_.fd.get(), 20)) continue;
          Stream client(UniqueFd(::accept4(bound_.fd.get(), nullptr, nullptr, SOCK_CLOEXEC)));
          ++accepted_;
          serve_(client);
        }
      }) {}

Server::~Server() { finish(); }

void Server::finish() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
}

NameServer::NameServer()
    : bound_(listen_on_loopback(SOCK_DGRAM)), thread_([this] {
        while (!stop_) {
          if (!readable(bound_.fd.get(), 20)) continue;
          char query[512];
          sockaddr_in from{};
          socklen_t size = sizeof from;
          auto* const generic = reinterpret_cast<sockaddr*>(&from);
          const ssize_t got = ::recvfrom(bound_.fd.get(), query, sizeof query, 0, generic, &size);
          if (got < 12) continue;
          const std::string said = answer({query, static_cast<std::size_t>(got)});
          if (said.empty()) continue;
          EXPECT_GT(::sendto(bound_.fd.get(), said.data(), said.size(), 0, generic, size), 0);
        }
      }) {}

NameServer::~NameServer() {
  stop_ = true;
  thread_.join();
}

void NameServer::set(const std::string& name, const std::vector<std::string>& addresses,
                     std::uint32_t ttl) {
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_[name];
  entry.ttl = ttl;
  entry.silent = false;
  entry.addresses.clear();
  for (const std::string& address : addresses) {
    entry.addresses.push_back(policy::IpAddress::parse(address).value());
  }
}

void NameServer::set_silent(const std::string& name) {
  const std::lock_guard lock(mutex_);
  entries_[name].silent = true;
}

int NameServer::asked(const std::string& name) {
  const std::lock_guard lock(mutex_);
  return entries_[name].asked;
}

std::string NameServer::address() const { return "127.0.0.1:" + std::to_string(bound_.port); }

std::string NameServer::answer(std::string_view query) {
  constexpr std::size_t kHeader = 12;
  constexpr unsigned kTypeA = 1;
  constexpr unsigned kTypeAaaa = 28;
  std::string name;
  std::size_t at = kHeader;
  while (at < query.size() && query[at] != 0) {
    const auto length = std::size_t{static_cast<unsigned char>(query[at])};
    name += (name.empty() ? "" : ".") + std::string(query.substr(at + 1, length));
    at += 1 + length;
  }
  const std::string question(query.substr(kHeader, at + 5 - kHeader));
  const auto type = unsigned{static_cast<unsigned char>(question[question.size() - 3])};
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(name);
  std::string records;
  unsigned count = 0;
  if (found != entries_.end()) {
    ++found->second.asked;
    if (found->second.silent) return {};
    for (const policy::IpAddress& address : found->second.addresses) {
      if (type != (address.is_v4() ? kTypeA : kTypeAaaa)) continue;
      put16(records, 0xC00C);  // the name in the question
      put16(records, type);
      put16(records, 1);
      put16(records, found->second.ttl >> 16);
      put16(records, found->second.ttl & 0xFFFF);
      put16(records, address.is_v4() ? 4 : 16);
      const auto* bytes = reinterpret_cast<const char*>(address.bytes().data());
      records.append(bytes, address.is_v4() ? 4u : 16u);
      ++count;
    }
  }
  std::string said(query.substr(0, 2));
  put16(said, found == entries_.end() ? 0x8183 : 0x8180);
  put16(said, 1);
  put16(said, count);
  put16(said, 0);
  put16(said, 0);
  return said + question + records;
}

RunningEngine::RunningEngine(Config config) {
  int pair[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
  handout_ = UniqueFd(pair[0]);
  config.handout = UniqueFd(pair[1]);
  audit_ = UniqueFd(::memfd_create("audit", MFD_CLOEXEC));
  config.audit = UniqueFd(::fcntl(audit_.get(), F_DUPFD_CLOEXEC, 3));
  const Bound http = listen_on_loopback(SOCK_STREAM);
  const Bound socks = listen_on_loopback(SOCK_STREAM);
  http_port_ = http.port;
  socks_port_ = socks.port;
  pid_ = ::fork();
  if (pid_ == 0) {
    handout_.reset();
    const Status status = run_engine(std::move(config));
    ::_exit(status.ok() ? 0 : 1);
  }
  send_fds(handout_.get(), {http.fd.get(), socks.fd.get()});
}

RunningEngine::~RunningEngine() { EXPECT_EQ(end(), 0); }

int RunningEngine::end() {
  if (pid_ < 0) return 0;
  handout_.reset();
  int status = 0;
  for (int i = 0; i < 500; ++i) {
    if (::waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = -1;
      return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return -1;
}

std::vector<std::string> RunningEngine::audit(std::size_t count) {
  std::vector<std::string> lines;
  for (int i = 0; i < 500; ++i) {
    lines.clear();
    std::string text(1 << 20, '\0');
    const ssize_t size = ::pread(audit_.get(), text.data(), text.size(), 0);
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    for (std::size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
      lines.push_back(text.substr(at, end - at));
    }
    if (lines.size() >= count) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return lines;
}

policy::NetworkPolicy rules(std::initializer_list<std::string> allow,
                            std::initializer_list<std::string> deny) {
  policy::NetworkPolicy made;
  for (const std::string& rule : allow) made.allow.insert(policy::HostRule::parse(rule).value());
  for (const std::string& rule : deny) {
    made.deny.insert(policy::HostRule::parse(rule, policy::HostRule::Any::kAccepted).value());
  }
  return made;
}

Config config_for(const NameServer& names, policy::NetworkPolicy policy) {
  Config config;
  config.policy = std::move(policy);
  config.nameservers = names.address();
  config.sandbox = "test";
  return config;
}

Ran run(const std::vector<std::string>& command) {
  int pipe_fds[2];
  EXPECT_EQ(::pipe2(pipe_fds, O_CLOEXEC), 0);
  UniqueFd read_end(pipe_fds[0]);
  UniqueFd write_end(pipe_fds[1]);
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(write_end.get(), 1);
    ::dup2(write_end.get(), 2);
    ::alarm(60);
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  write_end.reset();
  Ran ran;
  Result<std::string> out = sys::read_all(read_end);
  if (out.ok()) ran.out = std::move(out).value();
  int status = 0;
  ::waitpid(pid, &status, 0);
  ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return ran;
}

}  // namespace carrel::egress::live
