#include "policy/from_toml.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

#include "base/path.h"
#include "policy/builtin.h"
#include "policy/conflict.h"
#include "policy/document.h"
#include "policy/format.h"
#include "policy/limits.h"
#include "policy/profile.h"
#include "policy/read_requests.h"

namespace carrel::policy {
namespace {

constexpr std::string_view kNoProfile = "none";

enum class Origin : std::uint8_t { kUser, kBuiltin };

// Reads one file. What the file itself says is kept apart from what it
// inherits until the end, so that only entries of the same file can contradict
// each other, in whatever order they stand.
class Reader {
 public:
  Reader(Source source, const PathContext& context, Origin origin)
      : source_(std::move(source)), context_(context), origin_(origin) {}

  Result<Policy> read(const Table& root) {
    CARREL_CHECK(source_.check_keys(root, "at the top level", kRootKeys));
    CARREL_CHECK(read_profile(root));
    if (const Member* member = find_member(root, "hostname")) {
      CARREL_TRY(const std::string_view hostname, source_.string(*member));
      result_.hostname = hostname;
      places_.push_back({"hostname", result_.hostname, member->value.at});
    }
    CARREL_CHECK(read_files(root));
    CARREL_CHECK(read_environment(root));
    CARREL_CHECK(read_limits(root));
    CARREL_CHECK(read_network(root));
    CARREL_CHECK(read_system_calls(root));
    return combined();
  }

 private:
  struct Place {  // where an entry of the file stands
    std::string_view list;
    std::string text;
    Position at;
  };

  Status read_profile(const Table& root);
  Status read_files(const Table& root);
  Status read_environment(const Table& root);
  Status read_limits(const Table& root);
  Status read_network(const Table& root);
  Status read_system_calls(const Table& root);
  Result<Policy> combined();

  // The table `name` with its keys checked; empty if there is none. `inherits`
  // becomes false if the table says so.
  Result<const Table*> section(const Table& root, std::string_view name,
                               std::span<const std::string_view> keys, bool& inherits);

  // Reads the list named `list` ("files.write") of the section `table`, each
  // element through `parse`, into `into`. The same element twice is an error.
  template <typename T, typename Parse>
  Status read_list(const Table& table, std::string_view list, std::set<T>& into, Parse parse);

  Status read_deny(const Table& network);
  Status check_credentials();
  Result<HostRule> deny_rule(const Value& element) const;
  [[nodiscard]] Error located(const Conflict& conflict) const;

  // A built-in entry that means nothing on this machine.
  [[nodiscard]] bool falls_away(std::string_view text) const {
    if (origin_ == Origin::kUser || !text.starts_with('~')) return false;
    return context_.home.empty() || (text == "~" && context_.home == "/");
  }

