// What a plan needs to know of the machine and of who asks. A value, so that a
// plan for any machine can be made and tested on this one.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace carrel::plan {

// One cgroup folder in which the sandbox's own may be made. In a hybrid or v1
// layout each controller has its own.
struct CgroupParent {
  std::string controller;  // "memory", "pids", "cpu"
  std::string folder;      // absolute, e.g. "/sys/fs/cgroup/memory/user.slice"
  bool v2 = false;

  bool operator==(const CgroupParent&) const = default;
};

struct Machine {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::string home;         // "" if unknown
  std::string working_dir;  // real path
  std::string carrel;       // real path of this program; "" if it is gone
  std::map<std::string, std::string> environment;
  std::vector<CgroupParent> cgroups;                    // see usable_cgroups()
  std::uint64_t memory_bytes = 0;                       // RAM
  std::set<std::string> interface_folders;              // of sysfs: each shows network interfaces
  bool may_drop_groups = false;                         // root, and setgroups(2) is not denied here
  std::map<std::uint32_t, std::uint64_t> hard_rlimits;  // RLIMIT_* that plans use
};

// Reads all of it but `cgroups`, which not every plan needs.
[[nodiscard]] Result<Machine> this_machine();

// In a v2 cgroup of its own, carrel moves the processes that are there into a
// folder of this name, to make room for sandboxes beside it.
inline constexpr std::string_view kSupervisors = "carrel-supervisors";

// The cgroups in which this user may make one. A few dozen system calls.
[[nodiscard]] std::vector<CgroupParent> usable_cgroups();

// From the texts of /proc/self/cgroup and /proc/self/mountinfo: where each
// controller's folder of this process is. Pure; does not ask whether it is writable.
[[nodiscard]] std::vector<CgroupParent> parse_cgroups(std::string_view proc_cgroup,
                                                      std::string_view mountinfo);

}  // namespace carrel::plan
