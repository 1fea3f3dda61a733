// What a libc would bring along: the entry point, and the four functions that
// compilers call on their own.
#include <cstddef>
#include <cstdint>

#include "jail/launcher/kernel.h"
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

// `stack` is what execve(2) leaves: argc, argv, NULL, envp, NULL.
[[noreturn]] void carrel_launcher_start(long* stack) {
  const long argc = stack[0];
  char** const argv = reinterpret_cast<char**>(stack + 1);
  carrel::launcher::supervise(argv + argc + 1);
}

#if defined(__x86_64__)
asm(".global _start\n_start:\n"
    "xor %ebp, %ebp\n"
    "mov %rsp, %rdi\n"
    "and $-16, %rsp\n"
    "call carrel_launcher_start\n");

// rdi: stack top, rsi: entry, rdx: argument. The child finds both on its stack.
asm("carrel_vfork_onto:\n"
    "lea -16(%rdi), %rdi\n"
    "mov %rsi, 0(%rdi)\n"
    "mov %rdx, 8(%rdi)\n"
    "mov %rdi, %rsi\n"
    "mov $0x4111, %edi\n"  // CLONE_VFORK | CLONE_VM | SIGCHLD
    "xor %edx, %edx\n"
    "xor %r10d, %r10d\n"
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
#elif defined(__aarch64__)
asm(".global _start\n_start:\n"
    "mov x29, #0\n"
    "mov x30, #0\n"
    "mov x0, sp\n"
    "and sp, x0, #-16\n"
    "bl carrel_launcher_start\n");

// x0: stack top, x1: entry, x2: argument. The child finds both on its stack.
asm("carrel_vfork_onto:\n"
    "stp x1, x2, [x0, #-16]!\n"
    "mov x1, x0\n"
    "mov x0, #0x4111\n"  // CLONE_VFORK | CLONE_VM | SIGCHLD
    "mov x2, #0\n"
    "mov x3, #0\n"
    "mov x4, #0\n"
    "mov x8, #220\n"  // clone
    "svc #0\n"
    "cbnz x0, 1f\n"
    "mov x29, #0\n"
    "mov x30, #0\n"
    "ldp x1, x0, [sp], #16\n"
    "blr x1\n"
    "brk #0\n"
    "1: ret\n");
#endif

long carrel_vfork_onto(void* stack_top, void (*entry)(void*), void* argument);

}  // extern "C"

long carrel::kernel::vfork_onto(void* stack_top, void (*entry)(void*), void* argument) {
  return carrel_vfork_onto(stack_top, entry, argument);
}