  Source source_;
  const PathContext& context_;
  Origin origin_;
  Policy result_;  // the profile, with the file's single values already in it
  Policy own_;     // the rules about files and hosts that the file itself has
  std::vector<Place> places_;
};

std::string text_of(const std::string& path) { return path; }
std::string text_of(const Glob& glob) { return glob.is_literal() ? glob.literal() : glob.text(); }
std::string text_of(const HostRule& rule) { return rule.text(); }
std::string text_of(const HostPort& port) { return port.text(); }
std::string text_of(const PublishedPort& port) { return port.text(); }

// Where a path starts from. "~/x" and "/root/x" are one place for root alone: a
// file that is right elsewhere does not repeat itself there.
enum class Root : std::uint8_t { kHome, kTop, kWorkingDir };

Root root_of(std::string_view text) {
  if (text.starts_with('~')) return Root::kHome;
  return text.starts_with('/') ? Root::kTop : Root::kWorkingDir;
}

Status Reader::read_profile(const Table& root) {
  const Member* member = find_member(root, "profile");
  std::string_view name = "default";
  if (member != nullptr) {
    CARREL_TRY(name, source_.string(*member));
  }
  if (name == kNoProfile) return Unit{};
  Result<Policy> base = profile(name, context_);
  if (!base.ok()) {
    if (member == nullptr || base.error().code != Errc::kNotFound) return std::move(base).error();
    return source_.error(member->value.at, base.error().message);
  }
  result_ = std::move(base).value();
  return Unit{};
}

Result<const Table*> Reader::section(const Table& root, std::string_view name,
                                     std::span<const std::string_view> keys, bool& inherits) {
  static const Table kEmpty;
  const Member* member = find_member(root, name);
  if (member == nullptr) return &kEmpty;
  CARREL_TRY(const Table* table, source_.table(*member));
  CARREL_CHECK(source_.check_keys(*table, "in [" + std::string(name) + "]", keys));
  if (const Member* inherit = find_member(*table, "inherit")) {
    CARREL_TRY(inherits, source_.boolean(*inherit));
  }
  return table;
}

template <typename T, typename Parse>
Status Reader::read_list(const Table& table, std::string_view list, std::set<T>& into,
                         Parse parse) {
  const std::string_view key = list.substr(list.find('.') + 1);
  const Member* member = find_member(table, key);
  if (member == nullptr) return Unit{};
  CARREL_TRY(const Array* elements, source_.array(*member));
  std::map<std::string, Root> seen;
  for (const Value& element : *elements) {
    CARREL_TRY(const std::string_view text, source_.string_in(key, element));
    if (falls_away(text)) continue;

    Result<T> parsed = parse(text);
    if (!parsed.ok()) return source_.locate(element.at, std::move(parsed).error());
    const auto [entry, is_new] = into.insert(std::move(parsed).value());
    const auto [same, first] = seen.emplace(text_of(*entry), root_of(text));
    if (is_new) {
      places_.push_back({list, text_of(*entry), element.at});
    } else if (!first && same->second == root_of(text) && origin_ == Origin::kUser) {
      return source_.error(element.at, "'" + printable(text) + "' is in " + std::string(list) +
                                           " twice; remove one of them");
    }
  }
  return Unit{};
}

Status Reader::read_files(const Table& root) {
  bool inherits = true;
  CARREL_TRY(const Table* table, section(root, "files", kFilesKeys, inherits));
  if (!inherits) result_.files = {};
  const auto path = [&](std::string_view text) { return absolute_path(text, context_); };
  const auto glob = [&](std::string_view text) { return absolute_glob(text, context_); };
  const auto name = [](std::string_view text) { return Glob::parse(text); };
  const auto same = [](std::string_view text) -> Result<std::string> { return std::string(text); };
  CARREL_CHECK(read_list(*table, "files.write", own_.files.write, path));
  CARREL_CHECK(read_list(*table, "files.read", own_.files.read, path));
  CARREL_CHECK(read_list(*table, "files.scratch", own_.files.scratch, path));
  CARREL_CHECK(read_list(*table, "files.hide", own_.files.hide, glob));
  CARREL_CHECK(read_list(*table, "files.protect", own_.files.protect, glob));
  CARREL_CHECK(read_list(*table, "files.dependencies", own_.files.dependencies, same));
  return read_list(*table, "files.protect_names", own_.files.protect_names, name);
}

Status Reader::read_environment(const Table& root) {
  bool inherits = true;
  CARREL_TRY(const Table* table, section(root, "environment", kEnvironmentKeys, inherits));
  if (!inherits) result_.environment = {};
  const auto same = [](std::string_view text) -> Result<std::string> { return std::string(text); };
  std::set<std::string> pass;
  CARREL_CHECK(read_list(*table, "environment.pass", pass, same));
  result_.environment.pass.merge(pass);
  if (const Member* member = find_member(*table, "set")) {
    CARREL_TRY(const Table* variables, source_.table(*member));
    for (const Member& variable : *variables) {
      CARREL_TRY(const std::string_view value, source_.string(variable));
      result_.environment.set[variable.key] = value;
      places_.push_back({"environment.set", variable.key, variable.at});
    }
  }
  return Unit{};
}

// Counts are integers, CPUs any number; sizes and times may also be integers.
Result<std::string> limit_text(const Source& source, const Member& member) {
  if (const auto* integer = std::get_if<std::int64_t>(&member.value.data)) {
    return std::to_string(*integer);
  }
  const bool is_count = member.key == "processes" || member.key == "open_files";
  if (is_count) return source.wrong_type(member.key, "an integer", member.value);
  if (const auto* number = std::get_if<double>(&member.value.data);
      number && member.key == "cpus") {
    std::array<char, 32> buffer{};
    const auto [end, failure] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), *number,
                                              std::chars_format::fixed);
    if (failure == std::errc{}) return std::string(buffer.data(), end);
  }
  if (const auto* text = std::get_if<std::string>(&member.value.data)) return *text;
  const std::string_view example = member.key == "cpus"        ? "a number such as 1.5"
                                   : member.key == "wall_time" ? "a string such as \"10m\""
                                                               : "a string such as \"512MiB\"";
  return source.wrong_type(member.key, example, member.value);
}

