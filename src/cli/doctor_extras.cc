// What is good to know of a machine.
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/path.h"
#include "base/unique_fd.h"
#include "cli/child_probe.h"
#include "cli/doctor_probes.h"
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

ProbeReport ask_nftables() {
  if (const auto entered = enter_namespaces(CLONE_NEWNET); !entered.ok()) return entered;
  const UniqueFd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
  if (!socket.valid()) return failed_at("socket(NETLINK_NETFILTER)");
  struct {
    nlmsghdr header;
    nfgenmsg body;
  } request{};
  request.header.nlmsg_len = sizeof(request);
  request.header.nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN;
  request.header.nlmsg_flags = NLM_F_REQUEST;
  request.body.version = NFNETLINK_V0;
  if (::send(socket.get(), &request, sizeof(request), 0) < 0) return failed_at("send");
  alignas(nlmsghdr) std::array<char, 4096> reply{};
  if (::recv(socket.get(), reply.data(), reply.size(), 0) < 0) return failed_at("recv");
  const auto* answer = reinterpret_cast<const nlmsghdr*>(reply.data());
  if (answer->nlmsg_type != NLMSG_ERROR) return {};
  errno = -reinterpret_cast<const nlmsgerr*>(answer + 1)->error;
  return failed_at("nf_tables");
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
  return judged(good("nftables", "answers in a network namespace", "nothing in this version"),
                in_child(ask_nftables), Health::kInfo, "");
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
