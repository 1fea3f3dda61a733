// The inside: from the first process to the command.
#pragma once

#include <cstdint>

namespace carrel::launcher {

struct RoomStart {
  int control;
  std::uint32_t uid;  // of carrel, outside
  std::uint32_t gid;
};

// PID 1 of the sandbox, begun before there is a plan (begin.h): makes the
// namespaces, takes the plan from the control socket, makes the room, drops all rights,
// starts the command, reaps, forwards, and ends with the command. All that is
// left inside ends with it. Runs in a copy of carrel's memory, which it gives back.
[[noreturn]] void live_in_room(const RoomStart& start);

}  // namespace carrel::launcher
