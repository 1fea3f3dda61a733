// What a libc would bring along: the entry point, and the four functions that
// compilers call on their own.
#include <cstddef>
#include <cstdint>

#include "jail/launcher/kernel.h"
#include "jail/launcher/room.h"
#include "jail/launcher/supervisor.h"

extern "C" {

void* memcpy(void* __restrict to, const void* __restrict from, std::size_t size) {
  auto* out = static_cast<unsigned char*>(to);
  const auto* in = static_cast<const unsigned char*>(from);
#pragma clang loop vectorize(disable) unroll(disable)
  while (size-- > 0) *out++ = *in++;
  return to;
}

void* memmove(void* to, const void* from, std::size_t size) {
  auto* out = static_cast<unsigned char*>(to);
  const auto* in = static_cast<const unsigned char*>(from);
  if (out < in) {
    while (size-- > 0) *out++ = *in++;
  } else {
    while (size-- > 0) out[size] = in[size];
  }
  return to;
}

void* memset(void* to, int byte, std::size_t size) {
  auto* out = static_cast<unsigned char*>(to);
#pragma clang loop vectorize(disable) unroll(disable)
  while (size-- > 0) *out++ = static_cast<unsigned char>(byte);
  return to;
}

int memcmp(const void* a, const void* b, std::size_t size) {
  const auto* left = static_cast<const unsigned char*>(a);
  const auto* right = static_cast<const unsigned char*>(b);
  for (; size-- > 0; ++left, ++right) {
    if (*left != *right) return *left - *right;
  }
  return 0;
}

// `stack` is what execve(2) leaves: argc, argv, NULL, envp, NULL. Without any
// argument this is not a program but the image that a room has loaded (begin.cc).
[[noreturn]] void carrel_launcher_start(long* stack) {
  const long argc = stack[0];
  if (argc == 0) {
    carrel::launcher::live_in_room(*reinterpret_cast<carrel::launcher::RoomStart*>(stack[1]));
  }
  char** const argv = reinterpret_cast<char**>(stack + 1);
  carrel::launcher::supervise(argv + argc + 1);
}

#if defined(__x86_64__)
asm(".global _start\n_start:\n"
    "xor %ebp, %ebp\n"
    "mov %rsp, %rdi\n"
    "and $-16, %rsp\n"
    "call carrel_launcher_start\n");

// rdi: flags, rsi: stack top, rdx: entry, rcx: argument, r8: where the thread's end
// is noted. The child finds entry and argument on its stack.
asm("carrel_clone_onto:\n"
    "lea -16(%rsi), %rsi\n"
    "mov %rdx, 0(%rsi)\n"
    "mov %rcx, 8(%rsi)\n"
    "mov %r8, %r10\n"
    "xor %edx, %edx\n"
    "xor %r8d, %r8d\n"
    "mov $56, %eax\n"  // clone
    "syscall\n"
    "test %rax, %rax\n"
    "jnz 1f\n"
    "xor %ebp, %ebp\n"
    "pop %rax\n"
    "pop %rdi\n"
    "call *%rax\n"
    "ud2\n"
    "1: ret\n");

asm("carrel_call_onto:\n"
    "mov %rdi, %rsp\n"
    "xor %ebp, %ebp\n"
    "mov %rdx, %rdi\n"
    "call *%rsi\n"
    "ud2\n");
#elif defined(__aarch64__)
asm(".global _start\n_start:\n"
    "mov x29, #0\n"
    "mov x30, #0\n"
    "mov x0, sp\n"
    "and sp, x0, #-16\n"
    "bl carrel_launcher_start\n");

// x0: flags, x1: stack top, x2: entry, x3: argument, x4: where the thread's end is
// noted. The child finds entry and argument on its stack.
asm("carrel_clone_onto:\n"
    "stp x2, x3, [x1, #-16]!\n"
    "mov x2, #0\n"
    "mov x3, #0\n"
    "mov x8, #220\n"  // clone
    "svc #0\n"
    "cbnz x0, 1f\n"
    "mov x29, #0\n"
    "mov x30, #0\n"
    "ldp x1, x0, [sp], #16\n"
    "blr x1\n"
    "brk #0\n"
    "1: ret\n");

asm("carrel_call_onto:\n"
    "mov sp, x0\n"
    "mov x29, #0\n"
    "mov x30, #0\n"
    "mov x0, x2\n"
    "blr x1\n"
    "brk #0\n");
#endif

long carrel_clone_onto(unsigned long flags, void* stack_top, void (*entry)(void*), void* argument,
                       std::uint32_t* ended);
[[noreturn]] void carrel_call_onto(void* stack_top, void (*entry)(void*), void* argument);

}  // extern "C"

namespace carrel::kernel {

long vfork_onto(void* stack_top, void (*entry)(void*), void* argument) {
  return carrel_clone_onto(CLONE_VFORK | CLONE_VM | SIGCHLD, stack_top, entry, argument, nullptr);
}

long thread_onto(void* stack_top, void (*entry)(void*), void* argument, std::uint32_t* running) {
  *running = 1;
  return carrel_clone_onto(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
                               CLONE_SYSVSEM | CLONE_CHILD_CLEARTID,
                           stack_top, entry, argument, running);
}

void call_onto(void* stack_top, void (*entry)(void*), void* argument) {
  carrel_call_onto(stack_top, entry, argument);
}

}  // namespace carrel::kernel
