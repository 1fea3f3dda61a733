// Finds what patterns match in the file system, without following links.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "plan/grants.h"
#include "policy/glob.h"
#include "policy/policy.h"

namespace carrel::plan {

// The existing places that `pattern` (absolute) matches, as real paths: where a
// match is a symbolic link, what it leads to. Below a matched folder nothing
// more is looked for, unless one of `grants` lies in it. A folder that cannot be
// listed counts as a match if something below it could match, and so does one
// that may not be searched for what is named in it.
[[nodiscard]] Result<std::vector<Place>> find_matches(const policy::Glob& pattern,
                                                      const std::vector<std::string>& grants = {});

// The symbolic links that `path` leads through, its last component included, each
// by its real place. As many as the kernel would follow.
[[nodiscard]] std::vector<std::string> find_links(const std::string& path);

struct ProtectedName {
  Place place;  // of EntryKind::kLink: the link itself
  // The folders that the pattern names before its last component, e.g. ".git" of
  // ".git/hooks": renamed away, they would take the protection with them.
  std::vector<std::string> holders;
};

// Everything below `roots` whose path ends in one of `names` (relative
// patterns), at any depth, spelled in any letter case; where it is a link, also
// what that leads to. Folders of `skip` and git's object stores are not entered.
// A link to a folder is, if its name is the first of a pattern (".git -> store"
// for ".git/hooks") and the folder lies in one of `roots`.
//
// What is protected by name is policy's to say: FilesPolicy::protect_names, dependencies.
[[nodiscard]] Result<std::vector<ProtectedName>> find_protected(
    const std::vector<std::string>& roots, const policy::FilesPolicy& files,
    const std::set<std::string>& skip);

}  // namespace carrel::plan
