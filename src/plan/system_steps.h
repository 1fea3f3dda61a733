// The part of /proc and /dev that every sandbox has, whatever its policy: made by
// the launcher before there is a plan, and printed by `carrel explain`.
// Freestanding. Sources: proc(5), pts(4), null(4), random(4).
#pragma once

#include <linux/mount.h>

#include "plan/wire.h"

namespace carrel::wire {

// A MountStep (trusted) with its texts in place. kPlace: the host's own target.
// `attributes` is what the mount has in the end, when all others have become
// read-only around it.
struct SystemStep {
  MountOp op;
  const char* target;
  std::uint64_t attributes = 0;
  std::uint32_t mode = 0;
  const char* link = "";
  bool optional = false;
  const char* why = "mount point";
};

inline constexpr std::uint64_t kProcAttributes =
    MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
inline constexpr std::uint64_t kDevAttributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;

// A part of /proc that speaks of the whole machine and can be written.
constexpr SystemStep proc_read_only(const char* path) {
  return {MountOp::kRebind,
          path,
          kProcAttributes | MOUNT_ATTR_RDONLY,
          0,
          "",
          true,
          "settings of the whole machine"};
}
// A device node cannot be made in a user namespace: the host's is bound to a file.
constexpr SystemStep device_file(const char* path) {
  return {.op = MountOp::kMakeFile, .target = path, .mode = 0644};
}
constexpr SystemStep device(const char* path) {
  return {.op = MountOp::kPlace,
          .target = path,
          .attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID,
          .why = "harmless device"};
}
constexpr SystemStep standard_link(const char* path, const char* link) {
  return {.op = MountOp::kMakeSymlink, .target = path, .link = link, .why = "standard link"};
}

inline constexpr SystemStep kSystemSteps[] = {
    {.op = MountOp::kProc,
     .target = "/proc",
     .attributes = kProcAttributes,
     .why = "only the sandbox's own processes"},
    proc_read_only("/proc/sys"),
    proc_read_only("/proc/sysrq-trigger"),
    proc_read_only("/proc/irq"),
    proc_read_only("/proc/bus"),
    proc_read_only("/proc/fs"),
    proc_read_only("/proc/acpi"),
    proc_read_only("/proc/scsi"),
    proc_read_only("/proc/pressure"),
    {.op = MountOp::kHideFile, .target = "/proc/keys", .optional = true, .why = "keys of others"},
    {.op = MountOp::kPrivate,
     .target = "/dev",
     .attributes = kDevAttributes,
     .mode = 0755,
     .why = "no devices but the harmless ones"},
    device_file("/dev/null"),
    device("/dev/null"),
    device_file("/dev/zero"),
    device("/dev/zero"),
    device_file("/dev/full"),
    device("/dev/full"),
    device_file("/dev/random"),
    device("/dev/random"),
    device_file("/dev/urandom"),
    device("/dev/urandom"),
    device_file("/dev/tty"),
    device("/dev/tty"),
    standard_link("/dev/fd", "/proc/self/fd"),
    standard_link("/dev/stdin", "/proc/self/fd/0"),
    standard_link("/dev/stdout", "/proc/self/fd/1"),
    standard_link("/dev/stderr", "/proc/self/fd/2"),
    standard_link("/dev/ptmx", "pts/ptmx"),
    {.op = MountOp::kMakeDir, .target = "/dev/pts", .mode = 0755},
    {.op = MountOp::kDevpts,
     .target = "/dev/pts",
     .attributes = kDevAttributes,
     .why = "terminals of its own"},
};
inline constexpr std::size_t kSystemStepCount = sizeof kSystemSteps / sizeof kSystemSteps[0];

}  // namespace carrel::wire
