// PID 1 once the room is sealed: starts the command, reaps, forwards.
#pragma once

#include "jail/launcher/control.h"
#include "jail/launcher/plan_view.h"

namespace carrel::launcher {

struct InitStart {
  const PlanView& plan;
  int control;
  int tty;  // the pty's slave, or -1
  std::uint64_t signal_mask;
  wire::Phases phases;
};

[[noreturn]] void run_as_init(const InitStart& start, const Failure& failure);

}  // namespace carrel::launcher
