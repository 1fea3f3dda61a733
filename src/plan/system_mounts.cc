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
constexpr std::uint64_t kFolderBytes = 64 << 10;

// Parts of /proc that speak of the whole machine and can be written.
constexpr std::array kProcReadOnly = {"/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus",
                                      "/proc/fs",  "/proc/acpi",          "/proc/scsi"};
// Parts that show memory, keys or timers of others.
constexpr std::array kProcHidden = {"/proc/kcore", "/proc/keys", "/proc/timer_list"};
// Kernel interfaces for administrators; root inside owns their files.
constexpr std::array kSysHidden = {"/sys/kernel/debug",    "/sys/kernel/tracing",
                                   "/sys/kernel/security", "/sys/firmware",
                                   "/sys/fs/bpf",          "/sys/fs/pstore"};
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
    return plan_.steps.back();
  }

  void proc() {
    add(MountOp::kProc, "/proc", "only the sandbox's own processes").attributes = kProcAttributes;
    for (const char* path : kProcReadOnly) {
      MountStep& step = add(MountOp::kRebind, path, "settings of the whole machine");
      step.attributes = kProcAttributes | MOUNT_ATTR_RDONLY;
      step.optional = true;
    }
    for (const char* path : kProcHidden) {
      add(MountOp::kHideFile, path, "memory, keys and timers of others").optional = true;
    }
  }

  void sys() {
    for (const char* path : kSysHidden) {
      add(MountOp::kHideDir, path, "kernel interfaces for administrators").optional = true;
    }
  }

  void dev(std::uint64_t scratch_bytes, bool shared_memory) {
    MountStep& root = add(MountOp::kTmpfs, "/dev", "no devices but the harmless ones");
    root.size = kFolderBytes;
    root.mode = 0755;
    root.attributes = kDeviceAttributes;
    for (const char* name : kDevices) device(std::string("/dev/") + name);
    for (const Link& link : kLinks) {
      add(MountOp::kMakeSymlink, link.name, "standard link").link = link.text;
    }
    add(MountOp::kMakeDir, "/dev/pts", "mount point").mode = 0755;
    add(MountOp::kDevpts, "/dev/pts", "terminals of its own").attributes = kDeviceAttributes;
    if (shared_memory) {
      add(MountOp::kMakeDir, "/dev/shm", "mount point").mode = 0755;
      MountStep& shm = add(MountOp::kTmpfs, "/dev/shm", "files.scratch");
      shm.size = scratch_bytes;
      shm.mode = 01777;
      shm.attributes = kProcAttributes;
    }
    add(MountOp::kRestrict, "/dev", "sealed").attributes = kDeviceAttributes | MOUNT_ATTR_RDONLY;
  }

 private:
  // A device node cannot be made in a user namespace: the host's is bound.
  void device(const std::string& path) {
    plan_.sources.push_back({path, kDeviceAttributes, false, false});
    const std::size_t source = plan_.sources.size() - 1;
    add(MountOp::kMakeFile, path, "mount point").mode = 0644;
    MountStep& step = add(MountOp::kPlace, path, "harmless device");
    step.source = source;
    step.attributes = kDeviceAttributes;
  }

  MountPlan& plan_;
};

}  // namespace

void add_system_mounts(MountPlan& plan, const MountRequest& request) {
  Builder builder(plan);
  builder.proc();
  builder.sys();
  builder.dev(request.scratch_bytes, request.files.scratch.contains("/dev/shm"));
}

}  // namespace carrel::plan
