#include "policy/from_settings.h"

#include <algorithm>
#include <array>
#include <map>

#include "base/path.h"
#include "policy/conflict.h"
#include "policy/document.h"
#include "policy/profile.h"
#include "policy/settings_keys.h"

namespace carrel::policy {
namespace {

// Places that settings files list and every sandbox has as its own, writable.
constexpr std::array<std::string_view, 8> kOwnPlaces = {
    "/dev/null",         "/dev/tty",           "/dev/stdout", "/dev/stderr",
    "/dev/dtracehelper", "/dev/autofs_nowait", "/tmp/claude", "/private/tmp/claude"};

// "src/**" means "src": a folder always stands for all below it.
std::string_view without_depth(std::string_view path) {
  while (path.ends_with("/**")) path.remove_suffix(path.size() > 3 ? 3 : 2);
  return path;
}

bool covered_by(const std::set<Glob>& globs, std::string_view path) {
  for (;; path = parent_path(path)) {
    const bool covered = std::any_of(globs.begin(), globs.end(),
                                     [&](const Glob& glob) { return glob.matches(path); });
    if (covered || path == "/") return covered;
  }
}

class SettingsReader {
 public:
  SettingsReader(Source source, const PathContext& context)
      : source_(std::move(source)), context_(context) {}

  Result<Policy> read(const Table& root) {
    CARREL_CHECK(check_settings_keys(source_, root, "at the top level", settings_root_keys()));
    CARREL_CHECK(start());
    if (const Table* filesystem = object(root, "filesystem")) {
      CARREL_CHECK(read_filesystem(*filesystem));
    }
    if (const Table* network = object(root, "network")) {
      CARREL_CHECK(read_network(*network));
    }
    if (const Table* git = object(root, "git")) {
      CARREL_CHECK(read_git(*git));
    }
    if (auto conflict = find_conflict(policy_)) return source_.error({}, conflict->problem);
    return std::move(policy_);
  }

 private:
  Status start();
  Status read_filesystem(const Table& filesystem);
  Status read_network(const Table& network);
  Status read_git(const Table& git);
  Result<std::string> literal_path(std::string_view key, std::string_view text) const;
  Result<HostRule> denied_domain(std::string_view text, const Table* reasons) const;
  void settle_files();

  // Types have been checked by check_settings_keys().
  static const Table* object(const Table& table, std::string_view key) {
    const Member* member = find_member(table, key);
    return member == nullptr ? nullptr : std::get_if<Table>(&member->value.data);
  }
  static bool is_true(const Table& table, std::string_view key) {
    const Member* member = find_member(table, key);
    return member != nullptr && std::get<bool>(member->value.data);
  }

  // Calls `take(text)`, a Status, for each string of the list `key`, if there is one.
  template <typename Take>
  Status each(const Table& table, std::string_view key, Take take) const {
    const Member* member = find_member(table, key);
    if (member == nullptr) return Unit{};
    CARREL_TRY(const Array* elements, source_.array(*member));
    for (const Value& element : *elements) {
      CARREL_TRY(const std::string_view text, source_.string_in(key, element));
      Status taken = take(text);
      if (!taken.ok()) return source_.locate(element.at, std::move(taken).error());
    }
    return Unit{};
  }

