// The last steps before the command: what happens between clone and exec.
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

// Starts the command as a child of the calling process and returns its process
// ID once it runs (or has failed, which its exit status and a message tell):
// limits, process group, signals, execve of the plan's candidates. The child
// borrows this process's memory until then, as vfork(2) does.
[[nodiscard]] long start_command(const CommandStart& start, const Failure& failure);

}  // namespace carrel::launcher
