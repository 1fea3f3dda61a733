#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/path.h"
#include "cli/commands.h"
#include "cli/explain_json.h"
#include "cli/json.h"
#include "cli/prepare.h"
#include "cli/text.h"
#include "cli/transparent_probe.h"
#include "plan/environment.h"
#include "plan/mounts.h"
#include "policy/units.h"

namespace carrel::cli {
namespace {

std::string section(std::string_view title) { return "\n" + std::string(title) + "\n"; }

template <typename Texts>
std::vector<std::string> each_quoted(const Texts& texts) {
  std::vector<std::string> out;
  for (const auto& text : texts) {
    if constexpr (requires { text.text(); }) {
      out.push_back(printable(text.text()));
    } else {
      out.push_back(shell_quoted(text));
    }
  }
  return out;
}

std::string list_or(const std::vector<std::string>& parts, std::string_view none) {
  return parts.empty() ? std::string(none) : joined(parts);
}

std::string overview(const Prepared& prepared, Given given) {
  const plan::Plan& plan = prepared.plan;
  const plan::Identity& who = plan.identity;
  std::vector<Row> rows;
  if (given == Given::kCommand) {
    rows.push_back({"command", joined(each_quoted(plan.command.arguments), " ")});
    rows.push_back({"looked for as", joined(each_quoted(plan.command.candidates))});
  }
  rows.push_back({"starts in", shell_quoted(plan.command.working_dir)});
  rows.push_back({"policy", printable(prepared.policy_source)});
  std::string identity = "user " + std::to_string(who.uid) + ", group " + std::to_string(who.gid);
  if (who.map_all) identity += ", every other ID without any right over it";
  identity += who.drop_groups ? "; supplementary groups given up" : "";
  rows.push_back({"runs as", identity + "; no capabilities, and no way to gain any"});
  rows.push_back({"host name", printable(plan.hostname)});
  rows.push_back({"own namespaces", joined({std::begin(kNamespaces), std::end(kNamespaces)})});
  std::vector<std::string> kept = {"0", "1", "2"};
  for (const int fd : plan.kept_fds) kept.push_back(std::to_string(fd));
  rows.push_back({"open descriptors", joined(kept)});
  return two_columns(rows);
}

std::string mount_text(const plan::MountPlan& mounts, const plan::MountStep& step) {
  std::string text = padded(op_name(step.op), 9) + " " + shell_quoted(step.target);
  std::vector<std::string> details;
  std::uint64_t attributes = step.attributes;
  if (step.source.has_value()) {
    const plan::MountSource& source = mounts.sources[*step.source];
    attributes |= source.attributes;
    if (source.path != step.target) details.push_back("from " + shell_quoted(source.path));
  }
  if (!step.link.empty()) details.push_back("-> " + shell_quoted(step.link));
  for (std::string& name : attribute_names(attributes)) details.push_back(std::move(name));
  if (!details.empty()) text += " (" + joined(details) + ")";
  return text;
}

std::string mounts(const plan::MountPlan& mounts) {
  constexpr std::size_t kMaxLeft = 46;
  std::vector<Row> rows = {
      {"    everything else (" + joined(attribute_names(wire::kRootAttributes)) + ")",
       "all that no line below says"}};
  for (const plan::MountStep& step : plan::all_steps(mounts)) {
    std::string number = std::to_string(rows.size());
    number.insert(0, number.size() < 3 ? 3 - number.size() : 0, ' ');
    rows.push_back({number + " " + mount_text(mounts, step), printable(step.why)});
  }
  return section("Mounts, in order") + two_columns(rows, kMaxLeft);
}

std::string protection(const plan::Plan& plan) {
  const policy::FilesPolicy& files = plan.policy.files;
  constexpr std::uint64_t kMebibyte = 1 << 20;
  const std::uint64_t bytes = plan.mounts.private_bytes;
  const std::string room =
      "together at most " +
      policy::print_size(bytes < kMebibyte ? bytes : bytes / kMebibyte * kMebibyte);
  return section("Files") +
         two_columns(
             {{"may be written", list_or(each_quoted(files.write), "nothing")},
              {"private and empty", list_or(each_quoted(files.scratch), "nothing")},
              {"", room},
              {"read although hidden above", list_or(each_quoted(files.read), "nothing")},
              {"never written", list_or(each_quoted(files.protect), "nothing more")},
              {"never written, by name", list_or(each_quoted(files.protect_names), "nothing")},
              {"but git's alone below", list_or(each_quoted(files.dependencies), "nothing")}});
}

// "mount, socket (AF_KEY, AF_X25)" of the rules, each call once.
std::string calls(const std::vector<const plan::Rule*>& rules) {
  std::vector<std::pair<std::string, std::vector<std::string>>> whens;
  for (const plan::Rule* rule : rules) {
    auto call = std::ranges::find(whens, rule->call, [](const auto& entry) { return entry.first; });
    if (call == whens.end()) call = whens.insert(whens.end(), {rule->call, {}});
    if (!rule->when.empty()) call->second.emplace_back(rule->when);
  }
  std::vector<std::string> out;
  for (const auto& [call, when] : whens) {
    out.push_back(when.empty() ? call : call + " (" + joined(when) + ")");
  }
  return joined(out);
}

// Calls that are refused alike stand together.
std::string filter_text(const plan::Filter& filter) {
  using Alike = std::pair<std::string_view, std::string_view>;  // answer, reason
  std::vector<std::pair<Alike, std::vector<const plan::Rule*>>> groups;
  for (const plan::Rule& rule : filter.rules) {
    const Alike alike{plan::refusal_name(rule.refusal), rule.reason};
    auto group = std::ranges::find(groups, alike, [](const auto& entry) { return entry.first; });
    if (group == groups.end()) group = groups.insert(groups.end(), {alike, {}});
    group->second.push_back(&rule);
  }
  std::vector<Row> rows;
  for (const auto& [alike, rules] : groups) {
    rows.push_back({std::string(alike.first), calls(rules)});
    rows.push_back({"", "- " + printable(alike.second)});
  }
  return section("Filter " + printable(filter.name) + ": " + std::to_string(filter.rules.size()) +
                 " rules in " + std::to_string(filter.program.size()) + " instructions") +
         two_columns(rows);
}

std::string environment(const Prepared& prepared) {
  std::vector<Row> rows;
  for (const auto& [name, value] : prepared.plan.environment) {
    const ValueOf from = origin(prepared, name, value);
    std::string shown = from == ValueOf::kCaller ? "as it is outside" : shell_quoted(value);
    if (from == ValueOf::kCarrel) shown += "  (set by Carrel)";
    rows.push_back({printable(name), std::move(shown)});
  }
  if (rows.empty()) rows.push_back({"empty", ""});
  return section("Environment") + two_columns(rows);
}

std::string limit_value(const plan::PlannedLimit& limit) {
  if (limit.name == "wall_time") {
    return policy::print_duration(std::chrono::milliseconds(limit.value));
  }
  if (limit.name == "cpus") return std::to_string(limit.value) + "% of one CPU";
  const bool bytes = limit.name == "memory" || limit.name == "file_size" || limit.name == "scratch";
  return bytes ? policy::print_size(limit.value) : std::to_string(limit.value);
}

std::string limits(const plan::LimitPlan& plan) {
  std::vector<Row> rows;
  for (const plan::PlannedLimit& limit : plan.limits) {
    rows.push_back({padded(limit.name, 11) + limit_value(limit),
                    std::string(means_name(limit.means)) + ": " + printable(limit.how)});
  }
  if (rows.empty()) rows.push_back({"none", ""});
  return section("Limits") + two_columns(rows);
}

// What becomes of programs that know no proxy.
std::string taken_text(const Prepared& prepared) {
  const std::string to = "connections to names and addresses that are reachable go to the proxy, ";
  if (prepared.taken == Prepared::Taken::kEveryPort) return to + "on every port (nftables)";
  std::vector<std::string> ports;
  for (const std::uint16_t port : prepared.plan.transparent_ports) {
    ports.push_back(std::to_string(port));
  }
  return to + "on " + list_or(ports, "no port") + "; this kernel has no nftables for the others";
}

// What the policy says of requests; where secrets come from, never what they are.
std::vector<Row> request_rows(const policy::NetworkPolicy& policy) {
  std::vector<Row> rows;
  for (const policy::Gateway& gateway : policy.gateways) {
    rows.push_back({"gateway", "http://" + gateway.name + "." + policy::kGatewayDomain + "/ is " +
                                   printable(gateway.url())});
  }
  if (!policy.inspect.empty())
    rows.push_back({"inspected", list_or(each_quoted(policy.inspect), "")});
  if (!policy.inspect_exclude.empty()) {
    rows.push_back({"but not", list_or(each_quoted(policy.inspect_exclude), "")});
  }
  for (const policy::RequestRule& rule : policy.requests) {
    const bool denies = rule.action == policy::RequestRule::Action::kDeny;
    std::string text = printable(policy::scope_text(rule.scope));
    if (rule.max_bytes) text += ", at most " + std::to_string(*rule.max_bytes) + " bytes";
    if (!rule.reason.empty()) text += ": " + printable(rule.reason);
    rows.push_back({denies ? "request denied" : "request allowed", std::move(text)});
  }
  for (const policy::Credential& credential : policy.credentials) {
    std::string text = printable(credential.name) + ": " +
                       printable(policy::place_text(credential)) + ", from " +
                       printable(policy::source_text(credential)) + ", for " +
                       printable(policy::scope_text(credential.scope));
    if (credential.only) text += "; no other key passes there";
    rows.push_back({"credential", std::move(text)});
  }
  return rows;
}

std::string network(const Prepared& prepared) {
  const plan::Plan& plan = prepared.plan;
  const policy::NetworkPolicy& policy = plan.policy.network;
  std::vector<Row> rows = {
      {"reachable", list_or(each_quoted(policy.allow), "nothing; only a loopback of its own")}};
  for (const policy::HostRule& rule : policy.deny) {
    rows.push_back({"never reachable", printable(rule.text()) + (rule.reason.empty() ? "" : ": ") +
                                           printable(rule.reason)});
  }
  for (const policy::HostPort& port : policy.host_ports) {
    rows.push_back({"host's port", port.text() + ", at localhost inside"});
  }
  for (const policy::PublishedPort& port : policy.publish) {
    rows.push_back({"published", "port " + std::to_string(port.inside) + " inside, at " +
                                     port.place() + " of this machine"});
  }
  for (Row& row : request_rows(policy)) rows.push_back(std::move(row));
  for (const wire::Listener& listener : plan.listeners) {
    if (policy.host_ports.contains(policy::HostPort{listener.port})) continue;
    rows.push_back({"listener", "127.0.0.1:" + std::to_string(listener.port) + ", " +
                                    std::string(listener_name(listener)) +
                                    (prepared.proxy_fd >= 0 ? ", handed out" : "")});
  }
  if (!plan.routes.empty()) rows.push_back({"without a proxy", taken_text(prepared)});
  if (!prepared.upstream.empty()) {
    rows.push_back({"by way of", printable(prepared.upstream) + " (this machine's proxy)"});
  }
  if (!prepared.log.empty()) rows.push_back({"log", shell_quoted(prepared.log)});
  if (prepared.proxy_fd >= 0) {
    rows.push_back({"decided by", "whoever holds the other end of --proxy-fd, not by these rules"});
  }
  rows.push_back({"Unix sockets", policy.unix_sockets == policy::UnixSockets::kAll
                                      ? "every one that can be seen by path"
                                      : "none; socketpair works"});
  return section("Network") + two_columns(rows);
}

std::string notes(const std::vector<std::string>& notes) {
  if (notes.empty()) return "";
  std::string out = section("Notes");
  for (const std::string& note : notes) out += "  - " + wrapped(printable(note), 4) + "\n";
  return out;
}

std::string plan_text(const Prepared& prepared, Given given) {
  const plan::Plan& plan = prepared.plan;
  std::string out = overview(prepared, given) + protection(plan) + network(prepared) +
                    limits(plan.limits) + environment(prepared) + mounts(plan.mounts);
  for (const plan::Filter& filter : plan.filters) out += filter_text(filter);
  return out + notes(plan.notes);
}

}  // namespace

Result<std::string> explain(const Arguments& arguments) {
  Arguments complete = arguments;
  const Given given = arguments.operands.empty() ? Given::kNoCommand : Given::kCommand;
  if (given == Given::kNoCommand) complete.operands = {"true"};
  CARREL_TRY(const Descriptors descriptors, check_descriptors(complete));
  CARREL_TRY(Draft drafted, draft(complete, descriptors));
  CARREL_TRY(Prepared prepared, prepare(std::move(drafted), complete, descriptors));
  // What `run` finds out when it gets there.
  if (!prepared.plan.routes.empty() && !in_child(take_every_port).ok()) {
    prepared.taken = Prepared::Taken::kNamedPorts;
  }
  if (arguments.has(Opt::kJson)) return json_text(plan_to_json(prepared, given));
  return plan_text(prepared, given);
}

}  // namespace carrel::cli