  Source source_;
  const PathContext& context_;
  Policy policy_;
};

// Everything can be read and nothing written but scratch. Protected names, the
// environment and limits are those of the default profile.
Status SettingsReader::start() {
  // Its rules about the working directory are not taken: any other does.
  CARREL_TRY(Policy base, profile("default", {context_.home, "/"}));
  policy_.files.scratch = std::move(base.files.scratch);
  policy_.files.protect_names = std::move(base.files.protect_names);
  policy_.files.dependencies = std::move(base.files.dependencies);
  policy_.environment = std::move(base.environment);
  policy_.environment.set["SANDBOX_RUNTIME"] = "1";
  policy_.limits = base.limits;
  return Unit{};
}

Result<std::string> SettingsReader::literal_path(std::string_view key,
                                                 std::string_view text) const {
  const std::string_view path = without_depth(text);
  if (path.find_first_of("*?[]") != std::string_view::npos) {
    return Error{Errc::kInvalid, "the wildcards of '" + printable(text) + "' have no meaning in " +
                                     std::string(key) +
                                     "; name the folder, all below it is included"};
  }
  return absolute_path(path, context_);
}

Status SettingsReader::read_filesystem(const Table& filesystem) {
  CARREL_CHECK(
      check_settings_keys(source_, filesystem, "in filesystem", settings_filesystem_keys()));
  FilesPolicy& files = policy_.files;
  CARREL_CHECK(each(filesystem, "allowWrite", [&](std::string_view text) -> Status {
    CARREL_TRY(std::string path, literal_path("allowWrite", text));
    if (std::find(kOwnPlaces.begin(), kOwnPlaces.end(), path) != kOwnPlaces.end()) return Unit{};
    Policy alone;
    alone.files.write = {path};
    if (Status checked = check(alone); !checked.ok()) {
      return std::move(checked).error().in("allowWrite");
    }
    files.write.insert(std::move(path));
    return Unit{};
  }));
  CARREL_CHECK(each(filesystem, "allowRead", [&](std::string_view text) -> Status {
    CARREL_TRY(std::string path, literal_path("allowRead", text));
    files.read.insert(std::move(path));
    return Unit{};
  }));
  CARREL_CHECK(each(filesystem, "denyRead", [&](std::string_view text) -> Status {
    CARREL_TRY(Glob glob, absolute_glob(without_depth(text), context_));
    files.hide.insert(std::move(glob));
    return Unit{};
  }));
  CARREL_CHECK(each(filesystem, "denyWrite", [&](std::string_view text) -> Status {
    CARREL_TRY(Glob glob, absolute_glob(without_depth(text), context_));
    files.protect.insert(std::move(glob));
    return Unit{};
  }));
  if (is_true(filesystem, "allowGitConfig")) {
    files.protect_names.erase(Glob::of_literal(".git/config"));
  }
  settle_files();
  return Unit{};
}

// Where lists meet: a grant beats a read-deny of the very same path, and a
// write-deny beats a grant at its place and below, which stays readable.
void SettingsReader::settle_files() {
  FilesPolicy& files = policy_.files;
  for (const std::string& path : files.write) {
    files.hide.erase(Glob::of_literal(path));
    files.scratch.erase(path);
    if (covered_by(files.protect, path)) files.read.insert(path);
  }
  std::erase_if(files.write, [&](const std::string& path) {
    return files.read.contains(path) && covered_by(files.protect, path);
  });
  for (const std::string& path : files.read) {
    files.hide.erase(Glob::of_literal(path));
    files.scratch.erase(path);
  }
  std::erase_if(files.read, [&](const std::string& path) {
    return path == "/" || files.write.contains(path);  // readable as it is
  });
  // What a sandbox has of its own needs no hiding, and its root cannot be hidden.
  std::erase_if(files.hide, [&](const Glob& glob) {
    return glob.is_literal() && files.scratch.contains(glob.literal());
  });
  std::erase_if(files.protect, [&](const Glob& glob) {
    return glob.is_literal() && files.scratch.contains(glob.literal());
  });
  if (files.hide.erase(Glob::of_literal("/")) != 0) {
    Result<Glob> everything = Glob::parse("/*");
    files.hide.insert(std::move(everything).value());
  }
}

Result<HostRule> SettingsReader::denied_domain(std::string_view text, const Table* reasons) const {
  CARREL_TRY(HostRule rule, HostRule::parse(text, HostRule::Any::kAccepted));
  const Member* reason = reasons == nullptr ? nullptr : find_member(*reasons, text);
  if (reason != nullptr) rule.reason = std::get<std::string>(reason->value.data);
  return rule;
}

Status SettingsReader::read_network(const Table& network) {
  CARREL_CHECK(check_settings_keys(source_, network, "in network", settings_network_keys()));
  const Table* reasons = object(network, "deniedDomainReasons");
  for (const Member& reason : reasons == nullptr ? Table{} : *reasons) {
    CARREL_TRY(const std::string_view text, source_.string(reason));
    if (text.empty() || printable(text) != text) {
      return source_.error(reason.value.at,
                           "a reason is one line of printable text; write what to do instead");
    }
  }

  std::map<std::string, HostRule> denied;
  const auto deny = [&](HostRule rule) {
    const auto [known, is_new] = denied.try_emplace(rule.text(), rule);
    // One entry written in two spellings: either reason will do, but always the same one.
    if (!is_new && known->second < rule) known->second = std::move(rule);
  };
  CARREL_CHECK(each(network, "deniedDomains", [&](std::string_view text) -> Status {
    CARREL_TRY(HostRule rule, denied_domain(text, reasons));
    deny(std::move(rule));
    return Unit{};
  }));
  CARREL_CHECK(each(network, "deniedResolvedAddresses", [&](std::string_view text) -> Status {
    CARREL_TRY(const Cidr addresses, Cidr::parse(text));
    deny(HostRule{addresses, std::nullopt, {}});
    return Unit{};
  }));
  CARREL_CHECK(each(network, "allowedDomains", [&](std::string_view text) -> Status {
    CARREL_TRY(HostRule rule, HostRule::parse(text));
    if (!denied.contains(rule.text())) policy_.network.allow.insert(std::move(rule));
    return Unit{};
  }));
  for (auto& [text, rule] : denied) policy_.network.deny.insert(std::move(rule));
  if (is_true(network, "allowAllUnixSockets")) policy_.network.unix_sockets = UnixSockets::kAll;
  return Unit{};
}

// git takes settings from its environment, so that a folder of another owner
// can be named safe without a file.
Status SettingsReader::read_git(const Table& git) {
  constexpr std::array<std::string_view, 1> kKeys = {"safeDirectories"};
  CARREL_CHECK(source_.check_keys(git, "in git", kKeys));
  std::set<std::string> folders;
  CARREL_CHECK(each(git, "safeDirectories", [&](std::string_view text) -> Status {
    CARREL_TRY(std::string path, absolute_path(text, context_));
    folders.insert(std::move(path));
    return Unit{};
  }));
  if (folders.empty()) return Unit{};
  auto& set = policy_.environment.set;
  std::size_t count = 0;
  for (const std::string& folder : folders) {
    set["GIT_CONFIG_KEY_" + std::to_string(count)] = "safe.directory";
    set["GIT_CONFIG_VALUE_" + std::to_string(count)] = folder;
    ++count;
  }
  set["GIT_CONFIG_COUNT"] = std::to_string(count);
  return Unit{};
}

}  // namespace

Result<Policy> from_settings(std::string_view text, std::string_view source,
                             const PathContext& context) {
  CARREL_TRY(const Table root, parse_json(text, source));
  return SettingsReader(Source(source), context).read(root);
}

}  // namespace carrel::policy
