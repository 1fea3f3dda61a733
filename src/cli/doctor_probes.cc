// What `carrel run` cannot do without.
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <utility>

#include "base/path.h"
#include "base/unique_fd.h"
#include "cli/child_probe.h"
#include "cli/doctor_probes.h"
#include "jail/image.h"
#include "sys/files.h"

namespace carrel::cli {
namespace {

// This program, as AppArmor would name it.
std::string own_path() {
  const Result<std::string> path = sys::read_link("/proc/self/exe");
  return path.ok() ? path.value() : "/usr/bin/carrel";
}

std::string apparmor_mend() {
  return "printf 'abi <abi/4.0>,\\ninclude <tunables/global>\\nprofile carrel \"" + own_path() +
         "\" flags=(unconfined) {\\n  userns,\\n}\\n' | sudo tee /etc/apparmor.d/carrel && sudo "
         "apparmor_parser -r /etc/apparmor.d/carrel";
}

// The root is another than the first process has or, where that may not be looked
// at, is no mount point: "... /root /point options", where options begin with rw or ro.
bool is_chroot() {
  struct stat own{};
  struct stat first{};
  if (::stat("/", &own) == 0 && ::stat("/proc/1/root/", &first) == 0) {
    return own.st_dev != first.st_dev || own.st_ino != first.st_ino;
  }
  const Result<std::string> mounts = sys::read_file("/proc/self/mountinfo");
  return mounts.ok() && mounts.value().find(" / rw") == std::string::npos &&
         mounts.value().find(" / ro") == std::string::npos;
}

// The switch that keeps user namespaces from this user, if one does.
struct Switch {
  std::string found;
  std::string mend;
};
Switch user_namespace_switch() {
  if (sysctl("kernel/unprivileged_userns_clone") == "0") {
    return {"kernel.unprivileged_userns_clone is 0",
            "echo kernel.unprivileged_userns_clone=1 | sudo tee /etc/sysctl.d/60-carrel.conf && "
            "sudo sysctl --system"};
  }
  if (sysctl("user/max_user_namespaces") == "0") {
    return {"user.max_user_namespaces is 0",
            "echo user.max_user_namespaces=15000 | sudo tee /etc/sysctl.d/60-carrel.conf && sudo "
            "sysctl --system"};
  }
  if (sysctl("kernel/apparmor_restrict_unprivileged_userns") == "1" && ::geteuid() != 0) {
    return {"AppArmor allows them only to programs that have a profile", apparmor_mend()};
  }
  if (is_chroot()) {
    return {
        "the kernel makes none in a chroot",
        "enter this system with `systemd-nspawn -D FOLDER`, or by pivot_root, instead of chroot"};
  }
  if (exists("/.dockerenv") || exists("/run/.containerenv")) {
    return {"this container's system call filter refuses them",
            "start the container with --security-opt seccomp=unconfined --security-opt "
            "apparmor=unconfined --security-opt systempaths=unconfined"};
  }
  return {"", "run `sysctl user.max_user_namespaces`, and ask who set this machine up"};
}

ProbeReport allow_all_filter(unsigned flags) {
  sock_filter allow[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog program{1, allow};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed_at("prctl");
  const long done = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
  return done < 0 ? failed_at("seccomp") : reported(static_cast<int>(done));
}

}  // namespace

std::optional<std::string> sysctl(const std::string& name) {
  const Result<std::string> text = sys::read_file("/proc/sys/" + name, 4096);
  if (!text.ok()) return std::nullopt;
  return text.value().substr(0, text.value().find('\n'));
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

Check good(std::string name, std::string found, std::string use) {
  return {std::move(name), Health::kGood, std::move(found), std::move(use), ""};
}

Check judged(Check check, const ProbeReport& report, Health otherwise, std::string mend) {
  if (otherwise == Health::kInfo) check.health = Health::kInfo;
  if (report.ok()) return check;
  check.health = otherwise;
  if (report.lacks_user_namespace()) {
    check.found = "could not be tried without a user namespace";
  } else {
    check.found = report.text();
    check.mend = std::move(mend);
  }
  return check;
}

Check check_kernel() {
  constexpr int kMajor = 5;
  constexpr int kMinor = 15;
  utsname name{};
  ::uname(&name);
  const std::string_view release = name.release;
  int major = 0;
  int minor = 0;
  const char* const end = release.data() + release.size();
  const char* const dot = std::from_chars(release.data(), end, major).ptr;
  if (dot != end) std::from_chars(dot + 1, end, minor);
  Check check{"kernel", Health::kGood, "Linux " + printable(release) + " on " + name.machine,
              "needs 5.15 or later", ""};
  if (major < kMajor || (major == kMajor && minor < kMinor)) {
    check.health = Health::kBroken;
    check.mend = "update the kernel";
  }
  return check;
}

Check check_user_namespaces() {
  const ProbeReport report = in_child([] {
    if (const auto entered = enter_namespaces(CLONE_NEWNS); !entered.ok()) return entered;
    // AppArmor lets the namespace be made, and then takes its capabilities away.
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
      return failed_at("mount(/)");
    return ProbeReport{};
  });
  Check check = good("user namespaces", "made one, with its ID maps",
                     "the sandbox's own IDs and capabilities; root inside is nobody outside");
  if (report.ok()) return check;
  Switch cause = user_namespace_switch();
  check.health = Health::kBroken;
  check.found = report.text() + (cause.found.empty() ? "" : "; ") + cause.found;
  check.mend = std::move(cause.mend);
  return check;
}

Check check_other_namespaces() {
  const ProbeReport report = in_child([] {
    return enter_namespaces(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
                            CLONE_NEWUTS | CLONE_NEWCGROUP);
  });
  return judged(good("other namespaces", "made mount, PID, network, IPC, UTS and cgroup namespaces",
                     "nothing of the host is shared but the files that the policy shows"),
                report, Health::kBroken, "a kernel with CONFIG_NAMESPACES and all below it");
}

Check check_mount_api() {
  const ProbeReport report = in_child([] {
    if (const auto entered = enter_namespaces(CLONE_NEWNS); !entered.ok()) return entered;
    const UniqueFd tree(::open_tree(
        AT_FDCWD, "/", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | static_cast<unsigned>(AT_RECURSIVE)));
    if (!tree.valid()) return failed_at("open_tree");
    mount_attr attributes{};
    attributes.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
    if (::mount_setattr(tree.get(), "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes,
                        sizeof(attributes)) != 0) {
      return failed_at("mount_setattr");
    }
    return ProbeReport{};
  });
  return judged(good("mount API", "cloned the root and made it read-only by descriptor",
                     "all mounts: no path is looked up twice"),
                report, Health::kBroken,
                "a kernel from 5.15 on, and no filter around Carrel that refuses it");
}

Check check_proc() {
  const ProbeReport report = in_child([] {
    if (const auto entered = enter_namespaces(CLONE_NEWNS | CLONE_NEWPID); !entered.ok()) {
      return entered;
    }
    return in_child([] {  // a child is the first process of the PID namespace
      if (::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) {
        return failed_at("mount(proc)");
      }
      return ProbeReport{};
    });
  });
  Check check = judged(
      good("/proc", "mounted one of its own", "the command sees its own processes and no others"),
      report, Health::kBroken, "");
  if (report.failed_at("mount(proc)")) {
    check.found += "; parts of this /proc are covered, as containers do";
    check.mend =
        "start the container with --security-opt systempaths=unconfined (Docker, Podman), or "
        "procMount: Unmasked (Kubernetes)";
  }
  return check;
}

Check check_seccomp() {
  const ProbeReport report = in_child([] { return allow_all_filter(0); });
  return judged(good("seccomp", "installed a filter", "two filters or more around every command"),
                report, Health::kBroken, "a kernel with CONFIG_SECCOMP_FILTER");
}

Check check_notification() {
  const ProbeReport report =
      in_child([] { return allow_all_filter(SECCOMP_FILTER_FLAG_NEW_LISTENER); });
  return judged(good("seccomp notification", "got a listener",
                     "--record counts the system calls that were refused"),
                report, Health::kLacking, "");
}

Check check_memfd() {
  const ProbeReport report = in_child([] {
    const Result<UniqueFd> file = sys::memfd_create("carrel-doctor", sys::Memfd::kExecutable);
    if (!file.ok()) {
      errno = file.error().sys_errno;
      return failed_at("memfd_create");
    }
    if (!sys::write_all(file.value(), jail::launcher_image()).ok()) return failed_at("write");
    // Without a plan the launcher can do nothing but end.
    return in_child([&file] {
      for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) ::close(fd);  // it complains
      char name[] = "carrel-launcher";
      char* argv[] = {name, nullptr};
      char* envp[] = {nullptr};
      ::fexecve(file.value().get(), argv, envp);
      return failed_at("fexecve");
    });
  });
  // The pipe of the inner child is closed by a successful execve.
  const bool executed = report.ok() || report.failed_at("ended without an answer");
  const bool limited = sysctl("vm/memfd_noexec") == "2";
  return judged(good("executable memfd", "executed one", "the launcher runs from a sealed copy"),
                executed ? ProbeReport{} : report, Health::kBroken,
                limited ? "sudo sysctl -w vm.memfd_noexec=1"
                        : "allow programs in memory to be executed, in this machine's security "
                          "module");
}

}  // namespace carrel::cli
