// Starts a plan. Three programs share one process ID, one after the other:
// carrel makes the plan, the launcher (src/jail/launcher, freestanding) keeps
// the room, and carrel again puts the end into words where words are needed.
// So while a command runs, nothing of carrel's heap is kept or forked.
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
// that were made are removed again on failure.
[[nodiscard]] Error launch(const Launch& launch);

// argv[0] of carrel when the launcher executes it for the end:
//   argv = {kFinishName, "<plan fd>", "<outcome fd>"}.
inline constexpr char kFinishName[] = "carrel-finish";

}  // namespace carrel::jail
