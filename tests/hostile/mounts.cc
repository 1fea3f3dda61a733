// Changes what is mounted, with the old calls and the new: hidden and read-only
// paths are mounts.
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/mount.h>

#include "attempts.h"

#ifndef SYS_open_tree_attr
#define SYS_open_tree_attr 467
#endif

namespace {

using carrel::hostile::Attempts;

long raw_mount(const char* from, const char* to, const char* type, unsigned long flags) {
  return ::syscall(SYS_mount, from, to, type, flags, nullptr);
}

long make_writable(const char* path, unsigned flags) {
  mount_attr attributes{};
  attributes.attr_clr = MOUNT_ATTR_RDONLY;
  return ::syscall(SYS_mount_setattr, AT_FDCWD, path, flags, &attributes, sizeof attributes);
}

long open_tree_writable() {
  mount_attr attributes{};
  attributes.attr_clr = MOUNT_ATTR_RDONLY;
  return ::syscall(SYS_open_tree_attr, AT_FDCWD, "/", OPEN_TREE_CLONE, &attributes,
                   sizeof attributes);
}

long cover_with_itself(const char* path) {
  const int fd = ::open(path, O_PATH | O_CLOEXEC);
  return fd < 0 ? -1 : ::syscall(SYS_move_mount, fd, "", AT_FDCWD, "/tmp", MOVE_MOUNT_F_EMPTY_PATH);
}

}  // namespace

int main(int argc, char** argv) {
  Attempts attempts(argc, argv);
  attempts.make("mount-tmpfs", [] { return raw_mount("none", "/tmp", "tmpfs", 0); });
  attempts.make("mount-proc", [] { return raw_mount("none", "/tmp", "proc", 0); });
  attempts.make("mount-bind", [] { return raw_mount("/etc", "/tmp", nullptr, MS_BIND | MS_REC); });
  attempts.make("mount-move", [] { return raw_mount("/tmp", "/mnt", nullptr, MS_MOVE); });
  attempts.make("remount-writable",
                [] { return raw_mount(nullptr, "/", nullptr, MS_REMOUNT | MS_BIND); });
  attempts.make("propagation", [] { return raw_mount(nullptr, "/", nullptr, MS_SHARED | MS_REC); });
  attempts.make("umount-proc", [] { return ::syscall(SYS_umount2, "/proc", MNT_DETACH); });
  attempts.make("umount-tmp", [] { return ::syscall(SYS_umount2, "/tmp", MNT_DETACH); });
  attempts.make_harmless("umount-nothing", [] { return ::syscall(SYS_umount2, "/no/such", 0); });
  attempts.make_harmless("pivot-root", [] { return ::syscall(SYS_pivot_root, "/usr", "/usr"); });
  attempts.make("chroot", [] { return ::syscall(SYS_chroot, "."); });
  attempts.make("open-tree", [] {
    return ::syscall(SYS_open_tree, AT_FDCWD, "/", OPEN_TREE_CLONE | AT_RECURSIVE);
  });
  attempts.make("open-tree-attr", [] { return open_tree_writable(); });
  attempts.make("fsopen", [] { return ::syscall(SYS_fsopen, "tmpfs", 0); });
  attempts.make("fspick", [] { return ::syscall(SYS_fspick, AT_FDCWD, "/", 0); });
  attempts.make_harmless("fsmount", [] { return ::syscall(SYS_fsmount, -1, 0, 0); });
  attempts.make_harmless("fsconfig", [] { return ::syscall(SYS_fsconfig, -1, 0, 0, 0, 0); });
  attempts.make("move-mount", [] { return cover_with_itself("/etc"); });
  attempts.make("mount-setattr", [] { return make_writable("/", 0); });
  attempts.make("mount-setattr-recursive", [] { return make_writable("/", AT_RECURSIVE); });
  return attempts.exit_status();
}
