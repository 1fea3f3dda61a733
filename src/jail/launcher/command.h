// The last steps before the command: what happens between fork and exec.
#pragma once

#include "jail/launcher/control.h"
#include "jail/launcher/plan_view.h"

namespace carrel::launcher {

struct CommandStart {
  const PlanView& plan;
  int control;
  int tty;
  std::uint64_t signal_mask;
};

// Limits, process group, signals, execve of the plan's candidates. Does not return.
[[noreturn]] void execute(const CommandStart& start, const Failure& failure);

}  // namespace carrel::launcher
