// "system-calls": what no command in a sandbox needs and the kernel is better
// off without. docs/system-calls.md is this table for people, and says what is
// left open and why.
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <initializer_list>
#include <string_view>
#include <vector>

#include "plan/filters_internal.h"
#include "plan/filters_numbers.h"

#define CALL(name) (CallName{#name, SYS_##name})

namespace carrel::plan::internal {
namespace {

constexpr auto kEperm = Refusal::kNotPermitted;
constexpr auto kEnosys = Refusal::kNoSuchCall;

void refuse_all(std::vector<Rule>& rules, std::initializer_list<CallName> calls, Refusal refusal,
                std::string_view reason) {
  for (const CallName& call : calls) refuse(rules, call, "", {}, refusal, reason);
}

void refuse_namespaces(std::vector<Rule>& rules) {
  struct Flag {
    std::string_view name;
    std::uint32_t bit;
  };
  // Not CLONE_NEWTIME for clone: there the bit belongs to the number of a signal.
  constexpr Flag kFlags[] = {
      {"CLONE_NEWNS", CLONE_NEWNS},     {"CLONE_NEWCGROUP", CLONE_NEWCGROUP},
      {"CLONE_NEWUTS", CLONE_NEWUTS},   {"CLONE_NEWIPC", CLONE_NEWIPC},
      {"CLONE_NEWUSER", CLONE_NEWUSER}, {"CLONE_NEWPID", CLONE_NEWPID},
      {"CLONE_NEWNET", CLONE_NEWNET},
  };
  constexpr std::string_view kReason =
      "a namespace of its own would give the command capabilities, and with them most of the "
      "kernel to attack";
  for (const Flag& flag : kFlags) {
    refuse(rules, CALL(clone), flag.name, {has(0, flag.bit)}, kEperm, kReason);
    refuse(rules, CALL(unshare), flag.name, {has(0, flag.bit)}, kEperm, kReason);
  }
  refuse(rules, CALL(unshare), "CLONE_NEWTIME", {has(0, 0x80)}, kEperm, kReason);
  refuse_all(rules, {CALL(setns)}, kEperm, "the sandbox's namespaces are the only ones");
  refuse_all(rules, {CALL(clone3)}, kEnosys,
             "its flags are in memory, where a filter cannot see them; C libraries use clone then");
}

void refuse_mounts(std::vector<Rule>& rules) {
  refuse_all(rules,
             {CALL(mount), CALL(umount2), CALL(pivot_root), CALL(chroot), CALL(open_tree),
              CALL(open_tree_attr), CALL(move_mount), CALL(fsopen), CALL(fsconfig), CALL(fsmount),
              CALL(fspick), CALL(mount_setattr)},
             kEperm,
             "hidden and read-only paths are mounts: nothing may move, cover or uncover them");
  refuse_all(rules, {CALL(open_by_handle_at)}, kEperm,
             "opens files by inode, past every mount that hides them");
  constexpr std::string_view kSnapshot =
      "a snapshot of the user's own subvolume, put into a writable folder, shows what mounts hide";
  refuse(rules, CALL(ioctl), "BTRFS_IOC_SNAP_CREATE", {is(1, BTRFS_IOC_SNAP_CREATE)}, kEperm,
         kSnapshot);
  refuse(rules, CALL(ioctl), "BTRFS_IOC_SNAP_CREATE_V2", {is(1, BTRFS_IOC_SNAP_CREATE_V2)}, kEperm,
         kSnapshot);
  // Of whatever size their argument has in this version of bcachefs.
  constexpr std::uint32_t kNoSize = ~static_cast<std::uint32_t>(IOCSIZE_MASK);
  refuse(rules, CALL(ioctl), "BCH_IOCTL_SUBVOLUME_CREATE",
         {{.index = 1, .mask = kNoSize, .value = _IOC(_IOC_WRITE, 0xbc, 16, 0)}}, kEperm,
         kSnapshot);
  refuse(rules, CALL(ioctl), "BCH_IOCTL_SUBVOLUME_CREATE_v2",
         {{.index = 1, .mask = kNoSize, .value = _IOC(_IOC_WRITE, 0xbc, 29, 0)}}, kEperm,
         kSnapshot);
}

void refuse_kernel_interfaces(std::vector<Rule>& rules) {
  refuse_all(rules, {CALL(io_uring_setup), CALL(io_uring_enter), CALL(io_uring_register)}, kEperm,
             "does the work of other calls where no filter sees it; programs fall back to epoll");
  refuse_all(rules, {CALL(bpf)}, kEperm, "loads programs into the kernel");
  refuse_all(rules, {CALL(add_key), CALL(request_key), CALL(keyctl)}, kEperm,
             "the session's keyring is inherited, with the user's own keys and tickets in it");
  refuse_all(rules, {CALL(perf_event_open)}, kEperm,
             "observes the whole machine; a frequent source of kernel exploits");
  refuse_all(rules, {CALL(userfaultfd)}, kEperm,
             "stops the kernel half way through an access: the tool of most race exploits");
  refuse_all(rules, {CALL(fanotify_init)}, kEperm, "observes files of the whole mount");
  refuse_all(rules, {CALL(lookup_dcookie)}, kEperm, "a profiler's look into the kernel's caches");
  refuse_all(rules, {CALL(syslog)}, kEperm, "the kernel's log tells of the host, and of addresses");
  refuse_all(rules, {CALL(modify_ldt), CALL(uselib)}, kEperm,
             "old, seldom tested, broken before; nothing of today needs it");
}

void refuse_machine_state(std::vector<Rule>& rules) {
  refuse_all(rules, {CALL(kexec_load), CALL(kexec_file_load)}, kEperm, "replaces the kernel");
  refuse_all(rules, {CALL(init_module), CALL(finit_module), CALL(delete_module)}, kEperm,
             "changes the code of the kernel");
  refuse_all(rules, {CALL(iopl), CALL(ioperm)}, kEperm, "reaches the hardware itself");
  refuse_all(rules,
             {CALL(reboot), CALL(swapon), CALL(swapoff), CALL(acct), CALL(quotactl),
              CALL(quotactl_fd), CALL(settimeofday), CALL(clock_settime), CALL(vhangup)},
             kEperm, "changes the state of the whole machine");
  refuse_all(rules, {CALL(sethostname), CALL(setdomainname)}, kEperm, "the policy names the host");
}

void refuse_terminal_tricks(std::vector<Rule>& rules) {
  refuse(rules, CALL(ioctl), "TIOCSTI", {is(1, TIOCSTI)}, kEperm,
         "types into the user's terminal, for the shell to read after the sandbox has ended");
  refuse(rules, CALL(ioctl), "TIOCLINUX", {is(1, TIOCLINUX)}, kEperm,
         "pastes into the user's console, likewise");
  refuse(rules, CALL(ioctl), "TIOCSETD", {is(1, TIOCSETD)}, kEperm,
         "makes the kernel load the driver of any line discipline");
}

void refuse_setuid_and_devices(std::vector<Rule>& rules) {
  struct Bit {
    std::string_view name;
    std::uint32_t mask;
  };
  struct ModeCall {
    CallName call;
    std::uint32_t mode_index;
  };
  constexpr Bit kBits[] = {{"S_ISUID", S_ISUID}, {"S_ISGID", S_ISGID}};
  constexpr std::string_view kReason =
      "a setuid or setgid program left in a writable folder would run with its owner's rights "
      "outside";
  // Not mkdir: there the kernel drops both bits.
  const ModeCall mode_calls[] = {{CALL(chmod), 1},     {CALL(fchmod), 1}, {CALL(fchmodat), 2},
                                 {CALL(fchmodat2), 2}, {CALL(creat), 1},  {CALL(mknod), 1},
                                 {CALL(mknodat), 2}};
  for (const auto& [call, mode] : mode_calls) {
    for (const Bit& bit : kBits) {
      refuse(rules, call, bit.name, {has(mode, bit.mask)}, kEperm, kReason);
    }
  }
  // Where nothing is created, the register that would hold the mode holds anything.
  struct Creation {
    std::string_view with_setuid, with_setgid;
    std::uint32_t flag;
  };
  constexpr Creation kCreations[] = {
      {"O_CREAT, S_ISUID", "O_CREAT, S_ISGID", O_CREAT},
      {"O_TMPFILE, S_ISUID", "O_TMPFILE, S_ISGID", O_TMPFILE & ~O_DIRECTORY}};
  const ModeCall open_calls[] = {{CALL(open), 2}, {CALL(openat), 3}};
  for (const auto& [call, mode] : open_calls) {
    for (const Creation& creation : kCreations) {
      const Condition creates = has(mode - 1, creation.flag);
      refuse(rules, call, creation.with_setuid, {creates, has(mode, S_ISUID)}, kEperm, kReason);
      refuse(rules, call, creation.with_setgid, {creates, has(mode, S_ISGID)}, kEperm, kReason);
    }
  }
  refuse_all(rules, {CALL(openat2)}, kEnosys,
             "its mode is in memory, where a filter cannot see it; programs use openat then");

  constexpr std::string_view kDevices = "a device node reaches the hardware";
  const ModeCall node_calls[] = {{CALL(mknod), 1}, {CALL(mknodat), 2}};
  for (const auto& [call, mode] : node_calls) {
    refuse(rules, call, "S_IFCHR", {{.index = mode, .mask = S_IFMT, .value = S_IFCHR}}, kEperm,
           kDevices);
    refuse(rules, call, "S_IFBLK", {{.index = mode, .mask = S_IFMT, .value = S_IFBLK}}, kEperm,
           kDevices);
  }
}

// What no kernel had when this was written, nobody has judged. An older kernel
// would answer so too, and every program still knows how to run on one.
void refuse_newer_calls(std::vector<Rule>& rules) {
  constexpr int kFirst = 470;  // Linux 6.18 ends at 469, on every architecture
  constexpr int kLast = 511;   // some seven years' worth
  refuse(rules, {"newer calls", kFirst}, "470 to 511, none of them in Linux 6.18", {}, kEnosys,
         "unknown to this filter, so answered as by a kernel that does not have them");
  rules.back().count = kLast - kFirst + 1;
}

}  // namespace

std::vector<Rule> system_call_rules() {
  std::vector<Rule> rules;
  rules.reserve(96);
  refuse_namespaces(rules);
  refuse_mounts(rules);
  refuse_kernel_interfaces(rules);
  refuse_machine_state(rules);
  refuse_terminal_tricks(rules);
  refuse_setuid_and_devices(rules);
  refuse_newer_calls(rules);
  return rules;
}

}  // namespace carrel::plan::internal
