// What is good to know of a machine.
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "base/path.h"
#include "base/unique_fd.h"
#include "cli/child_probe.h"
#include "cli/doctor_probes.h"
#include "cli/transparent_probe.h"
#include "sys/files.h"

namespace carrel::cli {
namespace {

ProbeReport overlay_in_tmpfs() {
  if (const auto entered = enter_namespaces(CLONE_NEWNS); !entered.ok()) return entered;
  constexpr char kPlace[] = "/tmp";  // covered in this child's own mount namespace
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return failed_at("mount(/)");
  if (::mount("tmpfs", kPlace, "tmpfs", 0, nullptr) != 0) return failed_at("mount(tmpfs)");
  if (::chdir(kPlace) != 0) return failed_at("chdir");
  for (const char* folder : {"lower", "upper", "work", "merged"}) {
    if (::mkdir(folder, 0700) != 0) return failed_at("mkdir");
  }
  if (::mount("overlay", "merged", "overlay", 0,
              "lowerdir=lower,upperdir=upper,workdir=work,userxattr") != 0) {
    return failed_at("mount(overlay)");
  }
  const UniqueFd file(::open("merged/x", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  return file.valid() ? ProbeReport{} : failed_at("open(merged)");
}

}  // namespace

Check check_container() {
  Check check{"container", Health::kInfo, "none that could be told",
              "nothing; a container's own filters may refuse what is tried below", ""};
  const Result<std::string> systemd = sys::read_file("/run/systemd/container", 64);
  if (exists("/.dockerenv")) check.found = "Docker";
  if (exists("/run/.containerenv")) check.found = "Podman";
  if (systemd.ok()) check.found = printable(systemd.value().substr(0, systemd.value().find('\n')));
  return check;
}

Check check_overlayfs() {
  return judged(good("overlayfs", "mounted one in a user namespace", "nothing in this version"),
                in_child(overlay_in_tmpfs), Health::kInfo, "");
}

Check check_landlock() {
  const long abi =
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  Check check{"Landlock", Health::kInfo, "ABI " + std::to_string(abi),
              "nothing in this version; mounts keep the file system", ""};
  if (abi < 0) check.found = failed_at("landlock_create_ruleset").text();
  return check;
}

Check check_nftables() {
  return judged(good("nftables", "takes the connections of a network namespace",
                     "programs that know no proxy reach allowed hosts on every port, not only on "
                     "those that the policy names"),
                in_child(take_every_port), Health::kLacking,
                "load the kernel's modules nf_tables and nft_tproxy: sudo modprobe -a nf_tables "
                "nft_tproxy");
}

Check check_kvm() {
  Check check{"/dev/kvm", Health::kInfo, "can be opened", "nothing in this version", ""};
  const UniqueFd kvm(::open("/dev/kvm", O_RDWR | O_CLOEXEC));
  if (kvm.valid()) return check;
  check.found = errno == ENOENT ? "is not there" : failed_at("open").text();
  return check;
}

Check check_ptrace_scope() {
  Check check{"ptrace scope", Health::kInfo, "not limited (no Yama)",
              "nothing; a sandbox sees no process outside it", ""};
  if (const auto scope = sysctl("kernel/yama/ptrace_scope")) {
    check.found = "kernel.yama.ptrace_scope is " + printable(*scope);
  }
  return check;
}

}  // namespace carrel::cli
