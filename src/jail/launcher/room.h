// The inside: from the first process to the command.
#pragma once

#include <cstdint>

namespace carrel::launcher {

// The processors that a thread may run on, as sched_setaffinity(2) has them.
struct Processors {
  static constexpr std::uint32_t kMost = 1024;
  std::int32_t size = 0;  // bytes that the kernel uses; 0: not known
  unsigned long mask[kMost / (8 * sizeof(unsigned long))] = {};
};

struct RoomStart {
  std::int32_t control = -1;
  std::uint32_t uid = 0;  // of carrel, outside
  std::uint32_t gid = 0;
  std::int32_t processor = -1;  // that carrel runs on; -1: there is no other one
  Processors processors;        // of the caller
};

// PID 1 of the sandbox, begun before there is a plan (begin.h): makes the
// namespaces, takes the plan from the control socket, makes the room, drops all rights,
// starts the command, reaps, forwards, and ends with the command. All that is
// left inside ends with it. Runs in a copy of carrel's memory, which it gives back.
[[noreturn]] void live_in_room(const RoomStart& start);

}  // namespace carrel::launcher
