// The inside: from the new namespaces to the command.
#pragma once

#include "jail/launcher/control.h"
#include "jail/launcher/plan_view.h"

namespace carrel::launcher {

enum class Terminal : std::uint32_t { kNone, kPty };

// What the first process inside is given.
struct RoomStart {
  const PlanView& plan;
  int control;
  Terminal terminal;
  std::uint32_t terminal_fds;  // bit N: descriptor N is to become the pty
  bool wait_for_go;            // ids and cgroups are set from outside
  std::uint64_t signal_mask;   // what the command starts with, as its caller had it
};

// PID 1 of the sandbox: makes the room, drops all rights, starts the command,
// reaps, forwards, and ends with the command. All that is left inside ends with it.
[[noreturn]] void live_in_room(const RoomStart& start);

}  // namespace carrel::launcher
