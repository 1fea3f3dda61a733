// The sandbox's own cgroups: one folder for each hierarchy that a limit needs.
// Sources: cgroups(7), Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "plan/plan.h"

namespace carrel::jail {

// Makes the folders under the machine's, writes the plan's settings, and returns
// the folders, which are remove_cgroups()'s. Leaves nothing behind on failure.
// Removes what earlier runs that were killed left.
[[nodiscard]] Result<std::vector<std::string>> make_cgroups(const plan::LimitPlan& limits,
                                                            const plan::Machine& machine);

// Moves a process, with all its threads, into each of them.
[[nodiscard]] Status join_cgroups(const std::vector<std::string>& folders, int pid);

// What the kernel counted.
struct CgroupCounts {
  std::uint64_t oom_kills = 0;
  std::uint64_t forks_refused = 0;
  std::uint64_t throttled = 0;    // periods of the CPU quota that were cut short
  std::uint64_t peak_memory = 0;  // bytes; 0 if it was not counted
};
[[nodiscard]] CgroupCounts read_counts(const std::vector<std::string>& folders);

// Removes the folders, waiting (at most a second) for the last processes to be gone.
void remove_cgroups(const std::vector<std::string>& folders);

}  // namespace carrel::jail
