// System calls without a libc: the raw instruction, and typed wrappers that keep
// the names of the man pages and return what the kernel returns (a negative
// errno on failure). Freestanding; x86-64 and AArch64.
#pragma once

#include <asm/ioctls.h>
#include <asm/signal.h>
#include <asm/stat.h>
#include <asm/unistd.h>
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/filter.h>
#include <linux/mman.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/poll.h>
#include <linux/prctl.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/signalfd.h>
#include <linux/stat.h>
#include <linux/time_types.h>
#include <linux/types.h>
#include <linux/wait.h>

#include <cstddef>
#include <cstdint>

namespace carrel::kernel {

#if defined(__x86_64__)
inline long call6(long number, long a, long b, long c, long d, long e, long f) {
  long result;
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  register long r9 asm("r9") = f;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
inline long call6(long number, long a, long b, long c, long d, long e, long f) {
  register long x8 asm("x8") = number;
  register long x0 asm("x0") = a;
  register long x1 asm("x1") = b;
  register long x2 asm("x2") = c;
  register long x3 asm("x3") = d;
  register long x4 asm("x4") = e;
  register long x5 asm("x5") = f;
  asm volatile("svc #0"
               : "+r"(x0)
               : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
               : "memory");
  return x0;
}
#else
#error "the launcher knows x86-64 and AArch64"
#endif

template <typename T>
inline long word(T value) {
  if constexpr (__is_same(T, decltype(nullptr))) {
    return 0;
  } else {
    return (long)value;  // pointers and integers alike: a register does not care
  }
}

template <typename... Args>
inline long call(long number, Args... args) {
  static_assert(sizeof...(Args) <= 6);
  const long words[6] = {word(args)...};
  return call6(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}

using SignalSet = std::uint64_t;  // the kernel's: bit N-1 is signal N
inline constexpr SignalSet signal_bit(int signal) { return SignalSet{1} << (signal - 1); }

struct SignalAction {  // struct sigaction as the kernel has it
  std::uintptr_t handler;
  unsigned long flags;
#if defined(__x86_64__)
  std::uintptr_t restorer;
#endif
  SignalSet mask;
};

struct IoVec {
  void* base;
  std::size_t size;
};
struct MessageHeader {  // struct msghdr as the kernel has it
  void* name;
  int name_size;
  IoVec* parts;
  std::size_t part_count;
  void* control;
  std::size_t control_size;
  unsigned flags;
};
struct ControlHeader {  // struct cmsghdr
  std::size_t size;
  int level;
  int type;
};
inline constexpr int kAfUnix = 1;
inline constexpr int kAfInet = 2;
inline constexpr int kAfInet6 = 10;
inline constexpr int kSockStream = 1;
inline constexpr int kSockDgram = 2;
inline constexpr int kSockSeqpacket = 5;
inline constexpr int kSockCloexec = 02000000;
inline constexpr int kSolSocket = 1;
inline constexpr int kScmRights = 1;
inline constexpr int kMsgDontWait = 0x40;
inline constexpr int kMsgNoSignal = 0x4000;
inline constexpr int kMsgCmsgCloexec = 0x40000000;

inline std::uint64_t monotonic_ns() {
  __kernel_timespec now{};
  call(__NR_clock_gettime, 1 /* CLOCK_MONOTONIC */, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(now.tv_nsec);
}

inline void close(int fd) { call(__NR_close, fd); }  // never retried: close(2)
inline long read(int fd, void* to, std::size_t size) { return call(__NR_read, fd, to, size); }
inline long write(int fd, const void* from, std::size_t size) {
  return call(__NR_write, fd, from, size);
}
inline long openat(int dir, const char* path, int flags, unsigned mode = 0) {
  return call(__NR_openat, dir, path, flags | O_CLOEXEC, mode);
}
// Opens `path` from the root with O_PATH, following no link of any kind.
inline long open_exactly(const char* path) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC | O_NOFOLLOW;
  how.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return call(__NR_openat2, AT_FDCWD, path, &how, sizeof how);
}
inline long statx(int dir, const char* path, int flags, unsigned mask, struct statx* out) {
  return call(__NR_statx, dir, path, flags, mask, out);
}
inline long mount_setattr(int dir, const char* path, unsigned flags, const mount_attr& attr) {
  return call(__NR_mount_setattr, dir, path, flags, &attr, sizeof attr);
}
inline long move_mount(int from, int to, const char* to_path, unsigned flags) {
  return call(__NR_move_mount, from, "", to, to_path, flags | MOVE_MOUNT_F_EMPTY_PATH);
}
inline long prctl(int option, unsigned long a = 0, unsigned long b = 0, unsigned long c = 0,
                  unsigned long d = 0) {
  return call(__NR_prctl, option, a, b, c, d);
}
inline long ioctl(int fd, unsigned long request, const void* argument) {
  return call(__NR_ioctl, fd, request, argument);
}
inline long kill(int pid, int signal) { return call(__NR_kill, pid, signal); }
inline long ppoll(pollfd* fds, unsigned count, const __kernel_timespec* timeout) {
  return call(__NR_ppoll, fds, count, timeout, nullptr, 0);
}
inline long set_signal_mask(SignalSet set) {
  return call(__NR_rt_sigprocmask, 2 /* SIG_SETMASK */, &set, nullptr, sizeof set);
}
inline long wait4(int pid, int* status, int options, rusage* usage) {
  return call(__NR_wait4, pid, status, options, usage);
}
[[noreturn]] inline void exit(int status) {
  for (;;) call(__NR_exit_group, status);
}

// clone(2) with CLONE_VM | CLONE_VFORK: `entry(argument)` runs in a child on a
// stack of its own (`stack_top` is 16-byte aligned) while this process waits
// until it has called execve or exited. `entry` must not return.
long vfork_onto(void* stack_top, void (*entry)(void*), void* argument);

// A thread of this process: `entry(argument)` runs beside its caller and ends with
// end_thread(). `running` becomes 1, and 0 (with a wake-up) when it has ended.
long thread_onto(void* stack_top, void (*entry)(void*), void* argument, std::uint32_t* running);
[[noreturn]] inline void end_thread() {
  for (;;) call(__NR_exit, 0);
}

// Goes over to another stack for good: `entry(argument)` must not return.
[[noreturn]] void call_onto(void* stack_top, void (*entry)(void*), void* argument);

// A word that threads of this process wait on: futex(2).
inline void set_and_wake(std::uint32_t* word, std::uint32_t value) {
  __atomic_store_n(word, value, __ATOMIC_RELEASE);
  call(__NR_futex, word, 1 /* FUTEX_WAKE */, 1);
}
inline void wait_while(std::uint32_t* word, std::uint32_t value) {
  while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == value) {
    call(__NR_futex, word, 0 /* FUTEX_WAIT */, value, nullptr);
  }
}

inline std::size_t text_size(const char* text) {
  std::size_t size = 0;
  while (text[size] != '\0') ++size;
  return size;
}

}  // namespace carrel::kernel
