#include "cli/explain_json.h"

#include <linux/mount.h>

#include <array>
#include <charconv>
#include <utility>

#include "cli/options.h"
#include "plan/environment.h"
#include "plan/mounts.h"
#include "policy/inside.h"

namespace carrel::cli {
namespace {

namespace json = boost::json;

constexpr int kPlanVersion = 1;

json::array strings(const auto& texts) {
  json::array out;
  for (const auto& text : texts) out.emplace_back(json::string(text));
  return out;
}

json::array globs(const std::set<policy::Glob>& patterns) {
  json::array out;
  for (const policy::Glob& pattern : patterns) out.emplace_back(pattern.text());
  return out;
}

json::array mounts(const plan::MountPlan& plan) {
  json::array out;
  for (const plan::MountStep& step : plan::all_steps(plan)) {
    json::object mount{{"op", json::string(op_name(step.op))}, {"target", step.target}};
    std::uint64_t attributes = step.attributes;
    if (step.source.has_value()) {
      const plan::MountSource& source = plan.sources[*step.source];
      mount["source"] = source.path;
      mount["recursive"] = source.recursive;
      attributes |= source.attributes;
    }
    mount["attributes"] = strings(attribute_names(attributes));
    if (!step.link.empty()) mount["link"] = step.link;
    if (step.op == wire::MountOp::kFile) mount["size_bytes"] = step.contents.size();
    if (step.op == wire::MountOp::kPrivate) mount["shared_size_bytes"] = plan.private_bytes;
    if (step.mode != 0) mount["mode"] = step.mode;
    if (step.optional) mount["optional"] = true;
    mount["why"] = step.why;
    out.push_back(std::move(mount));
  }
  return out;
}

json::array rules(const plan::Filter& filter) {
  json::array out;
  for (const plan::Rule& rule : filter.rules) {
    json::object entry{{"name", rule.name()},
                       {"call", rule.call},
                       {"number", rule.number},
                       {"answer", json::string(plan::refusal_name(rule.refusal))},
                       {"reason", json::string(rule.reason)}};
    if (rule.count > 1) entry["count"] = rule.count;
    if (!rule.when.empty()) entry["when"] = json::string(rule.when);
    out.push_back(std::move(entry));
  }
  return out;
}

json::array filters(const std::vector<plan::Filter>& all) {
  json::array out;
  for (const plan::Filter& filter : all) {
    out.push_back(json::object{
        {"name", filter.name}, {"instructions", filter.program.size()}, {"rules", rules(filter)}});
  }
  return out;
}

json::array environment(const Prepared& prepared) {
  json::array out;
  for (const auto& [name, value] : prepared.plan.environment) {
    json::object variable{{"name", name}};
    switch (origin(prepared, name, value)) {
      case ValueOf::kPolicy:
        variable["from"] = "policy";
        break;
      case ValueOf::kCaller:
        variable["from"] = "caller";
        break;
      case ValueOf::kCarrel:
        variable["from"] = "carrel";
        break;
    }
    if (variable["from"] != "caller") variable["value"] = value;
    out.push_back(std::move(variable));
  }
  return out;
}

json::array limits(const plan::LimitPlan& plan) {
  json::array out;
  for (const plan::PlannedLimit& limit : plan.limits) {
    out.push_back(json::object{{"name", limit.name},
                               {"value", limit.value},
                               {"by", json::string(means_name(limit.means))},
                               {"how", limit.how}});
  }
  return out;
}

// Null where nothing is taken that is not sent to a proxy.
json::value transparent(const Prepared& prepared) {
  const plan::Plan& plan = prepared.plan;
  if (plan.routes.empty()) return nullptr;
  json::array routes;
  for (const policy::Cidr& network : plan.routes) routes.emplace_back(network.text());
  json::value ports = "every";
  if (prepared.taken == Prepared::Taken::kNamedPorts) {
    ports = json::array(plan.transparent_ports.begin(), plan.transparent_ports.end());
  }
  return json::object{{"routes", std::move(routes)}, {"ports", std::move(ports)}};
}

json::object network(const Prepared& prepared) {
  const plan::Plan& plan = prepared.plan;
  const policy::NetworkPolicy& policy = plan.policy.network;
  json::array allow;
  for (const policy::HostRule& rule : policy.allow) allow.emplace_back(rule.text());
  json::array deny;
  for (const policy::HostRule& rule : policy.deny) {
    deny.push_back(json::object{{"host", rule.text()}, {"reason", rule.reason}});
  }
  json::array host_ports;
  for (const policy::HostPort& port : policy.host_ports) host_ports.emplace_back(port.port);
  json::array publish;
  for (const policy::PublishedPort& port : policy.publish) {
    publish.push_back(json::object{
        {"address", port.address.text()}, {"port", port.outside}, {"inside", port.inside}});
  }
  json::array listeners;
  for (const wire::Listener& listener : plan.listeners) {
    if (listener.port != policy::kDnsPort) listeners.emplace_back(listener.port);
  }
  json::array gateways;
  for (const policy::Gateway& gateway : policy.gateways) {
    gateways.push_back(json::object{{"name", gateway.name}, {"url", gateway.url()}});
  }
  json::array inspect;
  for (const policy::HostRule& rule : policy.inspect) inspect.emplace_back(rule.text());
  json::array excluded;
  for (const policy::HostRule& rule : policy.inspect_exclude) excluded.emplace_back(rule.text());
  json::array requests;
  for (const policy::RequestRule& rule : policy.requests) {
    const bool denies = rule.action == policy::RequestRule::Action::kDeny;
    json::object entry{{"action", denies ? "deny" : "allow"},
                       {"requests", policy::scope_text(rule.scope)},
                       {"reason", rule.reason}};
    if (rule.max_bytes) entry["max_request_bytes"] = *rule.max_bytes;
    requests.push_back(std::move(entry));
  }
  json::array credentials;
  for (const policy::Credential& credential : policy.credentials) {
    credentials.push_back(json::object{{"name", credential.name},
                                       {"place", policy::place_text(credential)},
                                       {"from", policy::source_text(credential)},
                                       {"requests", policy::scope_text(credential.scope)},
                                       {"only", credential.only}});
  }
  return {{"allow", std::move(allow)},
          {"deny", std::move(deny)},
          {"host_ports", std::move(host_ports)},
          {"publish", std::move(publish)},
          {"gateways", std::move(gateways)},
          {"inspect", std::move(inspect)},
          {"inspect_exclude", std::move(excluded)},
          {"requests", std::move(requests)},
          {"credentials", std::move(credentials)},
          {"listeners", std::move(listeners)},
          {"transparent", transparent(prepared)},
          {"decided_by", prepared.proxy_fd >= 0 ? "proxy_fd" : "carrel"},
          {"upstream_proxies", prepared.upstream},
          {"log", prepared.log},
          {"unix_sockets", policy.unix_sockets == policy::UnixSockets::kAll ? "all" : "none"}};
}

json::value command(const plan::Command& command, Given given) {
  if (given == Given::kNoCommand) return nullptr;
  return json::object{{"arguments", strings(command.arguments)},
                      {"candidates", strings(command.candidates)},
                      {"working_dir", command.working_dir}};
}

std::string hex(std::uint64_t value) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, 16).ptr;
  return "0x" + std::string(digits.data(), end);
}

}  // namespace

