// The sandbox's own cgroups: one folder for each hierarchy that a limit needs.
// Sources: cgroups(7), Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "plan/plan.h"

namespace carrel::jail {

struct Cgroups {
  std::vector<std::string> folders;  // made for this run; removed by remove_cgroups()
  std::vector<UniqueFd> procs_fds;   // v1: cgroup.procs of each folder
  UniqueFd v2_folder;                // v2: for CLONE_INTO_CGROUP
};

// Makes the folders under the machine's and writes the plan's settings. Leaves
// nothing behind on failure. Removes what earlier runs that were killed left.
[[nodiscard]] Result<Cgroups> make_cgroups(const plan::LimitPlan& limits,
                                           const plan::Machine& machine);

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
