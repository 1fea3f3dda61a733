// The supervisor's side of the pty: the caller's terminal in raw mode, bytes
// carried both ways, sizes passed on.
// Sources: tty_ioctl(4), pty(7), termios(3).
#pragma once

#include <asm/termbits.h>

#include "jail/launcher/kernel.h"

namespace carrel::launcher {

class TerminalRelay {
 public:
  // Which of descriptors 0-2 are terminals; bit N for descriptor N.
  [[nodiscard]] static std::uint32_t find();

  explicit TerminalRelay(std::uint32_t fds);

  // Takes the pty's master; bytes flow from now on.
  void start(int master);

  // Fills up to two pollfds and returns how many. A closed side is left out.
  unsigned watch(pollfd* fds) const;
  void handle(const pollfd* fds, unsigned count);

  void resize();
  // Before this process stops and after it goes on; raw only in the foreground.
  void suspend();
  void resume();
  // Everything that the sandbox wrote reaches the terminal, then it is as it was.
  void finish();

 private:
  [[nodiscard]] bool in_foreground() const;
  void carry_in();
  bool carry_out();  // false when there is nothing (more)

  int input_ = -1;   // the caller's terminal, where descriptor 0 is one
  int output_ = -1;  // where bytes from inside go
  int master_ = -1;
  bool raw_ = false;
  termios saved_{};
  char pending_[1024];  // typed, not taken by the pty yet
  unsigned pending_size_ = 0;
};

}  // namespace carrel::launcher