boost::json::object plan_to_json(const Prepared& prepared, Given given) {
  const plan::Plan& plan = prepared.plan;
  json::object out{{"version", kPlanVersion},
                   {"carrel", json::string(kVersion)},
                   {"policy", prepared.policy_source},
                   {"command", command(plan.command, given)},
                   {"identity",
                    {{"uid", plan.identity.uid},
                     {"gid", plan.identity.gid},
                     {"all_ids_mapped", plan.identity.map_all},
                     {"supplementary_groups_dropped", plan.identity.drop_groups}}},
                   {"hostname", plan.hostname},
                   {"namespaces", strings(kNamespaces)}};
  out["root"] = json::object{{"attributes", strings(attribute_names(wire::kRootAttributes))}};
  out["mounts"] = mounts(plan.mounts);
  out["private_bytes"] = plan.mounts.private_bytes;
  out["protected_names"] = globs(plan.policy.files.protect_names);
  out["dependencies"] = strings(plan.policy.files.dependencies);
  out["protected_paths"] = globs(plan.policy.files.protect);
  out["filters"] = filters(plan.filters);
  out["environment"] = environment(prepared);
  out["limits"] = limits(plan.limits);
  out["network"] = network(prepared);
  json::array kept;
  for (const int fd : plan.kept_fds) kept.emplace_back(fd);
  out["kept_descriptors"] = std::move(kept);
  out["notes"] = strings(plan.notes);
  return out;
}

