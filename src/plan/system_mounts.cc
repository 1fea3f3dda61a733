// What depends on the policy or on the user in /proc, /sys and /dev.
// Sources: proc(5), sysfs(5), shm_overview(7).
#include <linux/mount.h>

#include <array>

#include "plan/mounts.h"
#include "plan/system_steps.h"

namespace carrel::plan {
namespace {

using wire::MountOp;

// Kernel interfaces that their modes keep for the administrator: in a sandbox
// that root started, user ID 0 owns them.
constexpr std::array kRootHiddenFiles = {"/proc/kcore", "/proc/timer_list", "/proc/kpagecount",
                                         "/proc/kpageflags"};
constexpr std::array kRootHiddenFolders = {"/sys/kernel/debug",    "/sys/kernel/tracing",
                                           "/sys/kernel/security", "/sys/firmware",
                                           "/sys/fs/bpf",          "/sys/fs/pstore"};
constexpr std::uint64_t kHelperAttributes =
    MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_RDONLY;

class Builder {
 public:
  explicit Builder(MountPlan& plan) : plan_(plan) {}

  MountStep& add(MountOp op, std::string target, std::string why) {
    plan_.steps.push_back(new_step(op, std::move(target), std::move(why)));
    plan_.steps.back().trusted = true;
    return plan_.steps.back();
  }

  void hide_from_root() {
    for (const char* path : kRootHiddenFiles) {
      add(MountOp::kHideFile, path, "the administrator's view of the kernel").optional = true;
    }
    for (const char* path : kRootHiddenFolders) {
      add(MountOp::kHideDir, path, "the administrator's view of the kernel").optional = true;
    }
  }

  // What the host is connected to, and how much it sends.
  void hide_interfaces(const std::set<std::string>& folders) {
    for (const std::string& folder : folders) {
      add(MountOp::kHideDir, folder, "network interfaces of the host").optional = true;
    }
  }

  void own_file(const std::string& path, const std::string& contents) {
    const bool made = path.starts_with("/dev/");
    if (made) add(MountOp::kMakeFile, path, "mount point").mode = 0444;
    MountStep& file = add(MountOp::kFile, path, "carrel's own");
    file.contents = contents;
    file.mode = 0444;
    file.attributes = kHelperAttributes | MOUNT_ATTR_NOEXEC;
    file.trusted = made;
    file.optional = !made;
  }

  void dev(bool shared_memory, const std::string& helper) {
    if (!helper.empty()) {
      add(MountOp::kMakeFile, kHelper, "mount point").mode = 0755;
      place(kHelper, {helper, kHelperAttributes, false, false}, "carries ssh to the proxy");
    }
    if (shared_memory) {
      add(MountOp::kMakeDir, "/dev/shm", "mount point").mode = 0755;
      MountStep& shm = add(MountOp::kPrivate, "/dev/shm", "files.scratch");
      shm.mode = 01777;
      shm.attributes = wire::kProcAttributes;
    }
    add(MountOp::kRestrict, "/dev", "sealed").attributes = wire::kDevAttributes | MOUNT_ATTR_RDONLY;
  }

 private:
  void place(const std::string& path, MountSource source, const char* why) {
    plan_.sources.push_back(std::move(source));
    add(MountOp::kPlace, path, why).source = plan_.sources.size() - 1;
  }

  MountPlan& plan_;
};

}  // namespace

void add_system_mounts(MountPlan& plan, const MountRequest& request) {
  Builder builder(plan);
  if (request.as_root) builder.hide_from_root();
  builder.hide_interfaces(request.interface_folders);
  for (const auto& [path, contents] : request.own_files) builder.own_file(path, contents);
  builder.dev(request.files.scratch.contains("/dev/shm"), request.helper);
}

std::vector<MountStep> all_steps(const MountPlan& plan) {
  std::vector<MountStep> steps;
  for (const wire::SystemStep& system : wire::kSystemSteps) {
    MountStep step = new_step(system.op, system.target, system.why);
    step.link = system.link;
    step.attributes = system.attributes;
    step.mode = system.mode;
    step.optional = system.optional;
    step.trusted = true;
    steps.push_back(std::move(step));
  }
  steps.insert(steps.end(), plan.steps.begin(), plan.steps.end());
  return steps;
}

}  // namespace carrel::plan
