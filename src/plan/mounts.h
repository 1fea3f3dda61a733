// From file rules to mounts.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "plan/machine.h"
#include "plan/plan.h"
#include "policy/policy.h"

namespace carrel::plan {

struct MountRequest {
  const policy::FilesPolicy& files;
  std::uint64_t private_bytes;                   // that all private folders together may hold
  bool as_root;                                  // user ID 0 owns the files of /proc and /sys
  std::string helper = {};                       // program to be found as kHelper inside; "": none
  std::set<std::string> interface_folders = {};  // as in Machine
  // Carrel's own, by path without symbolic links: what stands there inside,
  // read-only, whatever the host has. Outside of /dev, only where the host has a file.
  std::map<std::string, std::string> own_files = {};
};

// Reads the file system to see what exists. Steps come in the order of
// execution; a parent's step precedes those below it. `notes` gains what a
// user should know.
[[nodiscard]] Result<MountPlan> plan_mounts(const MountRequest& request,
                                            std::vector<std::string>& notes);

// Where programs that know no proxy find one that does: carrel itself, whose own
// place may be hidden. `carrel connect HOST PORT` is a ProxyCommand of ssh(1).
inline constexpr char kHelper[] = "/dev/carrel";

// A step with nothing set but these.
[[nodiscard]] MountStep new_step(wire::MountOp op, std::string target, std::string why);

// What a sandbox has in /proc, /sys and /dev besides plan/system_steps.h: to be
// appended after the rules' steps.
void add_system_mounts(MountPlan& plan, const MountRequest& request);

// In the order of execution: wire::kSystemSteps, and then the plan's.
[[nodiscard]] std::vector<MountStep> all_steps(const MountPlan& plan);

}  // namespace carrel::plan
