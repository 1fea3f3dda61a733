#include <algorithm>

#include "base/path.h"
#include "plan/environment.h"
#include "plan/limits.h"
#include "plan/mounts.h"
#include "plan/plan.h"
#include "plan/transparent.h"
#include "policy/inside.h"

namespace carrel::plan {
namespace {

using wire::Transport;

constexpr std::uint64_t kPrivateShare = 4;  // of memory, for private folders without a limit
// Where the machine has no such file of its own, too.
constexpr char kTrustFile[] = "/dev/carrel-ca.pem";
constexpr char kDefaultPath[] = "/usr/local/bin:/usr/bin:/bin";

// What a shell would try for `name`, in order. An empty PATH element means the
// working directory, as POSIX has it.
std::vector<std::string> candidates(const std::string& name, const std::string& path) {
  if (name.empty() || name.find('/') != std::string::npos) return {name};
  std::vector<std::string> found;
  std::string_view rest = path;
  for (bool more = true; more;) {
    const std::size_t colon = rest.find(':');
    more = colon != std::string_view::npos;
    const std::string_view folder = rest.substr(0, colon);
    found.push_back((folder.empty() ? "." : std::string(folder)) + "/" + name);
    rest.remove_prefix(more ? colon + 1 : rest.size());
  }
  return found;
}

Command plan_command(const Request& request, const Machine& machine,
                     const std::vector<std::pair<std::string, std::string>>& environment) {
  const auto path = std::find_if(environment.begin(), environment.end(),
                                 [](const auto& variable) { return variable.first == "PATH"; });
  Command command;
  command.arguments = request.arguments;
  command.candidates = candidates(request.arguments.front(),
                                  path == environment.end() ? kDefaultPath : path->second);
  command.working_dir = request.working_dir.value_or(machine.working_dir);
  return command;
}

}  // namespace

Result<Plan> make_plan(policy::Policy policy, const Request& request, const Machine& machine) {
  if (request.arguments.empty()) return Error{Errc::kInvalid, "no command to run"};
  CARREL_CHECK(policy::check(policy));
  Plan plan;
  plan.identity = {machine.uid, machine.gid, machine.uid == 0, machine.may_drop_groups};
  plan.hostname = policy.hostname;

  const std::uint64_t private_bytes =
      policy.limits.scratch.value_or(machine.memory_bytes / kPrivateShare);
  MountRequest mounts{policy.files, private_bytes, machine.uid == 0,
                      request.hand_out_listeners ? machine.carrel : "", machine.interface_folders};
  if (request.transparent) mounts.own_files = resolver_files(policy.network);
  if (request.trust) {
    mounts.own_files[kTrustFile] = request.trust->certificates;
    for (const std::string& path : request.trust->over) {
      mounts.own_files[path] = request.trust->certificates;
    }
  }
  CARREL_TRY(plan.mounts, plan_mounts(mounts, plan.notes));
  add_system_mounts(plan.mounts, mounts);

  CARREL_TRY(plan.filters, filters({policy.network.unix_sockets, policy.system_calls.deny}));
  CARREL_TRY(plan.limits, plan_limits(policy.limits, machine, plan.notes));
  plan.wall_time = policy.limits.wall_time;

  Proxies proxies;
  if (request.hand_out_listeners) {
    plan.listeners = {{Transport::kTcp, kHttpPort}, {Transport::kTcp, kSocksPort}};
    proxies = {kHttpPort, kSocksPort, mounts.helper.empty() ? "" : kHelper};
  }
  if (request.transparent) {
    plan.listeners.push_back({Transport::kUdp, policy::kDnsPort});
    plan.listeners.push_back({Transport::kTcp, policy::kDnsPort});
    for (const policy::HostPort& port : policy.network.host_ports) {
      plan.listeners.push_back({Transport::kTcp, port.port});
    }
    plan.routes = transparent_routes(policy.network);
    plan.transparent_ports = transparent_ports(policy.network);
  }
  const Overrides overrides{request.withheld, request.placeholders,
                            request.trust ? kTrustFile : ""};
  plan.environment = plan_environment(policy.environment, machine, proxies, overrides);
  plan.command = plan_command(request, machine, plan.environment);
  plan.kept_fds = request.kept_fds;
  std::sort(plan.kept_fds.begin(), plan.kept_fds.end());
  plan.kept_fds.erase(std::unique(plan.kept_fds.begin(), plan.kept_fds.end()), plan.kept_fds.end());
  if (plan.kept_fds.size() > wire::kMaxKeptFds) {
    return Error{Errc::kInvalid,
                 "more than " + std::to_string(wire::kMaxKeptFds) + " descriptors to keep"};
  }
  plan.policy = std::move(policy);
  return plan;
}

}  // namespace carrel::plan
