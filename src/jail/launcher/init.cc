#include "jail/launcher/init.h"

#include <asm/statfs.h>

#include "jail/launcher/command.h"
#include "jail/launcher/kernel.h"

namespace carrel::launcher {
namespace {

using kernel::call;
using wire::Step;

// How many processes there are inside besides this one.
std::uint32_t count_processes() {
  const long dir = kernel::openat(AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY);
  if (dir < 0) return 0;
  std::uint32_t count = 0;
  alignas(8) char buffer[4096];
  for (;;) {
    const long size = call(__NR_getdents64, dir, buffer, sizeof buffer);
    if (size <= 0) break;
    for (long at = 0; at < size;) {
      std::uint16_t length;
      __builtin_memcpy(&length, buffer + at + 16, sizeof length);
      const char first = buffer[at + 19];  // struct linux_dirent64: d_name
      if (first >= '0' && first <= '9') ++count;
      at += length;
    }
  }
  kernel::close(static_cast<int>(dir));
  return count > 0 ? count - 1 : 0;
}

// /dev is cut from the same file system as every private folder.
bool private_folders_are_full() {
  struct statfs info{};
  return call(__NR_statfs, "/dev", &info) == 0 && info.f_bfree == 0;
}

class Init {
 public:
  Init(const InitStart& start, int command, int child_signals)
      : start_(start), command_(command), child_signals_(child_signals) {}

  [[noreturn]] void run() {
    for (;;) {
      pollfd fds[2] = {{start_.control, POLLIN, 0}, {child_signals_, POLLIN, 0}};
      if (kernel::ppoll(fds, 2, nullptr) < 0) continue;
      if (fds[0].revents != 0) obey();
      if (fds[1].revents != 0) reap();
    }
  }

 private:
  // The supervisor's word; its silence for good means that everything ends.
  void obey() {
    Message message{};
    int fd = -1;
    const long received = receive(start_.control, message, fd, kernel::kMsgDontWait);
    if (received == -EAGAIN) return;
    if (received != 1) kernel::exit(0);
    const int signal = static_cast<int>(message.value);
    if (message.kind == Message::Kind::kSignalAll) kernel::kill(-1, signal);
    if (message.kind == Message::Kind::kSignal) {
      kernel::kill(-command_, signal);
      if (signal == SIGCONT) stopped_ = false;
    }
  }

  void reap() {
    signalfd_siginfo info{};
    (void)kernel::read(child_signals_, &info, sizeof info);
    for (;;) {
      int status = 0;
      const long pid = kernel::wait4(-1, &status, WNOHANG | WUNTRACED, nullptr);
      if (pid <= 0) return;
      if (pid != command_) continue;
      if ((status & 0xff) == 0x7f) {
        report_stop();
      } else {
        report_end(status);
      }
    }
  }

  void report_stop() {
    if (stopped_) return;
    stopped_ = true;
    Message message{};
    message.kind = Message::Kind::kStopped;
    send(start_.control, message);
  }

  [[noreturn]] void report_end(int status) {
    Message message{};
    message.kind = Message::Kind::kEnded;
    message.value = static_cast<std::uint32_t>(status);
    message.phases = start_.phases;
    message.phases.ended = kernel::monotonic_ns();
    if (status != 0) {
      message.index = count_processes();
      message.private_full = private_folders_are_full() ? 1 : 0;
    }
    send(start_.control, message);
    kernel::exit(0);
  }

  const InitStart& start_;
  int command_;
  int child_signals_;
  bool stopped_ = false;
};

// Nothing of the command's descriptors is kept, nor of the caller's: a pipe that
// the command closes is closed.
void close_all_but(int one, int other) {
  const int low = one < other ? one : other;
  const int high = one < other ? other : one;
  if (low > 0) call(__NR_close_range, 0, low - 1, 0);
  if (high > low + 1) call(__NR_close_range, low + 1, high - 1, 0);
  call(__NR_close_range, high + 1, ~0u, 0);
}

}  // namespace

void run_as_init(const InitStart& start, const Failure& failure) {
  kernel::SignalSet children = kernel::signal_bit(SIGCHLD);
  const long child_signals = failure.must(
      Step::kSignals, call(__NR_signalfd4, -1, &children, sizeof children, O_CLOEXEC | O_NONBLOCK));
  const long command = failure.must(
      Step::kFork,
      start_command({start.plan, start.control, start.tty, start.signal_mask}, failure));

  close_all_but(start.control, static_cast<int>(child_signals));
  Init(start, static_cast<int>(command), static_cast<int>(child_signals)).run();
}

}  // namespace carrel::launcher
