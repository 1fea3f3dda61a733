// Where this process's cgroups are: cgroups(7), proc(5) on /proc/PID/mountinfo.
#include <algorithm>
#include <charconv>

#include "base/path.h"
#include "plan/machine.h"

namespace carrel::plan {
namespace {

struct CgroupMount {
  std::string root;   // the folder of the hierarchy that is mounted
  std::string point;  // where
  bool v2 = false;
  std::vector<std::string> controllers;  // v1: from the superblock's options
};

// proc(5): a space, tab, newline or backslash in a path is \ooo, octal.
std::string unescaped(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    int byte = 0;
    const bool escaped = text[i] == '\\' && i + 3 < text.size() &&
                         std::from_chars(&text[i + 1], &text[i + 4], byte, 8).ptr == &text[i + 4];
    out += escaped ? static_cast<char>(byte) : text[i];
    if (escaped) i += 3;
  }
  return out;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (bool more = true; more;) {
    const std::size_t at = text.find(separator);
    more = at != std::string_view::npos;
    parts.emplace_back(text.substr(0, at));
    text.remove_prefix(more ? at + 1 : text.size());
  }
  return parts;
}

// "36 35 98:0 /root /point opts - type source superopts"
std::vector<CgroupMount> cgroup_mounts(std::string_view mountinfo) {
  std::vector<CgroupMount> mounts;
  for (const std::string& line : split(mountinfo, '\n')) {
    const std::vector<std::string> fields = split(line, ' ');
    const auto dash = std::find(fields.begin(), fields.end(), "-");
    if (fields.size() < 6 || fields.end() - dash < 4) continue;
    const std::string& type = *(dash + 1);
    if (type != "cgroup" && type != "cgroup2") continue;
    mounts.push_back(
        {unescaped(fields[3]), unescaped(fields[4]), type == "cgroup2", split(*(dash + 3), ',')});
  }
  return mounts;
}

// The folder below the mount point, if the hierarchy's `path` is mounted at all.
std::string folder_of(const CgroupMount& mount, const std::string& path) {
  // "/..": in a cgroup above this namespace's root, which no path here reaches.
  if (path.starts_with("/..") || !is_within(path, mount.root)) return "";
  const std::string below = mount.root == "/" ? path : path.substr(mount.root.size());
  return normalize_path(mount.point, "." + below);
}

}  // namespace

std::vector<CgroupParent> parse_cgroups(std::string_view proc_cgroup, std::string_view mountinfo) {
  const std::vector<CgroupMount> mounts = cgroup_mounts(mountinfo);
  std::vector<CgroupParent> found;
  for (const std::string& line : split(proc_cgroup, '\n')) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string names = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    for (const CgroupMount& mount : mounts) {
      for (const std::string& name : split(names, ',')) {
        const bool same = mount.v2 ? names.empty()
                                   : std::find(mount.controllers.begin(), mount.controllers.end(),
                                               name) != mount.controllers.end();
        const std::string folder = same ? folder_of(mount, path) : "";
        if (!folder.empty()) found.push_back({name, folder, mount.v2});
      }
    }
  }
  return found;
}

}  // namespace carrel::plan
