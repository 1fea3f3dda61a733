#include "policy/conflict.h"

#include <algorithm>
#include <array>
#include <functional>
#include <set>

#include "base/path.h"
#include "policy/inside.h"
#include "policy/limits.h"

namespace carrel::policy {
namespace {

using Found = std::optional<Conflict>;

Conflict fault(std::string_view list, const std::string& text, std::string_view problem) {
  return {{{std::string(list), text}},
          in_quotes(text) + " in " + std::string(list) + " " + std::string(problem)};
}

Conflict contradiction(std::string_view a, std::string_view b, const std::string& text) {
  return {{{std::string(a), text}, {std::string(b), text}},
          in_quotes(text) + " is in " + std::string(a) + " and in " + std::string(b) +
              ", which contradict each other; remove it from one of them"};
}

Found check_place(std::string_view list, const std::string& path) {
  if (path == "/") {
    return fault(list, path, "is the whole file system; name the folders that are needed");
  }
  for (const std::string_view own : {"/proc", "/sys", "/dev"}) {
    if (!is_within(path, own) || (list == "files.scratch" && path == "/dev/shm")) continue;
    return fault(list, path,
                 "lies in " + std::string(own) + ", which a sandbox has of its own; remove it");
  }
  return std::nullopt;
}

Found check_same_path(const FilesPolicy& files) {
  const auto holds = [](const auto& set, const std::string& path) {
    if constexpr (std::is_same_v<std::decay_t<decltype(set)>, std::set<Glob>>) {
      return set.contains(Glob::of_literal(path));
    } else {
      return set.contains(path);
    }
  };
  for (const std::string& path : files.write) {
    if (holds(files.hide, path)) return contradiction("files.write", "files.hide", path);
    if (holds(files.protect, path)) return contradiction("files.write", "files.protect", path);
    if (holds(files.scratch, path)) return contradiction("files.write", "files.scratch", path);
  }
  for (const std::string& path : files.read) {
    if (holds(files.hide, path)) return contradiction("files.read", "files.hide", path);
    if (holds(files.scratch, path)) return contradiction("files.read", "files.scratch", path);
  }
  for (const std::string& path : files.scratch) {
    if (holds(files.hide, path)) return contradiction("files.scratch", "files.hide", path);
    if (holds(files.protect, path)) return contradiction("files.scratch", "files.protect", path);
  }
  return std::nullopt;
}

// A write that can never happen is not what its author meant.
Found check_write_inside_protect(const FilesPolicy& files) {
  for (const std::string& path : files.write) {
    for (std::string_view above = path; above != "/";) {
      above = parent_path(above);
      const Glob protect = Glob::of_literal(above);
      if (!files.protect.contains(protect)) continue;
      return Conflict{{{"files.write", path}, {"files.protect", std::string(above)}},
                      in_quotes(path) + " in files.write lies inside " + in_quotes(above) +
                          " in files.protect, which is never written; remove one of them"};
    }
  }
  return std::nullopt;
}

Found check_files(const FilesPolicy& files) {
  for (const std::string& path : files.write) {
    if (Found found = check_place("files.write", path)) return found;
  }
  for (const std::string& path : files.scratch) {
    if (Found found = check_place("files.scratch", path)) return found;
  }
  if (Found found = check_same_path(files)) return found;
  if (Found found = check_write_inside_protect(files)) return found;
  for (const std::string& name : files.dependencies) {
    if (name.empty() || name == "." || name == ".." ||
        name.find_first_of("/*?") != std::string::npos) {
      return fault("files.dependencies", name,
                   "is not the name of a folder; write one as in 'node_modules'");
    }
  }
  for (const Glob& name : files.protect_names) {
    if (name.text().starts_with('/')) {
      return fault("files.protect_names", name.text(),
                   "is absolute; names are relative, absolute paths go into files.protect");
    }
  }
  return std::nullopt;
}

bool is_variable_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return c > ' ' && c < 0x7F && c != '=' && c != '*';
  });
}

