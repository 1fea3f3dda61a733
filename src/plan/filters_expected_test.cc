#include <cerrno>

#include "plan/filters_expected.h"
#include "plan/filters_numbers.h"

namespace carrel::plan::expected {
namespace {

constexpr auto kCalls = Where::kSystemCalls;
constexpr auto kSockets = Where::kSockets;
constexpr auto kNoUnix = Where::kSocketsWithoutUnix;
constexpr std::uint64_t kNoFile = ~0ULL;       // a descriptor that is not open
constexpr std::uint64_t kThread = 0x10000;     // CLONE_THREAD: alone it is invalid
constexpr std::uint64_t kNoUnshareFlag = 0x1;  // likewise
constexpr std::uint64_t kWriteNew = 01101;     // O_WRONLY | O_CREAT | O_TRUNC
constexpr std::uint64_t kUnnamed = 020000001;  // O_WRONLY | __O_TMPFILE

const Refused kRefused[] = {
    // Namespaces
    {kCalls, "clone: CLONE_NEWNS", SYS_clone, {0x00020000 | kThread}, EPERM},
    {kCalls, "clone: CLONE_NEWCGROUP", SYS_clone, {0x02000000 | kThread}, EPERM},
    {kCalls, "clone: CLONE_NEWUTS", SYS_clone, {0x04000000 | kThread}, EPERM},
    {kCalls, "clone: CLONE_NEWIPC", SYS_clone, {0x08000000 | kThread}, EPERM},
    {kCalls, "clone: CLONE_NEWUSER", SYS_clone, {0x10000000 | kThread}, EPERM},
    {kCalls, "clone: CLONE_NEWPID", SYS_clone, {0x20000000 | kThread}, EPERM},
    {kCalls, "clone: CLONE_NEWNET", SYS_clone, {0x40000000 | kThread}, EPERM},
    {kCalls, "unshare: CLONE_NEWTIME", SYS_unshare, {0x00000080 | kNoUnshareFlag}, EPERM},
    {kCalls, "unshare: CLONE_NEWNS", SYS_unshare, {0x00020000 | kNoUnshareFlag}, EPERM},
    {kCalls, "unshare: CLONE_NEWCGROUP", SYS_unshare, {0x02000000 | kNoUnshareFlag}, EPERM},
    {kCalls, "unshare: CLONE_NEWUTS", SYS_unshare, {0x04000000 | kNoUnshareFlag}, EPERM},
    {kCalls, "unshare: CLONE_NEWIPC", SYS_unshare, {0x08000000 | kNoUnshareFlag}, EPERM},
    {kCalls, "unshare: CLONE_NEWUSER", SYS_unshare, {0x10000000 | kNoUnshareFlag}, EPERM},
    {kCalls, "unshare: CLONE_NEWPID", SYS_unshare, {0x20000000 | kNoUnshareFlag}, EPERM},
    {kCalls, "unshare: CLONE_NEWNET", SYS_unshare, {0x40000000 | kNoUnshareFlag}, EPERM},
    {kCalls, "setns", SYS_setns, {kNoFile}, EPERM},
    {kCalls, "clone3", 435, {}, ENOSYS},

    // Mounts, and ways past them
    {kCalls, "mount", SYS_mount, {}, EPERM},
    {kCalls, "umount2", SYS_umount2, {}, EPERM},
    {kCalls, "pivot_root", SYS_pivot_root, {}, EPERM},
    {kCalls, "chroot", SYS_chroot, {}, EPERM},
    {kCalls, "open_tree", 428, {kNoFile}, EPERM},
    {kCalls, "move_mount", 429, {kNoFile, 0, kNoFile}, EPERM},
    {kCalls, "fsopen", 430, {}, EPERM},
    {kCalls, "fsconfig", 431, {kNoFile}, EPERM},
    {kCalls, "fsmount", 432, {kNoFile}, EPERM},
    {kCalls, "fspick", 433, {kNoFile}, EPERM},
    {kCalls, "mount_setattr", 442, {kNoFile}, EPERM},
    {kCalls, "open_tree_attr", 467, {kNoFile}, EPERM},
    {kCalls, "open_by_handle_at", SYS_open_by_handle_at, {kNoFile}, EPERM},
    {kCalls, "ioctl: BTRFS_IOC_SNAP_CREATE", SYS_ioctl, {kNoFile, 0x50009401}, EPERM},
    {kCalls, "ioctl: BTRFS_IOC_SNAP_CREATE_V2", SYS_ioctl, {kNoFile, 0x50009417}, EPERM},
    {kCalls, "ioctl: BCH_IOCTL_SUBVOLUME_CREATE", SYS_ioctl, {kNoFile, 0x4020bc10}, EPERM},
    {kCalls, "ioctl: BCH_IOCTL_SUBVOLUME_CREATE_v2", SYS_ioctl, {kNoFile, 0x4040bc1d}, EPERM},

    // Interfaces of the kernel
    {kCalls, "io_uring_setup", 425, {}, EPERM},
    {kCalls, "io_uring_enter", 426, {kNoFile}, EPERM},
    {kCalls, "io_uring_register", 427, {kNoFile}, EPERM},
    {kCalls, "bpf", SYS_bpf, {kNoFile}, EPERM},
    {kCalls, "add_key", SYS_add_key, {}, EPERM},
    {kCalls, "request_key", SYS_request_key, {}, EPERM},
    {kCalls, "keyctl", SYS_keyctl, {kNoFile}, EPERM},
    {kCalls, "perf_event_open", SYS_perf_event_open, {}, EPERM},
    {kCalls, "userfaultfd", SYS_userfaultfd, {kNoFile}, EPERM},
    {kCalls, "fanotify_init", SYS_fanotify_init, {kNoFile}, EPERM},
    {kCalls, "lookup_dcookie", SYS_lookup_dcookie, {}, EPERM},
    {kCalls, "syslog", SYS_syslog, {kNoFile}, EPERM},
    {kCalls, "modify_ldt", SYS_modify_ldt, {kNoFile}, EPERM},
    {kCalls, "uselib", SYS_uselib, {}, EPERM},

    // State of the machine
    {kCalls, "kexec_load", SYS_kexec_load, {0, 0, 0, kNoFile}, EPERM},
    {kCalls, "kexec_file_load", SYS_kexec_file_load, {kNoFile, kNoFile}, EPERM},
    {kCalls, "init_module", SYS_init_module, {}, EPERM},
    {kCalls, "finit_module", SYS_finit_module, {kNoFile}, EPERM},
    {kCalls, "delete_module", SYS_delete_module, {}, EPERM},
    {kCalls, "iopl", SYS_iopl, {kNoFile}, EPERM},
    {kCalls, "ioperm", SYS_ioperm, {kNoFile}, EPERM},
    {kCalls, "reboot", SYS_reboot, {}, EPERM},
    {kCalls, "swapon", SYS_swapon, {}, EPERM},
    {kCalls, "swapoff", SYS_swapoff, {}, EPERM},
    {kCalls, "acct", SYS_acct, {kNoFile}, EPERM},
    {kCalls, "quotactl", SYS_quotactl, {kNoFile}, EPERM},
    {kCalls, "quotactl_fd", 443, {kNoFile, kNoFile}, EPERM},
    {kCalls, "settimeofday", SYS_settimeofday, {}, EPERM},
    {kCalls, "clock_settime", SYS_clock_settime, {kNoFile}, EPERM},
    {kCalls, "vhangup", SYS_vhangup, {}, EPERM},
    {kCalls, "sethostname", SYS_sethostname, {0, kNoFile}, EPERM},
    {kCalls, "setdomainname", SYS_setdomainname, {0, kNoFile}, EPERM},

    // The terminal
    {kCalls, "ioctl: TIOCSTI", SYS_ioctl, {kNoFile, 0x5412}, EPERM},
    {kCalls, "ioctl: TIOCLINUX", SYS_ioctl, {kNoFile, 0x541c}, EPERM},
    {kCalls, "ioctl: TIOCSETD", SYS_ioctl, {kNoFile, 0x5423}, EPERM},

    // setuid and setgid bits, device nodes
    {kCalls, "chmod: S_ISUID", SYS_chmod, {0, 04755}, EPERM},
    {kCalls, "chmod: S_ISGID", SYS_chmod, {0, 02755}, EPERM},
    {kCalls, "fchmod: S_ISUID", SYS_fchmod, {kNoFile, 04755}, EPERM},
    {kCalls, "fchmod: S_ISGID", SYS_fchmod, {kNoFile, 02755}, EPERM},
    {kCalls, "fchmodat: S_ISUID", SYS_fchmodat, {kNoFile, 0, 04755}, EPERM},
    {kCalls, "fchmodat: S_ISGID", SYS_fchmodat, {kNoFile, 0, 02755}, EPERM},
    {kCalls, "fchmodat2: S_ISUID", 452, {kNoFile, 0, 04755}, EPERM},
    {kCalls, "fchmodat2: S_ISGID", 452, {kNoFile, 0, 02755}, EPERM},
    {kCalls, "creat: S_ISUID", SYS_creat, {0, 04755}, EPERM},
    {kCalls, "creat: S_ISGID", SYS_creat, {0, 02755}, EPERM},
    {kCalls, "mknod: S_ISUID", SYS_mknod, {0, 0104755}, EPERM},
    {kCalls, "mknod: S_ISGID", SYS_mknod, {0, 0102755}, EPERM},
    {kCalls, "mknod: S_IFCHR", SYS_mknod, {0, 0020600, 0x101}, EPERM},
    {kCalls, "mknod: S_IFBLK", SYS_mknod, {0, 0060600, 0x800}, EPERM},
    {kCalls, "mknodat: S_ISUID", SYS_mknodat, {kNoFile, 0, 0104755}, EPERM},
    {kCalls, "mknodat: S_ISGID", SYS_mknodat, {kNoFile, 0, 0102755}, EPERM},
    {kCalls, "mknodat: S_IFCHR", SYS_mknodat, {kNoFile, 0, 0020600, 0x101}, EPERM},
    {kCalls, "mknodat: S_IFBLK", SYS_mknodat, {kNoFile, 0, 0060600, 0x800}, EPERM},
    {kCalls, "open: O_CREAT, S_ISUID", SYS_open, {0, kWriteNew, 04755}, EPERM},
    {kCalls, "open: O_CREAT, S_ISGID", SYS_open, {0, kWriteNew, 02755}, EPERM},
    {kCalls, "open: O_TMPFILE, S_ISUID", SYS_open, {0, kUnnamed, 04755}, EPERM},
    {kCalls, "open: O_TMPFILE, S_ISGID", SYS_open, {0, kUnnamed, 02755}, EPERM},
    {kCalls, "openat: O_CREAT, S_ISUID", SYS_openat, {kNoFile, 0, kWriteNew, 04755}, EPERM},
    {kCalls, "openat: O_CREAT, S_ISGID", SYS_openat, {kNoFile, 0, kWriteNew, 02755}, EPERM},
    {kCalls, "openat: O_TMPFILE, S_ISUID", SYS_openat, {kNoFile, 0, kUnnamed, 04755}, EPERM},
    {kCalls, "openat: O_TMPFILE, S_ISGID", SYS_openat, {kNoFile, 0, kUnnamed, 02755}, EPERM},
    {kCalls, "openat2", 437, {kNoFile}, ENOSYS},
    {kCalls, "newer calls: 470 to 511, none of them in Linux 6.18", 470, {}, ENOSYS},

    // Socket families
    {kSockets, "socket: AF_UNSPEC", SYS_socket, {0, 1}, EAFNOSUPPORT},
    {kNoUnix, "socket: AF_UNIX", SYS_socket, {1, 1}, EACCES},
    {kSockets, "socket: AF_AX25", SYS_socket, {3, 5}, EAFNOSUPPORT},
    {kSockets, "socket: AF_IPX", SYS_socket, {4, 2}, EAFNOSUPPORT},
    {kSockets, "socket: AF_APPLETALK", SYS_socket, {5, 2}, EAFNOSUPPORT},
    {kSockets, "socket: AF_NETROM", SYS_socket, {6, 5}, EAFNOSUPPORT},
    {kSockets, "socket: AF_BRIDGE", SYS_socket, {7, 3}, EAFNOSUPPORT},
    {kSockets, "socket: AF_ATMPVC", SYS_socket, {8, 2}, EAFNOSUPPORT},
    {kSockets, "socket: AF_X25", SYS_socket, {9, 5}, EAFNOSUPPORT},
    {kSockets, "socket: AF_ROSE", SYS_socket, {11, 5}, EAFNOSUPPORT},
    {kSockets, "socket: AF_DECnet", SYS_socket, {12, 5}, EAFNOSUPPORT},
    {kSockets, "socket: AF_NETBEUI", SYS_socket, {13, 2}, EAFNOSUPPORT},
    {kSockets, "socket: AF_SECURITY", SYS_socket, {14, 3}, EAFNOSUPPORT},
    {kSockets, "socket: AF_KEY", SYS_socket, {15, 3, 2}, EAFNOSUPPORT},
    {kSockets, "socket: families above AF_NETLINK", SYS_socket, {40, 1}, EAFNOSUPPORT},  // vsock
    {kSockets,
     "socket: AF_NETLINK, protocols other than NETLINK_ROUTE",
     SYS_socket,
     {16, 3, 9},
     EPROTONOSUPPORT},
    {kSockets, "socket: AF_INET, SOCK_RAW", SYS_socket, {2, 3, 1}, EPERM},
    {kSockets, "socket: AF_INET6, SOCK_RAW", SYS_socket, {10, 3, 58}, EPERM},
    {kSockets, "socket: AF_INET, SOCK_PACKET", SYS_socket, {2, 10, 3}, EPERM},
    {kSockets, "socket: AF_INET6, SOCK_PACKET", SYS_socket, {10, 10, 3}, EPERM},
    {kSockets, "socket: AF_INET, SOCK_SEQPACKET", SYS_socket, {2, 5, 0}, EPROTONOSUPPORT},
    {kSockets, "socket: AF_INET6, SOCK_SEQPACKET", SYS_socket, {10, 5, 0}, EPROTONOSUPPORT},
    {kSockets, "socket: AF_INET, SOCK_DCCP", SYS_socket, {2, 6, 33}, EPROTONOSUPPORT},
    {kSockets, "socket: AF_INET6, SOCK_DCCP", SYS_socket, {10, 6, 33}, EPROTONOSUPPORT},
    {kSockets,
     "socket: AF_INET, protocols above IPPROTO_ICMPV6",
     SYS_socket,
     {2, 1, 132},
     EPROTONOSUPPORT},
    {kSockets,
     "socket: AF_INET6, protocols above IPPROTO_ICMPV6",
     SYS_socket,
     {10, 2, 115},
     EPROTONOSUPPORT},
    {kSockets, "socketpair: AF_UNSPEC", SYS_socketpair, {0, 1}, EAFNOSUPPORT},
    {kSockets, "socketpair: families above AF_UNIX", SYS_socketpair, {30, 1}, EAFNOSUPPORT},
    {kNoUnix, "socketpair: SOCK_DGRAM", SYS_socketpair, {1, 2}, EACCES},
    {kNoUnix, "socketpair: SOCK_RAW", SYS_socketpair, {1, 3}, EACCES},
};

}  // namespace

std::vector<Refused> refused() {
  std::vector<Refused> rows;
  for (const Refused& row : kRefused) {
    if (row.number >= 0) rows.push_back(row);
  }
  return rows;
}

}  // namespace carrel::plan::expected
