#include "jail/launcher/terminal.h"

#include <asm/termios.h>

namespace carrel::launcher {
namespace {

using kernel::call;

constexpr unsigned kChunk = 4096;
constexpr int kDrainReads = 4096;  // at the end: at most 16 MiB that were already written

}  // namespace

std::uint32_t TerminalRelay::find() {
  std::uint32_t found = 0;
  for (int fd = 0; fd <= 2; ++fd) {
    termios settings{};
    if (kernel::ioctl(fd, TCGETS, &settings) == 0) found |= 1u << fd;
  }
  return found;
}

TerminalRelay::TerminalRelay(std::uint32_t fds) {
  if ((fds & 1u) != 0) input_ = 0;
  if ((fds & 1u) != 0) output_ = 0;
  if ((fds & 4u) != 0) output_ = 2;
  if ((fds & 2u) != 0) output_ = 1;
}

bool TerminalRelay::in_foreground() const {
  int group = 0;
  return input_ >= 0 && kernel::ioctl(input_, TIOCGPGRP, &group) == 0 &&
         group == call(__NR_getpgid, 0);
}

void TerminalRelay::start(int master) {
  master_ = master;
  const long flags = call(__NR_fcntl, master_, F_GETFL, 0);
  call(__NR_fcntl, master_, F_SETFL, flags | O_NONBLOCK);
  resume();
}

void TerminalRelay::resume() {
  if (master_ < 0 || raw_ || !in_foreground()) return;
  if (kernel::ioctl(input_, TCGETS, &saved_) < 0) return;
  termios raw = saved_;  // cfmakeraw(3)
  raw.c_iflag &=
      ~static_cast<tcflag_t>(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
  raw.c_oflag &= ~static_cast<tcflag_t>(OPOST);
  raw.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
  raw.c_cflag = (raw.c_cflag & ~static_cast<tcflag_t>(CSIZE | PARENB)) | CS8;
  raw.c_cc[VMIN] = 1;
  raw.c_cc[VTIME] = 0;
  raw_ = kernel::ioctl(input_, TCSETSW, &raw) == 0;
  resize();
}

void TerminalRelay::suspend() {
  if (!raw_) return;
  kernel::ioctl(input_, TCSETSW, &saved_);
  raw_ = false;
}

void TerminalRelay::resize() {
  winsize size{};
  if (master_ < 0 || output_ < 0 || kernel::ioctl(output_, TIOCGWINSZ, &size) < 0) return;
  kernel::ioctl(master_, TIOCSWINSZ, &size);
}

unsigned TerminalRelay::watch(pollfd* fds) const {
  if (master_ < 0) return 0;
  unsigned count = 0;
  fds[count++] = {master_, static_cast<short>(POLLIN | (pending_size_ > 0 ? POLLOUT : 0)), 0};
  // Typed bytes are taken only while there is room for them.
  if (raw_ && pending_size_ == 0) fds[count++] = {input_, POLLIN, 0};
  return count;
}

void TerminalRelay::handle(const pollfd* fds, unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    if (fds[i].revents == 0) continue;
    if (fds[i].fd != master_) {
      const long size = kernel::read(input_, pending_, sizeof pending_);
      if (size > 0) pending_size_ = static_cast<unsigned>(size);
      if (size <= 0 && size != -EINTR && size != -EAGAIN) raw_ = false;  // hung up
    } else if ((fds[i].revents & POLLIN) != 0) {
      carry_out();
    } else if ((fds[i].revents & (POLLHUP | POLLERR)) != 0 && pending_size_ == 0) {
      // No process inside has the terminal open just now; one may open it again.
      const __kernel_timespec pause{0, 1'000'000};
      kernel::ppoll(nullptr, 0, &pause);
    }
  }
  carry_in();
}

void TerminalRelay::carry_in() {
  if (pending_size_ == 0) return;
  const long size = kernel::write(master_, pending_, pending_size_);
  if (size <= 0) return;
  const unsigned taken = static_cast<unsigned>(size);
  for (unsigned i = taken; i < pending_size_; ++i) pending_[i - taken] = pending_[i];
  pending_size_ -= taken;
}

bool TerminalRelay::carry_out() {
  char bytes[kChunk];
  const long size = kernel::read(master_, bytes, sizeof bytes);
  for (long at = 0; at < size;) {
    const long written = kernel::write(output_, bytes + at, static_cast<std::size_t>(size - at));
    if (written == -EAGAIN) {
      pollfd ready{output_, POLLOUT, 0};
      kernel::ppoll(&ready, 1, nullptr);
    } else if (written < 0 && written != -EINTR) {
      break;  // the terminal is gone
    } else if (written > 0) {
      at += written;
    }
  }
  return size > 0;
}

void TerminalRelay::finish() {
  if (master_ >= 0) {
    for (int i = 0; i < kDrainReads && carry_out(); ++i) continue;
  }
  suspend();
}

}  // namespace carrel::launcher