Found check_environment(const EnvironmentPolicy& environment) {
  constexpr std::string_view kBadName =
      "is not the name of a variable; write letters, digits and '_'";
  for (const std::string& name : environment.pass) {
    if (name == "*") {
      return fault("environment.pass", name,
                   "would pass every secret in the environment; name what is needed");
    }
    const std::string_view stem =
        name.ends_with('*') ? std::string_view(name).substr(0, name.size() - 1) : name;
    if (!is_variable_name(stem)) return fault("environment.pass", name, kBadName);
  }
  for (const auto& [name, value] : environment.set) {
    if (!is_variable_name(name)) return fault("environment.set", name, kBadName);
    if (value.find('\0') != std::string::npos) {
      return fault("environment.set", name, "holds a NUL, which no variable can; remove it");
    }
  }
  return std::nullopt;
}

HostRule without_reason(HostRule rule) {
  rule.reason.clear();
  return rule;
}

Found check_network(const NetworkPolicy& network) {
  std::set<HostRule> denied;
  for (const HostRule& rule : network.deny) {
    if (denied.insert(without_reason(rule)).second) continue;
    return fault("network.deny", rule.text(), "has two reasons; keep one");
  }
  for (const HostRule& rule : network.allow) {
    if (std::holds_alternative<AnyHost>(rule.host)) {
      return fault("network.allow", rule.text(), "would allow every host; name them");
    }
    if (denied.contains(without_reason(rule))) {
      return contradiction("network.allow", "network.deny", rule.text());
    }
  }
  return std::nullopt;
}

Found check_ports(const NetworkPolicy& network) {
  if (network.host_ports.size() > kMaxHostPorts) {
    return fault("network.host_ports", network.host_ports.begin()->text(),
                 "is one of more than " + std::to_string(kMaxHostPorts) + "; name fewer");
  }
  std::set<std::pair<IpAddress, std::uint16_t>> places;
  for (const PublishedPort& published : network.publish) {
    if (!places.emplace(published.address, published.outside).second) {
      return fault("network.publish", published.text(),
                   "is at a place where another server is published; choose another port");
    }
    if (network.host_ports.contains(HostPort{published.inside})) {
      return Conflict{{{"network.publish", published.text()},
                       {"network.host_ports", std::to_string(published.inside)}},
                      "port " + std::to_string(published.inside) +
                          " inside is both published and the host's; remove one of them"};
    }
  }
  for (const HostPort& port : network.host_ports) {
    if (std::ranges::find(kProxyPorts, port.port) == std::end(kProxyPorts)) continue;
    return fault("network.host_ports", port.text(),
                 "is a port that carrel's own proxy has inside; move the service to another");
  }
  return std::nullopt;
}

Found check_system_calls(const SystemCallsPolicy& system_calls) {
  for (const std::string& name : system_calls.deny) {
    const bool well_formed = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    });
    if (!well_formed) {
      return fault("system_calls.deny", name,
                   "is not the name of a system call; write it as in 'ptrace'");
    }
  }
  return std::nullopt;
}

Found check_hostname(const std::string& hostname) {
  constexpr std::size_t kMaxHostname = 64;  // HOST_NAME_MAX
  const bool well_formed = !hostname.empty() && hostname.size() <= kMaxHostname &&
                           hostname.front() != '-' &&
                           std::all_of(hostname.begin(), hostname.end(), [](char c) {
                             return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                    (c >= '0' && c <= '9') || c == '-';
                           });
  if (well_formed) return std::nullopt;
  return Conflict{
      {{"hostname", hostname}},
      in_quotes(hostname) + " is not a host name; use at most 64 letters, digits and '-'"};
}

}  // namespace

std::optional<Conflict> find_conflict(const Policy& policy) {
  if (Found found = check_hostname(policy.hostname)) return found;
  if (Found found = check_files(policy.files)) return found;
  if (Found found = check_environment(policy.environment)) return found;
  if (auto problem = find_low_limit(policy.limits)) {
    return Conflict{{{"limits", problem->name}}, problem->message};
  }
  if (Found found = check_network(policy.network)) return found;
  if (Found found = check_ports(policy.network)) return found;
  return check_system_calls(policy.system_calls);
}

}  // namespace carrel::policy