std::string_view op_name(wire::MountOp op) {
  switch (op) {
    case wire::MountOp::kPlace:
      return "place";
    case wire::MountOp::kPrivate:
      return "private";
    case wire::MountOp::kMakeDir:
      return "mkdir";
    case wire::MountOp::kMakeFile:
      return "mkfile";
    case wire::MountOp::kMakeSymlink:
      return "symlink";
    case wire::MountOp::kFile:
      return "file";
    case wire::MountOp::kRebind:
      return "rebind";
    case wire::MountOp::kRestrict:
      return "restrict";
    case wire::MountOp::kHideDir:
      return "hide";
    case wire::MountOp::kHideFile:
      return "hide-file";
    case wire::MountOp::kProc:
      return "proc";
    case wire::MountOp::kDevpts:
      return "devpts";
  }
  return "?";
}

std::string_view listener_name(const wire::Listener& listener) {
  if (listener.port == plan::kHttpPort) return "HTTP proxy";
  if (listener.port == plan::kSocksPort) return "SOCKS proxy";
  return listener.transport == wire::Transport::kUdp ? "DNS over UDP" : "DNS over TCP";
}

std::vector<std::string> attribute_names(std::uint64_t attributes) {
  constexpr std::pair<std::uint64_t, std::string_view> kNames[] = {
      {MOUNT_ATTR_RDONLY, "read-only"},
      {MOUNT_ATTR_NOSUID, "nosuid"},
      {MOUNT_ATTR_NODEV, "nodev"},
      {MOUNT_ATTR_NOEXEC, "noexec"},
      {MOUNT_ATTR_NOSYMFOLLOW, "nosymfollow"},
  };
  std::vector<std::string> names;
  for (const auto& [bit, name] : kNames) {
    if ((attributes & bit) == 0) continue;
    names.emplace_back(name);
    attributes &= ~bit;
  }
  if (attributes != 0) names.push_back(hex(attributes));
  return names;
}

std::string_view means_name(plan::LimitMeans means) {
  switch (means) {
    case plan::LimitMeans::kCgroup:
      return "cgroup";
    case plan::LimitMeans::kRlimit:
      return "rlimit";
    case plan::LimitMeans::kMount:
      return "mount";
    case plan::LimitMeans::kTimer:
      return "timer";
    case plan::LimitMeans::kNotEnforced:
      return "not enforced";
  }
  return "?";
}

ValueOf origin(const Prepared& prepared, const std::string& name, const std::string& value) {
  if (prepared.plan.policy.environment.set.contains(name)) return ValueOf::kPolicy;
  const auto& callers = prepared.machine.environment;
  const auto found = callers.find(name);
  return found != callers.end() && found->second == value ? ValueOf::kCaller : ValueOf::kCarrel;
}

}  // namespace carrel::cli
