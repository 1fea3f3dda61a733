#include "plan/grants.h"

#include <sys/stat.h>

#include "base/path.h"
#include "sys/files.h"

namespace carrel::plan {
namespace {

constexpr int kMaxLinks = 8;  // of the system's layout; more is a loop

bool is_system_layout(const std::string& folder) { return folder.empty() || folder == "/var"; }

Error missing(const std::string& path, const std::string& rule) {
  return Error{Errc::kNotFound, rule + ": " + printable(path) +
                                    " does not exist; create it first, or take it out: nothing "
                                    "is granted in its place"};
}

Error is_link(const std::string& link, const std::string& path, const std::string& rule) {
  const Result<std::string> target = sys::real_path(path);
  std::string message = rule + ": " + printable(path);
  message +=
      link == path ? " is a symbolic link" : " leads through the symbolic link " + printable(link);
  message += "; links are not followed, as whoever can change one would change the policy";
  if (target.ok()) message += "; write the real path instead: " + printable(target.value());
  return Error{Errc::kInvalid, message};
}

Result<Place> resolve(const std::string& path, const std::string& rule, LastLink last_link,
                      int links) {
  std::string real;
  const auto components = path_components(path);
  for (std::size_t i = 0; i < components.size(); ++i) {
    const std::string next = real + "/" + std::string(components[i]);
    CARREL_TRY(const auto info, sys::lstat_if_exists(next));
    if (!info.has_value()) return missing(path, rule);
    if (!S_ISLNK(info->st_mode)) {
      real = next;
      continue;
    }
    const bool last = i + 1 == components.size();
    const bool followed = is_system_layout(real) && (!last || last_link == LastLink::kSystem);
    if (!followed || links == 0) return is_link(next, path, rule);
    CARREL_TRY(const std::string target, sys::read_link(next));
    std::string rest = normalize_path(real.empty() ? "/" : real, target);
    for (std::size_t j = i + 1; j < components.size(); ++j) {
      rest += "/" + std::string(components[j]);
    }
    return resolve(normalize_path("/", rest), rule, last_link, links - 1);
  }
  if (real.empty()) real = "/";
  CARREL_TRY(const auto info, sys::lstat_if_exists(real));
  if (!info.has_value()) return missing(path, rule);
  if (S_ISDIR(info->st_mode)) return Place{real, EntryKind::kFolder};
  if (S_ISREG(info->st_mode)) return Place{real, EntryKind::kFile};
  return Error{Errc::kInvalid, rule + ": " + printable(path) +
                                   " is neither a folder nor a regular file; name its folder"};
}

}  // namespace

Result<Place> resolve_grant(const std::string& path, const std::string& rule, LastLink last_link) {
  return resolve(path, rule, last_link, kMaxLinks);
}

}  // namespace carrel::plan
