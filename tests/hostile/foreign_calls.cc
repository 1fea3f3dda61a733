// Makes system calls by the doors of other architectures, past a filter that knows
// only its own numbers.
#include "attempts.h"

namespace {

using carrel::hostile::Attempts;

#ifdef __x86_64__

long i386_getpid() {
  long result = 0;
  asm volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory", "r8", "r9", "r10", "r11");
  return result > 0 ? result : (errno = static_cast<int>(-result), -1);
}

// unshare(CLONE_NEWUSER), whose number is another one there.
long i386_unshare() {
  long result = 0;
  asm volatile("int $0x80"
               : "=a"(result)
               : "a"(310L), "b"(0x10000000L)
               : "memory", "r8", "r9", "r10", "r11");
  return result >= 0 ? result : (errno = static_cast<int>(-result), -1);
}

constexpr long kX32 = 0x40000000;

long x32_getpid() { return ::syscall(kX32 | SYS_getpid); }
long x32_unshare() { return ::syscall(kX32 | SYS_unshare, 0x10000000L); }

#endif

}  // namespace

int main(int argc, char** argv) {
  Attempts attempts(argc, argv);
#ifdef __x86_64__
  attempts.make("i386", i386_getpid);
  attempts.make("i386-unshare", i386_unshare);
  attempts.make("x32", x32_getpid);
  attempts.make("x32-unshare", x32_unshare);
#else
  std::printf("refused nothing: this architecture has one door only\n");
#endif
  return attempts.exit_status();
}
