#include "policy/policy.h"

#include <algorithm>

#include "base/path.h"
#include "policy/conflict.h"

namespace carrel::policy {
namespace {

Error invalid(std::string message) { return Error{Errc::kInvalid, std::move(message)}; }

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7F;
}

// The folder that `path` starts from; takes '~' off it.
Result<std::string_view> take_base(std::string_view& path, const PathContext& context) {
  if (path.empty()) return invalid("a path is empty; write '.' for the working directory");
  if (std::any_of(path.begin(), path.end(), is_control)) {
    return invalid("the path " + in_quotes(path) + " holds a control character; remove it");
  }
  if (path.starts_with('$')) {
    return invalid("variables such as " + in_quotes(path.substr(0, path.find('/'))) +
                   " are not expanded in a path; write '~' for your home, or './$...' for a file "
                   "of that name");
  }
  if (path.starts_with('/')) return std::string_view("/");
  if (!path.starts_with('~')) return std::string_view(context.working_dir);
  if (path.size() > 1 && path[1] != '/') {
    return invalid(in_quotes(path) + " names another user's home; write its full path");
  }
  if (context.home.empty()) {
    return invalid(in_quotes(path) +
                   " needs a home directory and there is none; set HOME, or write "
                   "the full path");
  }
  path.remove_prefix(std::min<std::size_t>(2, path.size()));
  while (path.starts_with('/')) path.remove_prefix(1);
  return std::string_view(context.home);
}

// Removes ".." with the component before it; "a/*/.." has no one meaning.
Result<std::string> fold_parents(std::string_view pattern) {
  std::vector<std::string_view> kept;
  for (const std::string_view component : path_components(pattern)) {
    if (component != "..") {
      if (component != ".") kept.push_back(component);
      continue;
    }
    if (kept.empty())
      return invalid("'..' in " + in_quotes(pattern) + " leads out; write the full path");
    const Result<Glob> before = Glob::parse(kept.back());
    if (!before.ok() || !before.value().is_literal()) {
      return invalid("'..' behind a wildcard in " + in_quotes(pattern) +
                     "; write the folder itself");
    }
    kept.pop_back();
  }
  std::string out;
  for (const std::string_view component : kept) {
    if (!out.empty()) out += '/';
    out += component;
  }
  return out;
}

void erase_literals(std::set<Glob>& from, const std::set<std::string>& paths) {
  std::erase_if(
      from, [&](const Glob& glob) { return glob.is_literal() && paths.contains(glob.literal()); });
}

void erase_literals(std::set<std::string>& from, const std::set<Glob>& globs) {
  std::erase_if(from,
                [&](const std::string& path) { return globs.contains(Glob::of_literal(path)); });
}

void erase_paths(std::set<std::string>& from, const std::set<std::string>& paths) {
  std::erase_if(from, [&](const std::string& path) { return paths.contains(path); });
}

}  // namespace

Result<std::string> absolute_path(std::string_view path, const PathContext& context) {
  const std::string_view whole = path;
  CARREL_TRY(const std::string_view base, take_base(path, context));
  if (path.find_first_of("*?") != std::string_view::npos) {
    return invalid("wildcards have no meaning in " + in_quotes(whole) +
                   "; name the folder, all below it is included");
  }
  return normalize_path(base, path);
}

Result<Glob> absolute_glob(std::string_view pattern, const PathContext& context) {
  const std::string_view whole = pattern;
  CARREL_TRY(const std::string_view base, take_base(pattern, context));
  if (pattern.find_first_of("*?[\\") == std::string_view::npos) {
    return Glob::of_literal(normalize_path(base, pattern));
  }
  const std::string folder = Glob::of_literal(base).text();
  CARREL_TRY(const std::string folded, fold_parents(folder + "/" + std::string(pattern)));
  Result<Glob> glob = Glob::parse("/" + folded);
  if (!glob.ok()) return std::move(glob).error().in(in_quotes(whole));
  return glob;
}

FilesPolicy overlay(FilesPolicy base, const FilesPolicy& over) {
  if (over == FilesPolicy{}) return base;
  for (const auto* paths : {&over.write, &over.read, &over.scratch}) {
    erase_literals(base.hide, *paths);
    if (paths != &over.write) erase_paths(base.write, *paths);
    if (paths != &over.scratch) erase_paths(base.scratch, *paths);
    if (paths != &over.read) erase_literals(base.protect, *paths);
    if (paths != &over.read) erase_paths(base.read, *paths);
  }
  for (auto* paths : {&base.write, &base.read, &base.scratch}) erase_literals(*paths, over.hide);
  for (auto* paths : {&base.write, &base.scratch}) erase_literals(*paths, over.protect);

  base.write.insert(over.write.begin(), over.write.end());
  base.read.insert(over.read.begin(), over.read.end());
  base.hide.insert(over.hide.begin(), over.hide.end());
  base.protect.insert(over.protect.begin(), over.protect.end());
  base.protect_names.insert(over.protect_names.begin(), over.protect_names.end());
  base.dependencies.insert(over.dependencies.begin(), over.dependencies.end());
  base.scratch.insert(over.scratch.begin(), over.scratch.end());
  erase_paths(base.read, base.write);  // what may be written may be read
  return base;
}

NetworkPolicy overlay(NetworkPolicy base, const NetworkPolicy& over) {
  for (const auto* rules : {&over.allow, &over.deny}) {
    for (const HostRule& rule : *rules) {
      const auto same = [&](const HostRule& other) {
        return other.host == rule.host && other.port == rule.port;
      };
      std::erase_if(base.allow, same);
      std::erase_if(base.deny, same);
    }
  }
  base.allow.insert(over.allow.begin(), over.allow.end());
  base.deny.insert(over.deny.begin(), over.deny.end());
  base.host_ports.insert(over.host_ports.begin(), over.host_ports.end());
  base.publish.insert(over.publish.begin(), over.publish.end());
  return base;
}

bool has_network(const NetworkPolicy& network) {
  return !network.allow.empty() || !network.gateways.empty() || !network.host_ports.empty() ||
         !network.publish.empty();
}

Status check(const Policy& policy) {
  if (std::optional<Conflict> conflict = find_conflict(policy)) {
    return invalid(std::move(conflict->problem));
  }
  return Unit{};
}

}  // namespace carrel::policy