Status Reader::read_limits(const Table& root) {
  bool inherits = true;
  CARREL_TRY(const Table* table, section(root, "limits", kLimitsKeys, inherits));
  if (!inherits) result_.limits = {};
  for (const Member& member : *table) {
    if (member.key == "inherit") continue;
    if (member.key == "best_effort") {
      CARREL_TRY(result_.limits.best_effort, source_.boolean(member));
      continue;
    }
    CARREL_TRY(const std::string text, limit_text(source_, member));
    Status done = set_limit(result_.limits, member.key, text);
    if (!done.ok()) return source_.locate(member.value.at, std::move(done).error());
  }
  return Unit{};
}

Status Reader::read_network(const Table& root) {
  bool inherits = true;
  CARREL_TRY(const Table* table, section(root, "network", kNetworkKeys, inherits));
  if (!inherits) result_.network = {};
  CARREL_CHECK(read_list(*table, "network.allow", own_.network.allow,
                         [](std::string_view text) { return HostRule::parse(text); }));
  CARREL_CHECK(read_deny(*table));
  CARREL_CHECK(read_list(*table, "network.host_ports", own_.network.host_ports, HostPort::parse));
  CARREL_CHECK(read_list(*table, "network.publish", own_.network.publish, PublishedPort::parse));
  if (const Member* member = find_member(*table, "unix_sockets")) {
    constexpr std::array<std::string_view, 2> kChoices = {"none", "all"};
    CARREL_TRY(const std::string_view text, source_.string(*member));
    if (text != "none" && text != "all") {
      return source_.error(member->value.at, "unknown choice '" + printable(text) +
                                                 "' of unix_sockets; " +
                                                 suggestion(text, kChoices));
    }
    result_.network.unix_sockets = text == "all" ? UnixSockets::kAll : UnixSockets::kNone;
  }
  const auto any = [](std::string_view text) {
    return HostRule::parse(text, HostRule::Any::kAccepted);
  };
  CARREL_CHECK(read_list(*table, "network.inspect", result_.network.inspect, any));
  CARREL_CHECK(read_list(*table, "network.inspect_exclude", result_.network.inspect_exclude, any));
  CARREL_CHECK(read_requests(source_, root, context_, result_.network));
  return check_credentials();
}

// What holds a secret is not for the sandbox: its file is hidden, its variable
// does not pass, and a file that says otherwise contradicts itself.
Status Reader::check_credentials() {
  for (const Credential& credential : result_.network.credentials) {
    const std::string& from = credential.from.front();
    const std::string& placeholder = credential.placeholder_variable;
    if (!placeholder.empty() && result_.environment.set.contains(placeholder)) {
      return located({{{"environment.set", placeholder}},
                      placeholder +
                          " is in environment.set, and the placeholder_env of the "
                          "credential '" +
                          credential.name + "'; remove one of them"});
    }
    if (credential.source == Credential::Source::kVariable &&
        result_.environment.set.contains(from)) {
      return located({{{"environment.set", from}},
                      from + " is in environment.set, and holds the secret of the credential '" +
                          credential.name + "'; remove it from environment.set"});
    }
    if (credential.source != Credential::Source::kFile) continue;
    for (const auto& [list, paths] :
         {std::pair("files.read", &own_.files.read), std::pair("files.write", &own_.files.write)}) {
      if (!paths->contains(from)) continue;
      return located({{{list, from}},
                      in_quotes(from) + " is in " + list +
                          ", and holds the secret of the "
                          "credential '" +
                          credential.name + "'; remove it from " + list});
    }
    result_.files.read.erase(from);
    result_.files.write.erase(from);
    own_.files.hide.insert(Glob::of_literal(from));
  }
  return Unit{};
}

