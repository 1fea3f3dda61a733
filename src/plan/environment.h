// What the command finds in its environment.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "plan/machine.h"
#include "policy/inside.h"
#include "policy/policy.h"

namespace carrel::plan {

using policy::kHttpPort;
using policy::kSocksPort;

// Proxy settings that every common program understands, for listeners on
// 127.0.0.1 inside: HTTP on `http_port`, SOCKS5 on `socks_port`.
struct Proxies {
  std::uint16_t http_port = 0;  // 0: no proxy
  std::uint16_t socks_port = 0;
  std::string helper = {};  // path inside of carrel, for ssh; "": nc(1) must do
};

// What credentials and inspection change.
struct Overrides {
  std::set<std::string> withheld;                   // hold secrets: never passed on
  std::map<std::string, std::string> placeholders;  // by variable
  std::string ca_file = {};  // of what to trust, for those who look at variables; "": as outside
};

// Sorted by name. What is passed on is what policy.pass names and the caller
// has; policy.set wins. As root, tar is told not to restore owners, which root
// tries by default and cannot without capabilities.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> plan_environment(
    const policy::EnvironmentPolicy& policy, const Machine& machine, const Proxies& proxies,
    const Overrides& overrides = {});

}  // namespace carrel::plan
