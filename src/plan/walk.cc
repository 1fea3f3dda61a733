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

// The place that `path` really is; nullopt where nothing is (a dangling link). A
// folder on the way that may not be searched stands for what is in it: its owner
// could open it again.
Result<std::optional<Place>> real_place(const std::string& path) {
  struct stat there{};
  if (::lstat(path.c_str(), &there) == -1) {
    if (errno == ENOENT || errno == ENOTDIR) return std::optional<Place>();  // the most common
    if (errno == EACCES && path != "/") return real_place(std::string(parent_path(path)));
  } else if (!S_ISLNK(there.st_mode) && sys::open_no_symlinks(path, O_PATH | O_NOFOLLOW).ok()) {
    return std::optional(
        Place{path, S_ISDIR(there.st_mode) ? EntryKind::kFolder : EntryKind::kFile});
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

bool is_folder(const std::string& folder, const sys::DirEntry& entry) {
  if (entry.type != DT_UNKNOWN) return entry.type == DT_DIR;
  struct stat info{};
  return ::lstat(below(folder, entry.name).c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

enum class Look : std::uint8_t { kListed, kGone, kForbidden };

struct Listing {
  Look look = Look::kListed;
  std::vector<sys::DirEntry> entries;
};

// No descriptor stays open: trees are as deep as somebody made them.
Result<Listing> list_folder(const std::string& path) {
  Result<UniqueFd> dir = sys::open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  Result<std::vector<sys::DirEntry>> entries =
      dir.ok() ? sys::list(dir.value()) : Result<std::vector<sys::DirEntry>>(dir.error());
  if (entries.ok()) return Listing{Look::kListed, std::move(entries).value()};
  switch (entries.error().sys_errno) {
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
      return Listing{Look::kGone, {}};
    case EACCES:
    case EPERM:
      return Listing{Look::kForbidden, {}};
    default:
      return std::move(entries).error();
  }
}

bool holds_grant(const std::string& folder, const std::vector<std::string>& grants) {
  return std::any_of(grants.begin(), grants.end(),
                     [&](const std::string& grant) { return is_within(grant, folder); });
}

bool is_granted(const std::string& path, const std::vector<std::string>& grants) {
  return std::any_of(grants.begin(), grants.end(),
                     [&](const std::string& grant) { return is_within(path, grant); });
}

enum class Above : std::uint8_t { kOpen, kMatched };

// `name` is what the pattern calls the folder, `folder` what it really is. Below a
// matched folder only what a grant opens again is looked at.
Status collect_matches(const Glob& pattern, const std::vector<std::string>& grants, Above above,
                       const std::string& name, const std::string& folder,
                       std::vector<Place>& found) {
  CARREL_TRY(const Listing listing, list_folder(folder));
  if (listing.look == Look::kForbidden) found.push_back({folder, EntryKind::kFolder});
  for (const sys::DirEntry& entry : listing.entries) {
    const std::string path = below(name, entry.name);
    const std::string real = below(folder, entry.name);
    const bool leads_to_grant = holds_grant(real, grants);
    if (above == Above::kMatched && !leads_to_grant && !is_granted(real, grants)) continue;
    Above here = above;
    if (pattern.matches(path)) {
      // /bin and its like: what they lead to has a name of its own here.
      if (folder == "/" && entry.type == DT_LNK) continue;
      CARREL_TRY(std::optional<Place> place, real_place(real));
      if (place.has_value()) found.push_back(*std::move(place));
      if (!leads_to_grant) continue;
      here = Above::kMatched;
    }
    if (is_folder(folder, entry) && pattern.may_match_below(path)) {
      CARREL_CHECK(collect_matches(pattern, grants, here, path, real, found));
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
  ProtectedScan(const std::vector<std::string>& roots, const policy::FilesPolicy& files,
                const std::set<std::string>& skip)
      : roots_(roots), dependencies_(files.dependencies), skip_(skip) {
    for (const Glob& name : files.protect_names) {
      std::string text = lower(name.text());
      const std::size_t slash = text.find('/');
      if (slash != std::string::npos) first_names_.insert(text.substr(0, slash));
      if (is_gits(text)) guards_git_ = true;
      add(std::move(text));
    }
  }

  Status run() {
    for (const std::string& root : roots_) {
      std::vector<std::string> components;
      for (const std::string_view component : path_components(root)) {
        components.push_back(lower(component));
      }
      CARREL_CHECK(walk(root, components, In::kOwn));
    }
    return Unit{};
  }

  [[nodiscard]] std::vector<ProtectedName> found() && { return std::move(found_); }

 private:
  enum class In : std::uint8_t { kOwn, kDependencies };

  // `components`: of `folder`, or of the link that it was entered through, in lower case.
  Status walk(const std::string& folder, std::vector<std::string>& components, In in) {
    CARREL_TRY(const Listing listing, list_folder(folder));
    if (listing.look == Look::kForbidden) {
      found_.push_back({{folder, EntryKind::kFolder}, {}});  // its owner could open it again
    }
    for (const sys::DirEntry& entry : listing.entries) {
      const std::string path = below(folder, entry.name);
      if (skip_.contains(path)) continue;
      components.push_back(lower(entry.name));
      const bool is_dir = is_folder(folder, entry);
      CARREL_TRY(const bool taken, take(path, components, is_dir, in));
      const bool store = components.size() > 1 &&
                         is_git_store(components[components.size() - 2], components.back());
      if (!taken && !store) {
        const In below = dependencies_.contains(entry.name) ? In::kDependencies : in;
        CARREL_CHECK(is_dir ? walk(path, components, below) : follow(path, components, in));
      }
      components.pop_back();
    }
    return Unit{};
  }

  // Into a folder that has one of the first names through a link: git takes
  // ".git -> store" for its folder. Once only, wherever links lead round.
  Status follow(const std::string& link, std::vector<std::string>& components, In in) {
    if (!first_names_.contains(components.back())) return Unit{};
    CARREL_TRY(std::optional<Place> place, real_place(link));
    if (!place.has_value() || place->path == link || place->kind != EntryKind::kFolder) {
      return Unit{};
    }
    hold_links(link);
    if (!is_granted(place->path, roots_)) return Unit{};
    if (!followed_.emplace(place->path, components.back()).second) return Unit{};
    return walk(place->path, components, in);
  }

  // Pointed elsewhere, a link would be another file by the same name.
  void hold_links(const std::string& path) {
    for (std::string& link : find_links(path)) {
      found_.push_back({{std::move(link), EntryKind::kLink}, {}});
    }
  }

  static bool is_gits(std::string_view pattern) { return pattern.starts_with(".git/"); }

  // Patterns by their last component, if that is literal. Most never meet a path
  // that ends like them, so each is parsed when it does.
  struct Name {
    std::string text;
    std::optional<Glob> pattern;

    const Glob* glob() {
      if (!pattern) {
        Result<Glob> parsed = Glob::parse("**/" + text);
        if (!parsed.ok()) return nullptr;
        pattern = std::move(parsed).value();
      }
      return &*pattern;
    }
  };

  void add(std::string text) {
    const std::string last = text.substr(text.rfind('/') + 1);
    const bool literal = last.find_first_of("*?[\\") == std::string::npos;
    (literal ? by_last_[last] : wild_).push_back({std::move(text), std::nullopt});
  }

  Result<bool> take(const std::string& path, const std::vector<std::string>& components,
                    bool is_dir, In in) {
    const auto same_last = by_last_.find(components.back());
    const bool pointer = guards_git_ && !is_dir && components.back() == ".git";
    if (same_last == by_last_.end() && wild_.empty() && !pointer) return false;
    const std::vector<std::string_view> views(components.begin(), components.end());
    const Name* match = nullptr;
    if (same_last != by_last_.end()) match = first_match(same_last->second, views, in);
    if (match == nullptr) match = first_match(wild_, views, in);
    // A file ".git" is the pointer of a worktree or submodule: it names a repository.
    if (match == nullptr && !pointer) return false;
    CARREL_TRY(std::optional<Place> place, real_place(path));
    const bool is_folder = place.has_value() && place->kind == EntryKind::kFolder;
    if (match == nullptr && is_folder) return false;
    if (!place.has_value() || place->path != path) hold_links(path);
    if (!place.has_value()) return true;
    std::vector<std::string> holding =
        match == nullptr ? std::vector<std::string>() : holders(path, views, match->text);
    // What a link leads to stays in its place only if no folder above it moves.
    if (place->path != path) {
      for (std::string_view at = parent_path(place->path); at != "/"; at = parent_path(at)) {
        holding.emplace_back(at);
      }
    }
    found_.push_back({*std::move(place), std::move(holding)});
    return true;
  }

  static const Name* first_match(std::vector<Name>& names,
                                 const std::vector<std::string_view>& components, In in) {
    for (Name& name : names) {
      if (in == In::kDependencies && !is_gits(name.text)) continue;
      const Glob* const glob = name.glob();
      if (glob != nullptr && glob->matches(components)) return &name;
    }
    return nullptr;
  }

  // The folders of `path` from the outermost that the pattern `name` speaks of.
  static std::vector<std::string> holders(const std::string& path,
                                          const std::vector<std::string_view>& components,
                                          const std::string& name) {
    std::vector<std::string> folders;
    const Result<Glob> pattern = Glob::parse(name);
    if (!pattern.ok()) return folders;
    for (std::size_t first = 0; first < components.size(); ++first) {
      const std::vector<std::string_view> tail(
          components.begin() + static_cast<std::ptrdiff_t>(first), components.end());
      if (!pattern.value().matches(tail)) continue;
      std::string_view at = path;
      for (std::size_t i = first + 1; i < components.size(); ++i) {
        at = parent_path(at);
        folders.emplace_back(at);
      }
      break;
    }
    return folders;
  }

  const std::vector<std::string>& roots_;
  const std::set<std::string>& dependencies_;
  const std::set<std::string>& skip_;
  std::set<std::string> first_names_;                       // ".git" of ".git/hooks"
  std::set<std::pair<std::string, std::string>> followed_;  // a folder, and its name as a link
  bool guards_git_ = false;
  std::unordered_map<std::string, std::vector<Name>> by_last_;
  std::vector<Name> wild_;
  std::vector<ProtectedName> found_;
};

}  // namespace

Result<std::vector<Place>> find_matches(const Glob& pattern,
                                        const std::vector<std::string>& grants) {
  std::vector<Place> found;
  if (pattern.is_literal()) {
    CARREL_TRY(std::optional<Place> place, real_place(pattern.literal()));
    if (place.has_value()) found.push_back(*std::move(place));
    return found;
  }
  const std::string& prefix = pattern.literal_prefix();
  CARREL_TRY(std::optional<Place> start, real_place(prefix));
  if (!start.has_value() || start->kind != EntryKind::kFolder) return found;
  Above above = Above::kOpen;
  if (pattern.matches(prefix)) {
    found.push_back(*start);  // "a/**" is also "a"
    if (!holds_grant(start->path, grants)) return found;
    above = Above::kMatched;
  }
  CARREL_CHECK(collect_matches(pattern, grants, above, prefix, start->path, found));
  return found;
}

std::vector<std::string> find_links(const std::string& path) {
  constexpr std::size_t kMaxLinks = 40;  // path_resolution(7)
  std::vector<std::string> links;
  std::string place = "/";
  std::vector<std::string> ahead;  // the next one last
  const auto prepend = [&](std::string_view text) {
    const auto names = path_components(text);
    ahead.insert(ahead.end(), names.rbegin(), names.rend());
  };
  for (prepend(path); !ahead.empty() && links.size() < kMaxLinks;) {
    const std::string name = std::move(ahead.back());
    ahead.pop_back();
    if (name == ".") continue;
    if (name == "..") {
      place = parent_path(place);
      continue;
    }
    const std::string at = below(place, name);
    const Result<std::string> text = sys::read_link(at);
    if (!text.ok()) {
      place = at;
      continue;
    }
    links.push_back(at);
    if (text.value().starts_with('/')) place = "/";
    prepend(text.value());
  }
  return links;
}

Result<std::vector<ProtectedName>> find_protected(const std::vector<std::string>& roots,
                                                  const policy::FilesPolicy& files,
                                                  const std::set<std::string>& skip) {
  ProtectedScan scan(roots, files, skip);
  CARREL_CHECK(scan.run());
  return std::move(scan).found();
}

}  // namespace carrel::plan
