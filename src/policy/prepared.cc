#include "policy/prepared.h"

#include "policy/builtin.h"

namespace carrel::policy {
namespace {

// What '~' and '.' stand for, as plain text or as part of a pattern.
struct Roots {
  std::string home;
  std::string working_dir;
};

std::string pattern_of(const std::string& path) {
  return path.empty() ? "" : Glob::of_literal(path).text();
}

// nullopt for an entry that means nothing here.
std::optional<std::string> expanded(std::string_view entry, const Roots& roots) {
  if (entry.front() != '~' && entry.front() != '.') return std::string(entry);
  const bool in_home = entry.front() == '~';
  const std::string& root = in_home ? roots.home : roots.working_dir;
  const std::string_view rest = entry.substr(1);
  if (in_home && (root.empty() || (rest.empty() && root == "/"))) return std::nullopt;
  if (rest.empty()) return root;
  std::string path;
  path.reserve(root.size() + rest.size());
  if (root != "/") path = root;
  return path.append(rest);
}

void add_paths(PreparedPolicy::List list, const Roots& roots, std::set<std::string>& into) {
  for (const std::string_view entry : list) {
    if (std::optional<std::string> path = expanded(entry, roots)) into.insert(*std::move(path));
  }
}

Status add_patterns(PreparedPolicy::List list, const Roots& roots, std::set<Glob>& into) {
  for (const std::string_view entry : list) {
    std::optional<std::string> text = expanded(entry, roots);
    if (!text) continue;
    const auto end = into.end();  // a good hint: they are mostly sorted already
    if (Glob::is_plain(*text)) {
      into.emplace_hint(end, Glob::Plain{*std::move(text)});
      continue;
    }
    CARREL_TRY(Glob glob, Glob::take(*std::move(text)));
    into.insert(end, std::move(glob));
  }
  return Unit{};
}

}  // namespace

Result<Policy> expand(const PreparedPolicy& prepared, const PathContext& context) {
  Policy policy;
  policy.hostname = prepared.hostname;
  const Roots paths{context.home, context.working_dir};
  add_paths(prepared.write, paths, policy.files.write);
  add_paths(prepared.read, paths, policy.files.read);
  add_paths(prepared.scratch, paths, policy.files.scratch);
  const Roots patterns{pattern_of(context.home), pattern_of(context.working_dir)};
  CARREL_CHECK(add_patterns(prepared.hide, patterns, policy.files.hide));
  CARREL_CHECK(add_patterns(prepared.protect, patterns, policy.files.protect));
  for (const std::string_view name : prepared.protect_names) {
    CARREL_TRY(Glob glob, Glob::parse(name));
    policy.files.protect_names.insert(policy.files.protect_names.end(), std::move(glob));
  }
  policy.files.dependencies.insert(prepared.dependencies.begin(), prepared.dependencies.end());
  policy.environment.pass.insert(prepared.pass.begin(), prepared.pass.end());
  for (const auto& [name, value] : prepared.set) policy.environment.set.emplace(name, value);
  policy.limits = prepared.limits;
  for (const std::string_view text : prepared.allow) {
    CARREL_TRY(HostRule rule, HostRule::parse(text));
    policy.network.allow.insert(std::move(rule));
  }
  policy.network.unix_sockets = prepared.unix_sockets;
  policy.system_calls.deny.insert(prepared.denied_calls.begin(), prepared.denied_calls.end());
  settle(policy);
  return policy;
}

}  // namespace carrel::policy
