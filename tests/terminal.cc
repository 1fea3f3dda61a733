#include "terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>

namespace carrel::tests {
namespace {

using Clock = std::chrono::steady_clock;

UniqueFd open_master() {
  UniqueFd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!master.valid() || ::unlockpt(master.get()) == -1) {
    std::perror("test harness: posix_openpt");
    std::abort();
  }
  return master;
}

UniqueFd open_slave(int master, Who who) {
  UniqueFd slave(::ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!slave.valid()) {
    std::perror("test harness: TIOCGPTPEER");
    std::abort();
  }
  if (who == Who::kUser && ::geteuid() == 0 && ::fchown(slave.get(), kUserId, kUserId) == -1) {
    std::perror("test harness: chown of a terminal");
  }
  return slave;
}

}  // namespace

Terminal::Terminal(Invocation invocation)
    : master_(open_master()), time_limit_(invocation.time_limit) {
  const UniqueFd slave = open_slave(master_.get(), invocation.who);
  resize(24, 80);
  invocation.input.reset();
  invocation.stdin_fd = slave.get();
  invocation.stdout_fd = slave.get();
  invocation.stderr_fd = slave.get();
  invocation.own_terminal = true;
  process_ = std::make_unique<Process>(invocation);
}

void Terminal::type(std::string_view keys) {
  if (::write(master_.get(), keys.data(), keys.size()) != static_cast<ssize_t>(keys.size())) {
    std::perror("test harness: write to a terminal");
  }
}

void Terminal::resize(unsigned short rows, unsigned short columns) {
  struct winsize size{};
  size.ws_row = rows;
  size.ws_col = columns;
  ::ioctl(master_.get(), TIOCSWINSZ, &size);
}

bool Terminal::read_more(Clock::time_point deadline) {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
  pollfd watched{master_.get(), POLLIN, 0};
  if (!master_.valid() || left <= 0 || ::poll(&watched, 1, static_cast<int>(left)) <= 0)
    return false;
  std::array<char, 4096> buffer;
  const ssize_t count = ::read(master_.get(), buffer.data(), buffer.size());
  if (count <= 0) return false;  // EIO: nobody holds the other side any more
  shown_.append(buffer.data(), static_cast<std::size_t>(count));
  return true;
}

bool Terminal::expect(std::string_view text) {
  const Clock::time_point deadline = Clock::now() + std::chrono::seconds(15);
  for (;;) {
    const std::size_t at = shown_.find(text, expected_);
    if (at != std::string::npos) {
      expected_ = at + text.size();
      return true;
    }
    if (!read_more(deadline)) return false;
  }
}

Ended Terminal::wait() {
  const Clock::time_point deadline = Clock::now() + time_limit_;
  while (read_more(deadline)) {
  }
  Ended ended = process_->wait();
  ended.out = shown_;
  return ended;
}

}  // namespace carrel::tests
