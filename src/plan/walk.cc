#include "plan/walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <unordered_map>

#include "base/path.h"
#include "sys/error.h"
#include "sys/files.h"

namespace carrel::plan {
namespace {

using policy::Glob;

std::string below(const std::string& folder, const std::string& name) {
  return folder == "/" ? "/" + name : folder + "/" + name;
}

// The place that `path` really is; nullopt where nothing is (a dangling link).
Result<std::optional<Place>> real_place(const std::string& path) {
  struct stat there{};
  if (::lstat(path.c_str(), &there) == -1 && (errno == ENOENT || errno == ENOTDIR)) {
    return std::optional<Place>();  // most of a long list of credential stores
  }
  Result<std::string> real = sys::real_path(path);
  if (!real.ok()) {
    const int code = real.error().sys_errno;
    if (code == ENOENT || code == ENOTDIR || code == ELOOP || code == EACCES) {
      return std::optional<Place>();
    }
    return std::move(real).error();
  }
  CARREL_TRY(const auto info, sys::lstat_if_exists(real.value()));
  if (!info.has_value()) return std::optional<Place>();
  const EntryKind kind = S_ISDIR(info->st_mode) ? EntryKind::kFolder : EntryKind::kFile;
  return std::optional(Place{std::move(real).value(), kind});
}

bool is_folder(const UniqueFd& dir, const sys::DirEntry& entry) {
  if (entry.type != DT_UNKNOWN) return entry.type == DT_DIR;
  struct stat info{};
  return ::fstatat(dir.get(), entry.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISDIR(info.st_mode);
}

bool cannot_look(const Error& error) {
  return error.sys_errno == EACCES || error.sys_errno == EPERM;
}

// Opens a folder to list it. nullopt if it is gone or no folder any more.
Result<std::optional<UniqueFd>> open_folder(const std::string& path) {
  Result<UniqueFd> dir = sys::open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (dir.ok()) return std::optional(std::move(dir).value());
  const int code = dir.error().sys_errno;
  if (code == ENOENT || code == ENOTDIR || code == ELOOP) return std::optional<UniqueFd>();
  return std::move(dir).error();
}

Status collect_matches(const Glob& pattern, const std::string& folder, std::vector<Place>& found) {
  Result<std::optional<UniqueFd>> opened = open_folder(folder);
  if (!opened.ok()) {
    if (!cannot_look(opened.error())) return std::move(opened).error();
    found.push_back({folder, EntryKind::kFolder});
    return Unit{};
  }
  const std::optional<UniqueFd> dir = std::move(opened).value();
  if (!dir.has_value()) return Unit{};
  CARREL_TRY(const std::vector<sys::DirEntry> entries, sys::list(*dir));
  for (const sys::DirEntry& entry : entries) {
    const std::string path = below(folder, entry.name);
    if (pattern.matches(path)) {
      // /bin and its like: what they lead to has a name of its own here.
      if (folder == "/" && entry.type == DT_LNK) continue;
      CARREL_TRY(std::optional<Place> place, real_place(path));
      if (place.has_value()) found.push_back(*std::move(place));
    } else if (is_folder(*dir, entry) && pattern.may_match_below(path)) {
      CARREL_CHECK(collect_matches(pattern, path, found));
    }
  }
  return Unit{};
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

// What git keeps where nobody executes anything, and a lot of it.
bool is_git_store(std::string_view holder, std::string_view name) {
  return holder == ".git" && (name == "objects" || name == "refs" || name == "logs" ||
                              name == "lfs" || name == "rr-cache");
}

class ProtectedScan {
 public:
  ProtectedScan(const std::set<Glob>& names, const std::set<std::string>& skip) : skip_(skip) {
    for (const Glob& name : names) {
      if (name.text().starts_with(".git/")) guards_git_ = true;
      Result<Glob> anywhere = Glob::parse("**/" + lower(name.text()));
      if (anywhere.ok()) add(std::move(anywhere).value());
    }
  }

  // `components`: of `folder` below the root, in lower case.
  Status walk(const std::string& folder, std::vector<std::string>& components) {
    Result<std::optional<UniqueFd>> opened = open_folder(folder);
    if (!opened.ok())
      return cannot_look(opened.error()) ? Status(Unit{}) : std::move(opened).error();
    const std::optional<UniqueFd> dir = std::move(opened).value();
    if (!dir.has_value()) return Unit{};
    CARREL_TRY(const std::vector<sys::DirEntry> entries, sys::list(*dir));
    for (const sys::DirEntry& entry : entries) {
      const std::string path = below(folder, entry.name);
      if (skip_.contains(path)) continue;
      components.push_back(lower(entry.name));
      CARREL_TRY(const bool taken, take(path, components));
      const bool store = components.size() > 1 &&
                         is_git_store(components[components.size() - 2], components.back());
      if (!taken && !store && is_folder(*dir, entry)) CARREL_CHECK(walk(path, components));
      components.pop_back();
    }
    return Unit{};
  }

  [[nodiscard]] std::vector<ProtectedName> found() && { return std::move(found_); }

 private:
  void add(Glob pattern) {
    const std::string& text = pattern.text();
    const std::string last = text.substr(text.rfind('/') + 1);
    const bool literal = last.find_first_of("*?[\\") == std::string::npos;
    if (literal) {
      by_last_[last].push_back(pattern);
    } else {
      wild_.push_back(pattern);
    }
  }

  Result<bool> take(const std::string& path, const std::vector<std::string>& components) {
    if (components.back() == ".git" && guards_git_) {
      // The pointer of a worktree or a submodule: a file that names a repository.
      CARREL_TRY(std::optional<Place> place, real_place(path));
      if (!place.has_value() || place->kind == EntryKind::kFolder) return false;
      found_.push_back({*std::move(place), {}});
      return true;
    }
    const auto same_last = by_last_.find(components.back());
    const bool worth = same_last != by_last_.end() || !wild_.empty();
    if (!worth) return false;
    const std::vector<std::string_view> views(components.begin(), components.end());
    const Glob* match = nullptr;
    if (same_last != by_last_.end()) match = first_match(same_last->second, views);
    if (match == nullptr) match = first_match(wild_, views);
    if (match == nullptr) return false;
    CARREL_TRY(std::optional<Place> place, real_place(path));
    if (!place.has_value()) return true;
    std::vector<std::string> holding = holders(path, *match);
    // What a link leads to stays in its place only if no folder above it moves.
    if (place->path != path) holding = folders_above(place->path);
    found_.push_back({*std::move(place), std::move(holding)});
    return true;
  }

  static const Glob* first_match(const std::vector<Glob>& patterns,
                                 const std::vector<std::string_view>& components) {
    const auto at = std::find_if(patterns.begin(), patterns.end(),
                                 [&](const Glob& glob) { return glob.matches(components); });
    return at == patterns.end() ? nullptr : &*at;
  }

  static std::vector<std::string> folders_above(const std::string& path) {
    std::vector<std::string> folders;
    for (std::string_view at = parent_path(path); at != "/"; at = parent_path(at)) {
      folders.emplace_back(at);
    }
    return folders;
  }

  // As many parents of `path` as `pattern` has components after its "**/" and
  // before its last.
  static std::vector<std::string> holders(const std::string& path, const Glob& pattern) {
    const auto depth = std::count(pattern.text().begin(), pattern.text().end(), '/') - 1;
    std::vector<std::string> folders;
    std::string_view at = path;
    for (auto i = depth; i > 0; --i) {
      at = parent_path(at);
      folders.emplace_back(at);
    }
    return folders;
  }

  const std::set<std::string>& skip_;
  bool guards_git_ = false;
  std::unordered_map<std::string, std::vector<Glob>> by_last_;
  std::vector<Glob> wild_;
  std::vector<ProtectedName> found_;
};

}  // namespace

Result<std::vector<Place>> find_matches(const Glob& pattern) {
  std::vector<Place> found;
  if (pattern.is_literal()) {
    CARREL_TRY(std::optional<Place> place, real_place(pattern.literal()));
    if (place.has_value()) found.push_back(*std::move(place));
    return found;
  }
  CARREL_TRY(const std::optional<Place> start, real_place(pattern.literal_prefix()));
  if (!start.has_value() || start->kind != EntryKind::kFolder) return found;
  CARREL_CHECK(collect_matches(pattern, pattern.literal_prefix(), found));
  return found;
}

Result<std::vector<ProtectedName>> find_protected(const std::string& root,
                                                  const std::set<Glob>& names,
                                                  const std::set<std::string>& skip) {
  ProtectedScan scan(names, skip);
  std::vector<std::string> components;
  CARREL_CHECK(scan.walk(root, components));
  return std::move(scan).found();
}

}  // namespace carrel::plan
