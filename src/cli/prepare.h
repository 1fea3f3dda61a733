// From the command line to a plan: the one way that `run` and `explain` share.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/arguments.h"
#include "cli/credentials.h"
#include "cli/network.h"
#include "egress/upstream_proxy.h"
#include "plan/machine.h"
#include "plan/plan.h"
#include "policy/policy.h"

namespace carrel::cli {

// What a run starts from, before anything is planned.
struct Draft {
  plan::Machine machine;
  policy::Policy policy;
  std::string policy_source;  // "profile default", "policy /path/x.toml", "settings /path/x.json"
  // Where the policy allows hosts and carrel's own proxy is to serve them.
  std::optional<egress::UpstreamProxies> upstream = {};
  std::string upstream_text = {};
  TlsNeeds tls = {};               // likewise
  Placeholders placeholders = {};  // likewise
  std::optional<plan::Trust> trust = {};
};

struct Prepared {
  plan::Machine machine;
  plan::Plan plan;
  std::string policy_source;
  int proxy_fd = -1;     // of --proxy-fd; not owned
  std::string upstream;  // the host's own proxies, for people; "" for none
  std::string log;       // of --log; "" for none
  // Of a plan with routes, where somebody wants to know (`explain`): whether this kernel
  // takes every port, or the plan's transparent_ports.
  enum class Taken : std::uint8_t { kEveryPort, kNamedPorts };
  Taken taken = Taken::kEveryPort;
};

// The policy that `arguments` name, with the command line's own entries laid
// over it; they win over what it says, and may not contradict each other.
struct LoadedPolicy {
  policy::Policy policy;
  std::string source;
};
[[nodiscard]] Result<LoadedPolicy> load_policy(const Arguments& arguments,
                                               const policy::PathContext& context);

// The same where no command runs, and so no folder is written.
[[nodiscard]] Result<LoadedPolicy> load_rules(const Arguments& arguments,
                                              const policy::PathContext& context);

// Descriptors that --keep-fd and --proxy-fd name are looked at here: call it,
// or check_descriptors(), before anything else is opened.
struct Descriptors {
  std::vector<int> kept;
  int proxy = -1;
};
[[nodiscard]] Result<Descriptors> check_descriptors(const Arguments& arguments);

[[nodiscard]] Result<Draft> draft(const Arguments& arguments, const Descriptors& descriptors);
[[nodiscard]] Result<Prepared> prepare(Draft draft, const Arguments& arguments,
                                       const Descriptors& descriptors);

}  // namespace carrel::cli
