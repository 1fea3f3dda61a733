#include "cli/prepare.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/path.h"
#include "cli/descriptors.h"
#include "cli/network.h"
#include "policy/from_settings.h"
#include "policy/from_toml.h"
#include "policy/profile.h"
#include "sys/error.h"
#include "sys/files.h"

namespace carrel::cli {
namespace {

constexpr std::size_t kMaxPolicyBytes = 1 << 20;

Error invalid(std::string message) { return Error{Errc::kInvalid, std::move(message)}; }

Error unreadable(const std::string& what, const Error& error) {
  const std::string why = error.sys_errno == 0 ? error.message : sys::errno_text(error.sys_errno);
  return Error{error.code, what + ": " + why + "; name a file that can be read", error.sys_errno};
}

// Where two options would each name the whole policy.
Status check_one_base(const Arguments& arguments) {
  if (arguments.has(Opt::kPolicy) && arguments.has(Opt::kSettings)) {
    return invalid(
        "--policy and --settings exclude each other: each is the whole policy; leave one out");
  }
  if (arguments.has(Opt::kPolicy) && arguments.has(Opt::kProfile)) {
    const std::string& name = arguments.one(Opt::kProfile);
    return invalid(
        "--profile with --policy: a policy file names its profile itself; write profile "
        "= \"" +
        printable(name) + "\" into " + shell_quoted(arguments.one(Opt::kPolicy)));
  }
  if (arguments.has(Opt::kSettings) && arguments.has(Opt::kProfile)) {
    return invalid(
        "--profile with --settings: a settings file is complete by itself; leave one out");
  }
  return Unit{};
}

Result<LoadedPolicy> load_base(const Arguments& arguments, const policy::PathContext& context) {
  CARREL_CHECK(check_one_base(arguments));
  for (const Opt option : {Opt::kPolicy, Opt::kSettings}) {
    if (!arguments.has(option)) continue;
    const std::string& path = arguments.one(option);
    const std::string_view kind = option == Opt::kPolicy ? "policy" : "settings";
    const Result<std::string> text = sys::read_file(path, kMaxPolicyBytes);
    if (!text.ok())
      return unreadable("--" + std::string(kind) + " " + shell_quoted(path), text.error());
    Result<policy::Policy> parsed = option == Opt::kPolicy
                                        ? policy::from_toml(text.value(), path, context)
                                        : policy::from_settings(text.value(), path, context);
    CARREL_TRY(policy::Policy base, std::move(parsed));
    return LoadedPolicy{std::move(base),
                        std::string(kind) + " " + normalize_path(context.working_dir, path)};
  }
  const std::string name =
      arguments.has(Opt::kProfile) ? arguments.one(Opt::kProfile) : std::string("default");
  CARREL_TRY(policy::Policy base, policy::profile(name, context));
  return LoadedPolicy{std::move(base), "profile " + name};
}

// What the shell has typed is meant literally if it is there, else as a pattern.
Result<policy::Glob> to_glob(const std::string& text, const policy::PathContext& context) {
  if (!text.empty() && text.front() != '~') {
    const std::string literal = normalize_path(context.working_dir, text);
    CARREL_TRY(const auto found, sys::lstat_if_exists(literal));
    const bool plain = text.find_first_of("*?[\\") == std::string::npos;
    if (plain || found.has_value()) return policy::Glob::of_literal(literal);
  }
  return policy::absolute_glob(text, context);
}

Error about(std::string_view option, Error error) {
  return std::move(error).in("--" + std::string(option));
}

Result<policy::FilesPolicy> own_files(const Arguments& arguments,
                                      const policy::PathContext& context) {
  policy::FilesPolicy files;
  for (auto [option, name, into] :
       {std::tuple(Opt::kWrite, "write", &files.write), {Opt::kRead, "read", &files.read}}) {
    for (const std::string& text : arguments.all(option)) {
      Result<std::string> path = policy::absolute_path(text, context);
      if (!path.ok()) return about(name, std::move(path).error());
      into->insert(std::move(path).value());
    }
  }
  for (auto [option, name, into] :
       {std::tuple(Opt::kHide, "hide", &files.hide), {Opt::kProtect, "protect", &files.protect}}) {
    for (const std::string& text : arguments.all(option)) {
      Result<policy::Glob> glob = to_glob(text, context);
      if (!glob.ok()) return about(name, std::move(glob).error());
      into->insert(std::move(glob).value());
    }
  }
  return files;
}

// The command must not be able to change what is said about it (the record), or
// what the next run will be told (the policy).
void protect_own_files(const Arguments& arguments, const policy::PathContext& context,
                       policy::FilesPolicy& files) {
  for (const Opt option : {Opt::kRecord, Opt::kLog, Opt::kPolicy, Opt::kSettings}) {
    if (!arguments.has(option)) continue;
    const std::string path = normalize_path(context.working_dir, arguments.one(option));
    const bool writable = std::ranges::any_of(
        files.write, [&](const std::string& folder) { return is_within(path, folder); });
    if (writable) files.protect.insert(policy::Glob::of_literal(path));
  }
}

Result<policy::NetworkPolicy> own_network(const Arguments& arguments) {
  policy::NetworkPolicy network;
  for (const std::string& text : arguments.all(Opt::kAllow)) {
    Result<policy::HostRule> rule = policy::HostRule::parse(text);
    if (!rule.ok()) return about("allow", std::move(rule).error());
    network.allow.insert(std::move(rule).value());
  }
  for (const std::string& text : arguments.all(Opt::kHostPort)) {
    Result<policy::HostPort> port = policy::HostPort::parse(text);
    if (!port.ok()) return about("host-port", std::move(port).error());
    network.host_ports.insert(port.value());
  }
  for (const std::string& text : arguments.all(Opt::kPublish)) {
    Result<policy::PublishedPort> port = policy::PublishedPort::parse(text);
    if (!port.ok()) return about("publish", std::move(port).error());
    network.publish.insert(std::move(port).value());
  }
  return network;
}

Status add_environment(const Arguments& arguments, policy::EnvironmentPolicy& environment) {
  std::set<std::string> seen;
  for (const std::string& text : arguments.all(Opt::kEnv)) {
    const std::size_t equals = text.find('=');
    const std::string name = text.substr(0, equals);
    if (name.empty()) {
      return invalid("--env " + shell_quoted(text) + ": has no name; write NAME=VALUE");
    }
    if (!seen.insert(name).second) {
      return invalid("--env " + shell_quoted(name) + ": given twice; leave one out");
    }
    if (equals != std::string::npos) {
      environment.set[name] = text.substr(equals + 1);
    } else {
      environment.set.erase(name);
      environment.pass.insert(name);
    }
  }
  return Unit{};
}

Status add_limits(const Arguments& arguments, policy::LimitsPolicy& limits) {
  std::set<std::string> seen;
  const auto add = [&](std::string_view option, const std::string& name,
                       const std::string& value) -> Status {
    if (!seen.insert(name).second) {
      return invalid("--" + std::string(option) + ": the limit " + printable(name) +
                     " is given twice; leave one out");
    }
    Status done = policy::set_limit(limits, name, value);
    if (!done.ok()) return about(option, std::move(done).error());
    return done;
  };
  for (const std::string& text : arguments.all(Opt::kLimit)) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos) {
      return invalid("--limit " + shell_quoted(text) +
                     ": has no value; write NAME=VALUE, as in "
                     "memory=2GiB");
    }
    CARREL_CHECK(add("limit", text.substr(0, equals), text.substr(equals + 1)));
  }
  if (arguments.has(Opt::kTimeout)) {
    CARREL_CHECK(add("timeout", "wall_time", arguments.one(Opt::kTimeout)));
  }
  return Unit{};
}

