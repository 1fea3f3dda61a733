// The exact list of what a launch will do: what `carrel explain` prints is what
// `carrel run` executes. A plan is a value; making one changes nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "plan/filters.h"
#include "plan/machine.h"
#include "plan/wire.h"
#include "policy/policy.h"

namespace carrel::plan {

// Why a mount is there; printed by `explain`.
struct MountSource {
  std::string path;
  std::uint64_t attributes = 0;
  bool recursive = false;
  bool trusted = false;  // wire::Source

  bool operator==(const MountSource&) const = default;
};

struct MountStep {
  wire::MountOp op = wire::MountOp::kPlace;
  std::string target;
  std::optional<std::size_t> source;  // of kPlace
  std::string link;                   // of kMakeSymlink
  std::string contents;               // of kFile
  std::uint64_t attributes = 0;
  std::uint32_t mode = 0;
  bool optional = false;
  bool trusted = false;  // wire::MountStep
  std::string why;

  bool operator==(const MountStep&) const = default;
};

struct MountPlan {
  std::vector<MountSource> sources;
  std::vector<MountStep> steps;
  std::uint64_t private_bytes = 0;  // that all private folders together may hold

  bool operator==(const MountPlan&) const = default;
};

// How one limit is kept.
enum class LimitMeans : std::uint8_t { kCgroup, kRlimit, kMount, kTimer, kNotEnforced };

struct PlannedLimit {
  std::string name;  // as in the policy
  std::uint64_t value = 0;
  LimitMeans means = LimitMeans::kNotEnforced;
  std::string how;  // "memory.max", "RLIMIT_NOFILE, per process"
};

struct LimitPlan {
  std::vector<PlannedLimit> limits;
  std::vector<std::pair<std::uint32_t, std::uint64_t>> rlimits;  // RLIMIT_*, value
  // (controller, file, text): files to write in the sandbox's cgroup.
  struct CgroupSetting {
    std::string controller;
    std::string file;
    std::string value;
  };
  std::vector<CgroupSetting> cgroup;
};

struct Identity {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  bool map_all = false;      // root: all ids exist inside, with no capability over them
  bool drop_groups = false;  // supplementary groups are given up
};

struct Command {
  std::vector<std::string> arguments;   // argv; not empty
  std::vector<std::string> candidates;  // paths that are tried, in order
  std::string working_dir;
};

struct Plan {
  Identity identity;
  std::string hostname;
  MountPlan mounts;
  std::vector<Filter> filters;
  std::vector<std::pair<std::string, std::string>> environment;  // sorted by name
  LimitPlan limits;
  std::vector<wire::Listener> listeners;
  std::vector<policy::Cidr> routes;              // wire::Header::routes
  std::vector<std::uint16_t> transparent_ports;  // likewise
  std::vector<int> kept_fds;
  Command command;
  std::optional<std::chrono::milliseconds> wall_time;
  policy::Policy policy;           // what it was made from
  std::vector<std::string> notes;  // what a user should know, one sentence each
};

// What programs inside trust, where Carrel ends TLS for them.
struct Trust {
  std::string certificates;       // PEM: the machine's, and Carrel's own of this run
  std::vector<std::string> over;  // the machine's files of them, without symbolic links
};

// What the command line adds to a policy.
struct Request {
  std::vector<std::string> arguments;
  std::optional<std::string> working_dir;  // absolute; else the current one
  std::vector<int> kept_fds;
  bool hand_out_listeners = false;
  // Whoever takes the listeners also answers names, and takes connections of
  // programs that know no proxy.
  bool transparent = false;
  std::optional<Trust> trust = {};
  std::set<std::string> withheld = {};                   // variables that hold a secret
  std::map<std::string, std::string> placeholders = {};  // variables and their values
};

// Whether a plan for `policy` can make use of `machine.cgroups`.
[[nodiscard]] bool needs_cgroups(const policy::Policy& policy, const Machine& machine);

// Makes the plan. Reads the file system (which paths exist, protected names in
// writable folders) but changes nothing. kInvalid or kNotFound name the path,
// why it cannot be, and what to do.
[[nodiscard]] Result<Plan> make_plan(policy::Policy policy, const Request& request,
                                     const Machine& machine);

}  // namespace carrel::plan
