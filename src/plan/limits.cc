#include "plan/limits.h"

#include <sys/resource.h>

#include <algorithm>

namespace carrel::plan {
namespace {

// PID 1 of the sandbox is a process of this user too.
constexpr std::uint64_t kOwnProcesses = 1;
constexpr std::uint64_t kCpuPeriodUs = 100'000;
constexpr std::uint64_t kUnlimited = ~0ULL;

const CgroupParent* find_cgroup(const Machine& machine, std::string_view controller) {
  const auto at = std::find_if(machine.cgroups.begin(), machine.cgroups.end(),
                               [&](const CgroupParent& c) { return c.controller == controller; });
  return at == machine.cgroups.end() ? nullptr : &*at;
}

class Planner {
 public:
  Planner(const policy::LimitsPolicy& limits, const Machine& machine,
          std::vector<std::string>& notes)
      : limits_(limits), machine_(machine), notes_(notes) {}

  Result<LimitPlan> plan() {
    if (limits_.memory) CARREL_CHECK(memory(*limits_.memory));
    if (limits_.cpu_percent) CARREL_CHECK(cpus(*limits_.cpu_percent));
    if (limits_.processes) CARREL_CHECK(processes(*limits_.processes));
    if (limits_.open_files)
      rlimit("open_files", RLIMIT_NOFILE, *limits_.open_files, "RLIMIT_NOFILE, each process");
    if (limits_.file_size)
      rlimit("file_size", RLIMIT_FSIZE, *limits_.file_size, "RLIMIT_FSIZE, each file");
    if (limits_.scratch) {
      add("scratch", *limits_.scratch, LimitMeans::kMount,
          "size of the private tmpfs, all folders together");
    }
    if (limits_.wall_time) {
      add("wall_time", static_cast<std::uint64_t>(limits_.wall_time->count()), LimitMeans::kTimer,
          "SIGTERM to all, SIGKILL after 2 s");
    }
    // 1 byte: no core file, and no core_pattern helper of the host is run (core(5)).
    set_rlimit(RLIMIT_CORE, 1);
    return std::move(plan_);
  }

 private:
  Status memory(std::uint64_t bytes) {
    const CgroupParent* const cgroup = find_cgroup(machine_, "memory");
    const std::string text = std::to_string(bytes);
    if (cgroup == nullptr) {
      rlimit("memory", RLIMIT_DATA, bytes,
             "RLIMIT_DATA, each process, as no memory cgroup can be made");
      notes_.push_back(
          "limits.memory holds for each process, not for all together: no memory cgroup can be "
          "made here (carrel doctor says why)");
      return Unit{};
    }
    if (cgroup->v2) {
      setting("memory", "memory.max", text);
      setting("memory", "memory.swap.max", "0");
      setting("memory", "memory.oom.group", "0");
    } else {
      setting("memory", "memory.limit_in_bytes", text);
      setting("memory", "memory.memsw.limit_in_bytes", text);
    }
    add("memory", bytes, LimitMeans::kCgroup, cgroup->v2 ? "memory.max" : "memory.limit_in_bytes");
    return Unit{};
  }

  Status cpus(std::uint32_t percent) {
    const CgroupParent* const cgroup = find_cgroup(machine_, "cpu");
    if (cgroup == nullptr) {
      return not_enforced("cpus", percent, "no cpu cgroup can be made here");
    }
    const std::string quota = std::to_string(percent * kCpuPeriodUs / 100);
    if (cgroup->v2) {
      setting("cpu", "cpu.max", quota + " " + std::to_string(kCpuPeriodUs));
    } else {
      setting("cpu", "cpu.cfs_period_us", std::to_string(kCpuPeriodUs));
      setting("cpu", "cpu.cfs_quota_us", quota);
    }
    add("cpus", percent, LimitMeans::kCgroup, cgroup->v2 ? "cpu.max" : "cpu.cfs_quota_us");
    return Unit{};
  }

  Status processes(std::uint32_t count) {
    // Since Linux 5.14 RLIMIT_NPROC counts in the sandbox's own user namespace,
    // and costs nothing; but the kernel never applies it to user ID 0.
    if (machine_.uid != 0) {
      rlimit("processes", RLIMIT_NPROC, count + kOwnProcesses, "RLIMIT_NPROC, all together");
      plan_.limits.back().value = count;
      return Unit{};
    }
    const CgroupParent* const cgroup = find_cgroup(machine_, "pids");
    if (cgroup == nullptr)
      return not_enforced("processes", count, "no pids cgroup can be made here");
    setting("pids", "pids.max", std::to_string(count + kOwnProcesses));
    add("processes", count, LimitMeans::kCgroup, "pids.max");
    return Unit{};
  }

  Status not_enforced(const std::string& name, std::uint64_t value, const std::string& why) {
    if (!limits_.best_effort && !limits_.from_profile.contains(name)) {
      return Error{Errc::kUnsupported,
                   "limits." + name + " cannot be enforced: " + why +
                       " (carrel doctor says why, and what mends it); take the limit out, or set "
                       "limits.best_effort = true to go without it"};
    }
    add(name, value, LimitMeans::kNotEnforced, why);
    notes_.push_back("limits." + name + " is not enforced: " + why);
    return Unit{};
  }

  void rlimit(const std::string& name, std::uint32_t resource, std::uint64_t value,
              const std::string& how) {
    set_rlimit(resource, value);
    add(name, value, LimitMeans::kRlimit, how);
  }

  // A hard limit that is lower already cannot be raised, and is kept.
  void set_rlimit(std::uint32_t resource, std::uint64_t value) {
    const auto hard = machine_.hard_rlimits.find(resource);
    const std::uint64_t most = hard == machine_.hard_rlimits.end() ? kUnlimited : hard->second;
    plan_.rlimits.emplace_back(resource, std::min(value, most));
  }

  void setting(std::string controller, std::string file, std::string value) {
    plan_.cgroup.push_back({std::move(controller), std::move(file), std::move(value)});
  }

  void add(std::string name, std::uint64_t value, LimitMeans means, std::string how) {
    plan_.limits.push_back({std::move(name), value, means, std::move(how)});
  }

  const policy::LimitsPolicy& limits_;
  const Machine& machine_;
  std::vector<std::string>& notes_;
  LimitPlan plan_;
};

}  // namespace

Result<LimitPlan> plan_limits(const policy::LimitsPolicy& limits, const Machine& machine,
                              std::vector<std::string>& notes) {
  return Planner(limits, machine, notes).plan();
}

bool needs_cgroups(const policy::Policy& policy, const Machine& machine) {
  const policy::LimitsPolicy& limits = policy.limits;
  return limits.memory || limits.cpu_percent || (limits.processes && machine.uid == 0);
}

}  // namespace carrel::plan