// The profiles let the command write in the current folder. There are places
// where that cannot be meant, and nobody wrote the rule that then fails.
Status check_current_folder(const Arguments& arguments, const policy::FilesPolicy& files,
                            const std::string& folder) {
  if (arguments.has(Opt::kPolicy) || arguments.has(Opt::kSettings)) return Unit{};
  if (!files.write.contains(folder)) return Unit{};
  std::string_view problem;
  if (folder == "/") problem = "is the whole file system";
  if (files.hide.contains(policy::Glob::of_literal(folder))) problem = "is hidden by the profile";
  for (const std::string_view own : {"/proc", "/sys", "/dev"}) {
    if (is_within(folder, own)) problem = "is the sandbox's own inside";
  }
  if (problem.empty()) return Unit{};
  return invalid("the current folder " + shell_quoted(folder) + " " + std::string(problem) +
                 ", so it cannot be what the command may write; start carrel in another folder, or "
                 "add `--read .` to let it write none");
}

Status check_ports_served(const policy::NetworkPolicy& network, const Descriptors& descriptors) {
  if (descriptors.proxy < 0 || (network.host_ports.empty() && network.publish.empty())) {
    return Unit{};
  }
  return invalid(
      "--proxy-fd with host_ports or publish: carrel's own proxy serves them, and does not run "
      "then; leave one out");
}

}  // namespace

