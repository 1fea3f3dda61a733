// Pushes characters into the terminal for the caller's shell to read later.
#include <fcntl.h>
#include <sys/ioctl.h>

#include "attempts.h"

namespace {

using carrel::hostile::Attempts;

constexpr unsigned long kGarbage = 1ul << 32;
constexpr char kText[] = "echo pushed\n";

long push(int fd, unsigned long request) {
  long result = -1;
  for (const char* at = kText; *at != '\0'; ++at) result = ::syscall(SYS_ioctl, fd, request, at);
  return result;
}

int terminal() { return ::open("/dev/tty", O_RDWR | O_CLOEXEC); }

long paste(unsigned long request) {
  char command = 3;  // TIOCL_PASTESEL
  return ::syscall(SYS_ioctl, 0, request, &command);
}

}  // namespace

int main(int argc, char** argv) {
  Attempts attempts(argc, argv);
  attempts.make("tiocsti-stdin", [] { return push(0, TIOCSTI); });
  attempts.make("tiocsti-stdout", [] { return push(1, TIOCSTI); });
  attempts.make("tiocsti-stderr", [] { return push(2, TIOCSTI); });
  attempts.make("tiocsti-dev-tty", [] { return push(terminal(), TIOCSTI); });
  attempts.make("tiocsti-garbage-bits", [] { return push(0, kGarbage | TIOCSTI); });
  attempts.make_harmless("tioclinux", [] { return paste(TIOCLINUX); });
  attempts.make_harmless("tioclinux-garbage-bits", [] { return paste(kGarbage | TIOCLINUX); });
  return attempts.exit_status();
}
