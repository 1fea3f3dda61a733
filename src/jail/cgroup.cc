#include "jail/cgroup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "base/path.h"
#include "sys/error.h"
#include "sys/files.h"

namespace carrel::jail {
namespace {

constexpr char kPrefix[] = "carrel-";
constexpr int kRemoveTries = 100;
constexpr timespec kRemovePause{0, 10'000'000};

// Older kernels, or kernels without swap accounting, lack these.
bool may_be_absent(const std::string& file) {
  return file == "memory.memsw.limit_in_bytes" || file == "memory.swap.max" ||
         file == "memory.oom.group";
}

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// The value of `key` in a file of "key value" lines, or the whole file for "".
std::uint64_t count_in(const std::string& path, std::string_view key) {
  const Result<std::string> text = sys::read_file(path, 64 << 10);
  if (!text.ok()) return 0;
  if (key.empty()) return number(text.value());
  std::string_view rest = text.value();
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (line.starts_with(key) && line.size() > key.size() && line[key.size()] == ' ') {
      return number(line.substr(key.size() + 1));
    }
  }
  return 0;
}

bool is_alive(std::string_view pid) {
  return ::access(("/proc/" + std::string(pid)).c_str(), F_OK) == 0;
}

// "carrel-PID" of a carrel that was killed before it could tidy up.
void remove_stale(const std::string& parent) {
  const Result<UniqueFd> dir = sys::open(parent, O_RDONLY | O_DIRECTORY);
  if (!dir.ok()) return;
  const Result<std::vector<sys::DirEntry>> entries = sys::list(dir.value());
  if (!entries.ok()) return;
  for (const sys::DirEntry& entry : entries.value()) {
    const std::string_view name = entry.name;
    if (!name.starts_with(kPrefix) || name == plan::kSupervisors) continue;
    // rmdir(2) refuses a cgroup that still has processes: nothing alive is lost.
    if (!is_alive(name.substr(sizeof kPrefix - 1))) ::rmdir((parent + "/" + entry.name).c_str());
  }
}

// A v2 cgroup that has processes hands no controllers down: they move into a
// folder of their own first (cgroup-v2.rst, "No Internal Process Constraint").
Status hand_down(const std::string& parent, const std::set<std::string>& controllers) {
  std::string text;
  for (const std::string& controller : controllers) text += "+" + controller + " ";
  const std::string file = parent + "/cgroup.subtree_control";
  Status handed = sys::write_existing(file, text);
  if (handed.ok() || handed.error().sys_errno != EBUSY) return handed;
  const std::string aside = parent + "/" + std::string(plan::kSupervisors);
  if (::mkdir(aside.c_str(), 0755) == -1 && errno != EEXIST) return sys::failed("mkdir", aside);
  CARREL_TRY(const std::string pids, sys::read_file(parent + "/cgroup.procs"));
  std::string_view rest = pids;
  while (!rest.empty()) {
    const std::string_view pid = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(pid.size() + 1, rest.size()));
    const Status moved = sys::write_existing(aside + "/cgroup.procs", pid);
    if (!moved.ok() && moved.error().sys_errno != ESRCH) return moved;
  }
  return sys::write_existing(file, text);
}

class Maker {
 public:
  Maker(const plan::LimitPlan& limits, const plan::Machine& machine)
      : limits_(limits), machine_(machine) {}

  Result<std::vector<std::string>> make() {
    for (const plan::CgroupParent& parent : machine_.cgroups) {
      if (!wanted(parent.controller)) continue;
      const Status made = make_in(parent);
      if (!made.ok()) return fail(made.error());
    }
    for (const auto& setting : limits_.cgroup) {
      const Status written = write(setting);
      if (!written.ok()) return fail(written.error());
    }
    return std::move(folders_);
  }

 private:
  [[nodiscard]] bool wanted(const std::string& controller) const {
    return std::any_of(limits_.cgroup.begin(), limits_.cgroup.end(),
                       [&](const auto& setting) { return setting.controller == controller; });
  }

  Error fail(Error error) {
    remove_cgroups(folders_);
    return std::move(error).in("make the sandbox's cgroup");
  }

  Status make_in(const plan::CgroupParent& parent) {
    const std::string folder = parent.folder + "/" + kPrefix + std::to_string(::getpid());
    by_controller_[parent.controller] = folder;
    if (std::find(folders_.begin(), folders_.end(), folder) != folders_.end()) {
      return Unit{};  // one v2 folder, or v1 controllers mounted together
    }
    remove_stale(parent.folder);
    if (parent.v2) CARREL_CHECK(hand_down(parent.folder, v2_controllers(parent.folder)));
    // One of this very process ID is left from a run that was killed.
    if (::mkdir(folder.c_str(), 0755) == -1 &&
        (errno != EEXIST || ::rmdir(folder.c_str()) == -1 || ::mkdir(folder.c_str(), 0755) == -1)) {
      return sys::failed("mkdir", folder);
    }
    folders_.push_back(folder);
    return Unit{};
  }

  [[nodiscard]] std::set<std::string> v2_controllers(const std::string& folder) const {
    std::set<std::string> names;
    for (const plan::CgroupParent& parent : machine_.cgroups) {
      if (parent.folder == folder && wanted(parent.controller)) names.insert(parent.controller);
    }
    return names;
  }

  Status write(const plan::LimitPlan::CgroupSetting& setting) {
    const std::string path = by_controller_[setting.controller] + "/" + setting.file;
    Status written = sys::write_existing(path, setting.value);
    if (written.ok()) return written;
    const int code = written.error().sys_errno;
    const bool absent = code == ENOENT || code == EOPNOTSUPP;
    return absent && may_be_absent(setting.file) ? Status(Unit{}) : written;
  }

  const plan::LimitPlan& limits_;
  const plan::Machine& machine_;
  std::vector<std::string> folders_;
  std::map<std::string, std::string> by_controller_;
};

}  // namespace

Result<std::vector<std::string>> make_cgroups(const plan::LimitPlan& limits,
                                              const plan::Machine& machine) {
  if (limits.cgroup.empty()) return std::vector<std::string>();
  return Maker(limits, machine).make();
}

Status join_cgroups(const std::vector<std::string>& folders, int pid) {
  for (const std::string& folder : folders) {
    Status joined = sys::write_existing(folder + "/cgroup.procs", std::to_string(pid));
    if (!joined.ok()) return std::move(joined).error().in("put the sandbox into its cgroup");
  }
  return Unit{};
}

CgroupCounts read_counts(const std::vector<std::string>& folders) {
  CgroupCounts counts;
  for (const std::string& folder : folders) {
    counts.oom_kills += count_in(folder + "/memory.events", "oom_kill");       // v2
    counts.oom_kills += count_in(folder + "/memory.oom_control", "oom_kill");  // v1
    counts.forks_refused += count_in(folder + "/pids.events", "max");
    counts.throttled += count_in(folder + "/cpu.stat", "nr_throttled");
    counts.peak_memory = std::max({counts.peak_memory, count_in(folder + "/memory.peak", ""),
                                   count_in(folder + "/memory.max_usage_in_bytes", "")});
  }
  return counts;
}

void remove_cgroups(const std::vector<std::string>& folders) {
  for (const std::string& folder : folders) {
    for (int i = 0; i < kRemoveTries; ++i) {
      if (::rmdir(folder.c_str()) == 0 || errno != EBUSY) break;
      ::nanosleep(&kRemovePause, nullptr);
    }
  }
}

}  // namespace carrel::jail
