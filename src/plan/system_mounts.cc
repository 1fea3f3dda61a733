// /proc, /sys and /dev of every sandbox.
// Sources: proc(5), pts(4), null(4), random(4).
#include <linux/mount.h>

#include <array>

#include "plan/mounts.h"

namespace carrel::plan {
namespace {

using wire::MountOp;

constexpr std::uint64_t kProcAttributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
constexpr std::uint64_t kDeviceAttributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;

// Parts of /proc that speak of the whole machine and can be written.
constexpr std::array kProcReadOnly = {
    "/proc/sys", "/proc/sysrq-trigger", "/proc/irq",  "/proc/bus",
    "/proc/fs",  "/proc/acpi",          "/proc/scsi", "/proc/pressure"};
// Kernel interfaces that their modes keep for the administrator: in a sandbox
// that root started, user ID 0 owns them.
constexpr std::array kRootHiddenFiles = {"/proc/kcore", "/proc/timer_list", "/proc/kpagecount",
                                         "/proc/kpageflags"};
constexpr std::array kRootHiddenFolders = {"/sys/kernel/debug",    "/sys/kernel/tracing",
                                           "/sys/kernel/security", "/sys/firmware",
                                           "/sys/fs/bpf",          "/sys/fs/pstore"};
constexpr std::uint64_t kHelperAttributes =
    MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_RDONLY;
constexpr std::array kDevices = {"null", "zero", "full", "random", "urandom", "tty"};

struct Link {
  const char* name;
  const char* text;
};
constexpr std::array<Link, 5> kLinks = {{{"/dev/fd", "/proc/self/fd"},
                                         {"/dev/stdin", "/proc/self/fd/0"},
                                         {"/dev/stdout", "/proc/self/fd/1"},
                                         {"/dev/stderr", "/proc/self/fd/2"},
                                         {"/dev/ptmx", "pts/ptmx"}}};

class Builder {
 public:
  explicit Builder(MountPlan& plan) : plan_(plan) {}

  MountStep& add(MountOp op, std::string target, std::string why) {
    plan_.steps.push_back(new_step(op, std::move(target), std::move(why)));
    plan_.steps.back().trusted = true;
    return plan_.steps.back();
  }

  void proc() {
    add(MountOp::kProc, "/proc", "only the sandbox's own processes").attributes = kProcAttributes;
    for (const char* path : kProcReadOnly) {
      MountStep& step = add(MountOp::kRebind, path, "settings of the whole machine");
      step.attributes = kProcAttributes | MOUNT_ATTR_RDONLY;
      step.optional = true;
    }
    add(MountOp::kHideFile, "/proc/keys", "keys of others").optional = true;
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

  void dev(bool shared_memory, const std::string& helper) {
    MountStep& root = add(MountOp::kPrivate, "/dev", "no devices but the harmless ones");
    root.mode = 0755;
    root.attributes = kDeviceAttributes;
    for (const char* name : kDevices) device(std::string("/dev/") + name);
    for (const Link& link : kLinks) {
      add(MountOp::kMakeSymlink, link.name, "standard link").link = link.text;
    }
    if (!helper.empty()) {
      add(MountOp::kMakeFile, kHelper, "mount point").mode = 0755;
      place(kHelper, {helper, kHelperAttributes, false, false}, "carries ssh to the proxy");
    }
    add(MountOp::kMakeDir, "/dev/pts", "mount point").mode = 0755;
    add(MountOp::kDevpts, "/dev/pts", "terminals of its own").attributes = kDeviceAttributes;
    if (shared_memory) {
      add(MountOp::kMakeDir, "/dev/shm", "mount point").mode = 0755;
      MountStep& shm = add(MountOp::kPrivate, "/dev/shm", "files.scratch");
      shm.mode = 01777;
      shm.attributes = kProcAttributes;
    }
    add(MountOp::kRestrict, "/dev", "sealed").attributes = kDeviceAttributes | MOUNT_ATTR_RDONLY;
  }

 private:
  // A device node cannot be made in a user namespace: the host's is bound.
  void device(const std::string& path) {
    add(MountOp::kMakeFile, path, "mount point").mode = 0644;
    place(path, {path, 0, false, true}, "harmless device");
  }

  void place(const std::string& path, MountSource source, const char* why) {
    plan_.sources.push_back(std::move(source));
    add(MountOp::kPlace, path, why).source = plan_.sources.size() - 1;
  }

  MountPlan& plan_;
};

}  // namespace

void add_system_mounts(MountPlan& plan, const MountRequest& request) {
  Builder builder(plan);
  builder.proc();
  if (request.as_root) builder.hide_from_root();
  builder.hide_interfaces(request.interface_folders);
  builder.dev(request.files.scratch.contains("/dev/shm"), request.helper);
}

}  // namespace carrel::plan