Result<LoadedPolicy> load_rules(const Arguments& arguments, const policy::PathContext& context) {
  CARREL_TRY(LoadedPolicy loaded, load_base(arguments, context));
  policy::Policy own;
  CARREL_TRY(own.files, own_files(arguments, context));
  CARREL_TRY(own.network, own_network(arguments));
  CARREL_CHECK(policy::check(own));

  policy::Policy& policy = loaded.policy;
  policy.files = policy::overlay(std::move(policy.files), own.files);
  policy.network = policy::overlay(std::move(policy.network), own.network);
  CARREL_CHECK(add_environment(arguments, policy.environment));
  CARREL_CHECK(add_limits(arguments, policy.limits));
  protect_own_files(arguments, context, policy.files);
  return loaded;
}

Result<LoadedPolicy> load_policy(const Arguments& arguments, const policy::PathContext& context) {
  CARREL_TRY(LoadedPolicy loaded, load_rules(arguments, context));
  CARREL_CHECK(check_current_folder(arguments, loaded.policy.files, context.working_dir));
  return loaded;
}

Result<Descriptors> check_descriptors(const Arguments& arguments) {
  Descriptors descriptors;
  CARREL_CHECK(check_standard_descriptors());
  CARREL_TRY(descriptors.kept, kept_descriptors(arguments.all(Opt::kKeepFd)));
  if (!arguments.has(Opt::kProxyFd)) return descriptors;
  if (arguments.has(Opt::kLog)) {
    return invalid(
        "--log with --proxy-fd: carrel's own proxy writes the log, and does not run then; leave "
        "one "
        "out");
  }
  CARREL_TRY(descriptors.proxy, parse_descriptor("--proxy-fd", arguments.one(Opt::kProxyFd)));
  CARREL_CHECK(check_proxy_descriptor(descriptors.proxy));
  if (std::ranges::binary_search(descriptors.kept, descriptors.proxy)) {
    return invalid("--keep-fd " + std::to_string(descriptors.proxy) +
                   ": is also --proxy-fd, which the command must not hold; leave one out");
  }
  return descriptors;
}

Result<Draft> draft(const Arguments& arguments, const Descriptors& descriptors) {
  Draft draft;
  CARREL_TRY(draft.machine, plan::this_machine());
  const policy::PathContext context{draft.machine.home, draft.machine.working_dir};
  CARREL_TRY(LoadedPolicy loaded, load_policy(arguments, context));
  draft.policy = std::move(loaded.policy);
  draft.policy_source = std::move(loaded.source);
  CARREL_CHECK(check_ports_served(draft.policy.network, descriptors));
  if (policy::has_network(draft.policy.network) && descriptors.proxy < 0) {
    CARREL_TRY(draft.upstream, upstream_proxies(draft.machine));
    draft.upstream_text = draft.upstream->text();
    CARREL_TRY(draft.tls, tls_needs(draft.policy.network, draft.machine));
    CARREL_TRY(draft.placeholders, make_placeholders(draft.policy.network));
    if (draft.tls.authority) {
      CARREL_TRY(draft.trust, trust_inside(draft.tls));
    }
  }
  return draft;
}

Result<Prepared> prepare(Draft draft, const Arguments& arguments, const Descriptors& descriptors) {
  Prepared prepared;
  prepared.proxy_fd = descriptors.proxy;
  if (arguments.has(Opt::kLog)) {
    prepared.log = normalize_path(draft.machine.working_dir, arguments.one(Opt::kLog));
  }
  prepared.machine = std::move(draft.machine);
  prepared.policy_source = std::move(draft.policy_source);
  prepared.upstream = std::move(draft.upstream_text);
  if (plan::needs_cgroups(draft.policy, prepared.machine)) {
    prepared.machine.cgroups = plan::usable_cgroups();
  }

  plan::Request request;
  request.arguments = arguments.operands;
  request.kept_fds = descriptors.kept;
  request.hand_out_listeners = descriptors.proxy >= 0 || draft.upstream.has_value();
  request.transparent = draft.upstream.has_value();
  request.trust = std::move(draft.trust);
  for (const policy::Credential& credential : draft.policy.network.credentials) {
    if (credential.source == policy::Credential::Source::kVariable) {
      request.withheld.insert(credential.from.front());
    }
    const auto placeholder = draft.placeholders.find(credential.name);
    if (placeholder == draft.placeholders.end()) continue;
    request.placeholders[credential.placeholder_variable] = placeholder->second;
  }
  if (arguments.has(Opt::kCwd)) {
    const policy::PathContext context{prepared.machine.home, prepared.machine.working_dir};
    Result<std::string> folder = policy::absolute_path(arguments.one(Opt::kCwd), context);
    if (!folder.ok()) return about("cwd", std::move(folder).error());
    request.working_dir = std::move(folder).value();
  }
  CARREL_TRY(prepared.plan, plan::make_plan(std::move(draft.policy), request, prepared.machine));
  return prepared;
}

}  // namespace carrel::cli
