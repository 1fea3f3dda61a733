#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/path.h"
#include "cli/doctor_probes.h"
#include "cli/text.h"
#include "plan/machine.h"
#include "sys/error.h"
#include "sys/files.h"

namespace carrel::cli {
namespace {

struct Controller {
  std::string_view name;
  std::string_view limit;  // what it is for
  std::string_view without;
};
constexpr Controller kControllers[] = {
    {"memory", "memory", "limits.memory then holds for each process, not for all together"},
    {"pids", "processes", "limits.processes then cannot be kept for root"},
    {"cpu", "cpus", "limits.cpus then cannot be kept"},
};

// Where this process stands in the cgroup trees, writable or not.
std::vector<plan::CgroupParent> own_cgroups() {
  const Result<std::string> own = sys::read_file("/proc/self/cgroup");
  const Result<std::string> mounts = sys::read_file("/proc/self/mountinfo");
  if (!own.ok() || !mounts.ok()) return {};
  return plan::parse_cgroups(own.value(), mounts.value());
}

Check layout(const std::vector<plan::CgroupParent>& all) {
  const auto is_v2 = [](const plan::CgroupParent& cgroup) { return cgroup.v2; };
  const bool v2 = std::ranges::any_of(all, is_v2);
  const bool v1 = !std::ranges::all_of(all, is_v2);
  Check check{"cgroups", Health::kInfo,
              v1 && v2 ? "hybrid: version 1 and 2"
              : v2     ? "version 2"
                       : "version 1",
              "limits on all processes of a sandbox together", ""};
  if (all.empty()) {
    check.health = Health::kLacking;
    check.found = "none";
    check.mend = "mount the cgroup file system on /sys/fs/cgroup";
  }
  return check;
}

// mkdir(2) and rmdir(2) of a cgroup, as a run does.
Status make_and_remove(const std::string& parent) {
  const std::string folder = parent + "/carrel-" + std::to_string(::getpid());
  if (::mkdir(folder.c_str(), 0755) != 0) return sys::failed("mkdir", folder);
  if (::rmdir(folder.c_str()) != 0) return sys::failed("rmdir", folder);
  return Unit{};
}

std::string mend(std::string_view controller, const std::vector<plan::CgroupParent>& all) {
  const bool systemd = ::access("/run/systemd/system", F_OK) == 0;
  const auto v1 = std::ranges::find_if(all, [&](const plan::CgroupParent& cgroup) {
    return !cgroup.v2 && cgroup.controller == controller;
  });
  if (v1 != all.end()) {
    const std::string folder = shell_quoted(v1->folder + "/user-" + std::to_string(::geteuid()));
    return "sudo mkdir " + folder + " && sudo chown -R " + std::to_string(::geteuid()) + " " +
           folder + " && echo $$ | sudo tee " + folder + "/cgroup.procs";
  }
  if (systemd && ::geteuid() != 0) {
    return "systemd-run --user --scope -p Delegate=yes -- carrel run ...";
  }
  if (systemd) return "systemd-run --scope -p Delegate=yes -- carrel run ...";
  return "a kernel and a machine that hand the " + std::string(controller) +
         " controller of cgroup version 2 down to this user";
}

Check controller_check(const Controller& controller, const std::vector<plan::CgroupParent>& all,
                       const std::vector<plan::CgroupParent>& usable) {
  Check check{"cgroup: " + std::string(controller.name), Health::kGood, "",
              "limits." + std::string(controller.limit), ""};
  const auto found = std::ranges::find(usable, controller.name, &plan::CgroupParent::controller);
  Status made = Unit{};
  if (found == usable.end()) {
    made = Error{Errc::kUnsupported, "this user cannot make one with this controller"};
  } else {
    made = make_and_remove(found->folder);
  }
  if (made.ok()) {
    check.found = "made and removed one in " + shell_quoted(found->folder);
    return check;
  }
  check.found = made.error().message;
  if (controller.name == "pids" && ::geteuid() != 0) {  // see plan/limits.cc
    check.health = Health::kInfo;
    check.use += " needs none: RLIMIT_NPROC counts in the sandbox's own user namespace";
    return check;
  }
  check.health = Health::kLacking;
  check.use += "; " + std::string(controller.without);
  check.mend = mend(controller.name, all);
  return check;
}

}  // namespace

std::vector<Check> check_cgroups() {
  const std::vector<plan::CgroupParent> all = own_cgroups();
  std::vector<Check> checks = {layout(all)};
  const std::vector<plan::CgroupParent> usable = plan::usable_cgroups();
  for (const Controller& controller : kControllers) {
    checks.push_back(controller_check(controller, all, usable));
  }
  return checks;
}

}  // namespace carrel::cli
