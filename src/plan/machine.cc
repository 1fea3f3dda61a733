#include "plan/machine.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>
#include <sstream>

#include "base/path.h"
#include "sys/error.h"
#include "sys/files.h"

extern char** environ;  // NOLINT: environ(7) is declared nowhere else

namespace carrel::plan {
namespace {

constexpr std::array kWanted = {"memory", "pids", "cpu"};

std::set<std::string> words(const std::string& path) {
  const Result<std::string> text = sys::read_file(path, 64 << 10);
  std::set<std::string> out;
  if (!text.ok()) return out;
  std::istringstream stream(text.value());
  for (std::string word; stream >> word;) out.insert(word);
  return out;
}

bool may_write(const std::string& path) { return ::access(path.c_str(), W_OK) == 0; }

// In cgroup v2 a cgroup gets the controllers that its parent hands down. The
// first of: the parent of ours (it has no processes of its own, so it may hand
// down), then ours (jail/cgroup.h moves the processes out of its way).
void add_unified(const std::string& own, std::vector<CgroupParent>& found) {
  for (const std::string& folder : {std::string(parent_path(own)), own}) {
    if (!may_write(folder) || !may_write(folder + "/cgroup.procs")) continue;
    // More is handed down on demand where no other manager is in charge.
    const bool is_ours = folder == own || own == folder + "/" + std::string(kSupervisors);
    const std::set<std::string> offered =
        words(folder + (is_ours ? "/cgroup.controllers" : "/cgroup.subtree_control"));
    for (const char* controller : kWanted) {
      const bool known = std::any_of(found.begin(), found.end(), [&](const CgroupParent& c) {
        return c.controller == controller;
      });
      if (!known && offered.contains(controller)) found.push_back({controller, folder, true});
    }
    if (!found.empty()) return;  // all in one folder: a process is in one v2 cgroup only
  }
}

// "/usr/bin/carrel (deleted)" is what the link says of a file that has been replaced.
std::string own_program() {
  const Result<std::string> path = sys::read_link("/proc/self/exe");
  if (!path.ok() || ::access(path.value().c_str(), X_OK) != 0) return "";
  return path.value();
}

// Where sysfs shows the interfaces of the network namespace that it was mounted in:
// sysfs-class-net, in Documentation/ABI. Each is a link from there to its device.
std::set<std::string> interface_folders() {
  const std::string root = "/sys/class/net";
  std::set<std::string> folders;
  const Result<UniqueFd> dir = sys::open(root, O_RDONLY | O_DIRECTORY);
  if (!dir.ok()) return folders;
  folders.insert(root);
  const Result<std::vector<sys::DirEntry>> entries = sys::list(dir.value());
  if (!entries.ok()) return folders;
  for (const sys::DirEntry& entry : entries.value()) {
    const Result<std::string> device = sys::read_link(root + "/" + entry.name);
    if (device.ok()) folders.emplace(parent_path(normalize_path(root, device.value())));
  }
  return folders;
}

bool setgroups_is_denied() {
  const Result<std::string> text = sys::read_file("/proc/self/setgroups", 64);
  return text.ok() && text.value().starts_with("deny");
}

}  // namespace

std::vector<CgroupParent> usable_cgroups() {
  const Result<std::string> own = sys::read_file("/proc/self/cgroup");
  const Result<std::string> mounts = sys::read_file("/proc/self/mountinfo");
  std::vector<CgroupParent> found;
  if (!own.ok() || !mounts.ok()) return found;
  const std::vector<CgroupParent> all = parse_cgroups(own.value(), mounts.value());
  for (const CgroupParent& cgroup : all) {
    const bool wanted =
        std::find(kWanted.begin(), kWanted.end(), cgroup.controller) != kWanted.end();
    if (!cgroup.v2 && wanted && may_write(cgroup.folder)) found.push_back(cgroup);
  }
  for (const CgroupParent& cgroup : all) {
    if (cgroup.v2 && found.empty()) add_unified(cgroup.folder, found);
  }
  return found;
}

Result<Machine> this_machine() {
  Machine machine;
  machine.uid = ::geteuid();
  machine.gid = ::getegid();
  CARREL_TRY(machine.working_dir, sys::real_path("."));
  machine.carrel = own_program();
  for (char** at = environ; *at != nullptr; ++at) {
    const std::string_view variable = *at;
    const std::size_t equals = variable.find('=');
    if (equals == std::string_view::npos || equals == 0) continue;
    machine.environment.try_emplace(std::string(variable.substr(0, equals)),
                                    variable.substr(equals + 1));
  }
  const auto home = machine.environment.find("HOME");
  if (home != machine.environment.end() && home->second.starts_with('/')) {
    machine.home = normalize_path("/", home->second);
  }
  struct sysinfo info{};
  if (::sysinfo(&info) == -1) return sys::failed("sysinfo", "");
  machine.memory_bytes = std::uint64_t{info.totalram} * info.mem_unit;
  machine.interface_folders = interface_folders();
  machine.may_drop_groups = machine.uid == 0 && !setgroups_is_denied();
  for (const auto resource :
       {RLIMIT_NOFILE, RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_NPROC, RLIMIT_CORE}) {
    rlimit limit{};
    if (::getrlimit(resource, &limit) == -1) return sys::failed("getrlimit", "");
    machine.hard_rlimits[static_cast<std::uint32_t>(resource)] = limit.rlim_max;
  }
  return machine;
}

}  // namespace carrel::plan
