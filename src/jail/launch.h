// Starts a plan. Three programs share one process ID, one after the other:
// carrel makes the plan, the launcher (src/jail/launcher, freestanding) watches
// the room, and carrel again puts the end into words where words are needed.
// The room itself is a child that was begun before anything else was done. So
// while a command runs, nothing of carrel's memory is kept.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "plan/plan.h"

namespace carrel::jail {

struct Launch {
  const plan::Plan& plan;
  const plan::Machine& machine;
  int handout_fd = -1;           // Unix socket that gets the listeners; not owned
  int proxy_pid = 0;             // a child that serves them until handout_fd is closed; 0: none
  bool always_finish = false;    // come back to carrel at the end even if all went well
  bool record_denials = false;   // count refused system calls; each then costs a round trip
  std::string context;           // given back by collect()
  std::uint64_t started_at = 0;  // CLOCK_MONOTONIC ns at which carrel started
};

// Replaces this process with the launcher; returns only if that failed. Cgroups
// that were made are removed again on failure, and the room is ended.
[[nodiscard]] Error launch(const Launch& launch);

// Ends the room that was begun for a plan that could not be made.
void abandon();

// argv[0] of carrel when the launcher executes it for the end:
//   argv = {kFinishName, "<plan fd>", "<outcome fd>"}.
inline constexpr char kFinishName[] = "carrel-finish";

}  // namespace carrel::jail
