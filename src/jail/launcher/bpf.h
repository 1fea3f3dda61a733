// The subset of classic BPF that seccomp filters use, evaluated in place: the
// supervisor asks what the plan's own programs say to a call that was held.
// Sources: seccomp(2), linux/filter.h, Documentation/networking/filter.rst.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cstdint>

namespace carrel::launcher {

// SECCOMP_RET_* for `data`; SECCOMP_RET_KILL_PROCESS for a program that uses
// what libseccomp does not emit, or runs off its end.
inline std::uint32_t evaluate_filter(const sock_filter* program, std::uint32_t count,
                                     const seccomp_data& data) {
  const auto* const words = reinterpret_cast<const std::uint32_t*>(&data);
  std::uint32_t accumulator = 0;
  for (std::uint32_t at = 0; at < count; ++at) {
    const sock_filter& step = program[at];
    switch (step.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        if (step.k % 4 != 0 || step.k >= sizeof data) return SECCOMP_RET_KILL_PROCESS;
        accumulator = words[step.k / 4];
        break;
      case BPF_ALU | BPF_AND | BPF_K:
        accumulator &= step.k;
        break;
      case BPF_JMP | BPF_JA:
        at += step.k;
        break;
      case BPF_JMP | BPF_JEQ | BPF_K:
        at += accumulator == step.k ? step.jt : step.jf;
        break;
      case BPF_JMP | BPF_JGT | BPF_K:
        at += accumulator > step.k ? step.jt : step.jf;
        break;
      case BPF_JMP | BPF_JGE | BPF_K:
        at += accumulator >= step.k ? step.jt : step.jf;
        break;
      case BPF_JMP | BPF_JSET | BPF_K:
        at += (accumulator & step.k) != 0 ? step.jt : step.jf;
        break;
      case BPF_RET | BPF_K:
        return step.k;
      default:
        return SECCOMP_RET_KILL_PROCESS;
    }
  }
  return SECCOMP_RET_KILL_PROCESS;
}

}  // namespace carrel::launcher