Status Reader::read_deny(const Table& network) {
  const Member* member = find_member(network, "deny");
  if (member == nullptr) return Unit{};
  CARREL_TRY(const Array* elements, source_.array(*member));
  std::set<std::string> seen;  // two rules may differ in their reasons alone
  for (const Value& element : *elements) {
    CARREL_TRY(HostRule rule, deny_rule(element));
    const std::string text = rule.text();
    if (!seen.insert(text).second) {
      return source_.error(element.at,
                           "'" + text + "' is in network.deny twice; remove one of them");
    }
    places_.push_back({"network.deny", text, element.at});
    own_.network.deny.insert(std::move(rule));
  }
  return Unit{};
}

Result<HostRule> Reader::deny_rule(const Value& element) const {
  const auto parse = [&](const Value& host) -> Result<HostRule> {
    CARREL_TRY(const std::string_view text, source_.string_in("deny", host));
    Result<HostRule> rule = HostRule::parse(text, HostRule::Any::kAccepted);
    if (!rule.ok()) return source_.locate(host.at, std::move(rule).error());
    return rule;
  };
  const auto* table = std::get_if<Table>(&element.data);
  if (table == nullptr) {
    if (std::holds_alternative<std::string>(element.data)) return parse(element);
    return source_.wrong_type("deny", "a list of hosts or of { host, reason }", element);
  }
  CARREL_CHECK(source_.check_keys(*table, "in a rule of network.deny", kDenyRuleKeys));
  const Member* host = find_member(*table, "host");
  if (host == nullptr) {
    return source_.error(element.at, "the rule has no host; add host = \"...\"");
  }
  CARREL_TRY(HostRule rule, parse(host->value));
  if (const Member* reason = find_member(*table, "reason")) {
    CARREL_TRY(const std::string_view text, source_.string(*reason));
    rule.reason = text;
    if (rule.reason.empty() || printable(rule.reason) != rule.reason) {
      return source_.error(reason->value.at,
                           "a reason is one line of printable text; write what to do instead");
    }
  }
  return rule;
}

Status Reader::read_system_calls(const Table& root) {
  bool inherits = true;
  CARREL_TRY(const Table* table, section(root, "system_calls", kSystemCallsKeys, inherits));
  if (!inherits) result_.system_calls = {};
  std::set<std::string> deny;
  CARREL_CHECK(
      read_list(*table, "system_calls.deny", deny,
                [](std::string_view text) -> Result<std::string> { return std::string(text); }));
  result_.system_calls.deny.merge(deny);
  return Unit{};
}

// Points at the last entry of the file that takes part.
Error Reader::located(const Conflict& conflict) const {
  std::optional<Position> at;
  for (const Place& place : places_) {
    const bool takes_part =
        std::any_of(conflict.entries.begin(), conflict.entries.end(), [&](const EntryName& entry) {
          return entry.list == place.list && entry.text == place.text;
        });
    if (takes_part) at = std::max(at.value_or(place.at), place.at);
  }
  if (at) return source_.error(*at, conflict.problem);
  const std::string_view what(conflict.problem.data(), conflict.problem.rfind("; "));
  return source_.error({},
                       "the profile does not suit this working directory: " + std::string(what) +
                           "; start in another folder, or set files.inherit = false");
}

// Puts the file's own rules over the inherited ones.
Result<Policy> Reader::combined() {
  if (origin_ == Origin::kBuiltin) settle(own_);
  if (auto conflict = find_conflict(own_)) return located(*conflict);
  result_.files = overlay(std::move(result_.files), own_.files);
  result_.network = overlay(std::move(result_.network), own_.network);
  if (origin_ == Origin::kBuiltin) settle(result_);
  if (auto conflict = find_conflict(result_)) return located(*conflict);
  return std::move(result_);
}

Result<Policy> read_policy(std::string_view text, std::string_view source,
                           const PathContext& context, Origin origin) {
  CARREL_TRY(const Table root, parse_toml(text, source));
  if (root.empty() && origin == Origin::kUser) {
    return Source(source).error(
        {},
        "the file says nothing; a policy that is meant to be the default one says profile = "
        "\"default\"");
  }
  return Reader(Source(source), context, origin).read(root);
}

}  // namespace

Result<Policy> from_toml(std::string_view text, std::string_view source,
                         const PathContext& context) {
  return read_policy(text, source, context, Origin::kUser);
}

Result<Policy> from_builtin(const BuiltinProfile& profile, const PathContext& context) {
  return read_policy(profile.text, "profile " + std::string(profile.name), context,
                     Origin::kBuiltin);
}

}  // namespace carrel::policy
