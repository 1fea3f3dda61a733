// What a sandbox may do. Pure values: parsed once at the edge (from_toml.h,
// from_settings.h), then only read. Nothing here touches the machine.
//
// Rules commute: every collection below is a set, so the order in which a policy was written
// cannot change what it means. Two policies that mean the same compare equal.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "policy/glob.h"
#include "policy/hosts.h"
#include "policy/ports.h"
#include "policy/requests.h"

namespace carrel::policy {

// Where a file rule stands. The most specific rule decides what may be read
// (a longer path wins over a shorter one); `protect` wins over `write`
// wherever they meet. The same path in two lists that contradict each other
// is an error.
struct FilesPolicy {
  std::set<std::string> write;  // absolute, normalized; read and written, with all below
  std::set<std::string> read;   // absolute; readable again below a hidden folder
  std::set<Glob> hide;          // absolute; empty folder or EACCES; may hold wildcards
  std::set<Glob> protect;       // absolute; never written, even inside `write`
  // Protected by name in every writable folder at any depth: relative globs
  // such as ".git/hooks" or ".claude/settings*.json". Where one begins with
  // ".git/", a ".git" that is a file is protected too: in worktrees and
  // submodules it says where the hooks are.
  std::set<Glob> protect_names;
  // Names of folders that a package manager fills and empties, such as
  // "node_modules". In one below a writable folder only the names of
  // `protect_names` that begin with ".git/" are protected: git executes its hooks
  // wherever it is called, all else is obeyed in a folder that somebody works in.
  std::set<std::string> dependencies;
  // Empty private folders in memory that vanish at the end, e.g. /tmp.
  std::set<std::string> scratch;

  bool operator==(const FilesPolicy&) const = default;
};

struct EnvironmentPolicy {
  std::set<std::string> pass;              // exact names, or a prefix followed by one '*' ("LC_*")
  std::map<std::string, std::string> set;  // set to this value; wins over `pass`

  bool operator==(const EnvironmentPolicy&) const = default;
};

// An absent limit is not limited. Sizes are bytes.
struct LimitsPolicy {
  std::optional<std::uint64_t> memory;       // all processes together; at least 1 MiB
  std::optional<std::uint32_t> cpu_percent;  // 100 is one CPU; at least 1
  std::optional<std::uint32_t> processes;    // processes and threads; at least 2
  std::optional<std::uint32_t> open_files;   // per process; at least 16
  std::optional<std::uint64_t> file_size;    // of any one file written
  std::optional<std::uint64_t> scratch;      // all private folders together; at least 64 KiB
  std::optional<std::chrono::milliseconds> wall_time;
  // A limit that this machine cannot enforce is an error, unless this is set or
  // the limit is named here: it comes from a profile that says so of its own.
  bool best_effort = false;
  std::set<std::string, std::less<>> from_profile = {};

  bool operator==(const LimitsPolicy&) const = default;
};

enum class UnixSockets : std::uint8_t {
  kNone,  // socket(AF_UNIX) is refused; socketpair works
  kAll,   // every Unix socket that is visible by path can be reached
};

struct NetworkPolicy {
  std::set<HostRule> allow;
  // Wins over allow. A rule for an address or a network also refuses names that
  // resolve into it.
  std::set<HostRule> deny;
  std::set<HostPort> host_ports;    // of the host's loopback, reached at the sandbox's own
  std::set<PublishedPort> publish;  // servers inside that the host reaches
  UnixSockets unix_sockets = UnixSockets::kNone;
  // Where TLS ends at Carrel, so that requests are seen; but not there where
  // `inspect_exclude` says so. What may be reached is for `allow` alone to say.
  std::set<HostRule> inspect;
  std::set<HostRule> inspect_exclude;
  std::set<RequestRule> requests;
  std::set<Credential> credentials;
  std::set<Gateway> gateways;

  bool operator==(const NetworkPolicy&) const = default;
};

// Extra system calls to refuse, by name, on top of what is always refused.
struct SystemCallsPolicy {
  std::set<std::string> deny;

  bool operator==(const SystemCallsPolicy&) const = default;
};

struct Policy {
  std::string hostname = "carrel";
  FilesPolicy files;
  EnvironmentPolicy environment;
  LimitsPolicy limits;
  NetworkPolicy network;
  SystemCallsPolicy system_calls;

  bool operator==(const Policy&) const = default;
};

// Whether anything leads in or out.
[[nodiscard]] bool has_network(const NetworkPolicy& network);

// What relative paths and '~' in a policy mean. Never taken from inside a sandbox.
struct PathContext {
  std::string home;         // absolute; "" if the user has none ('~' is then an error)
  std::string working_dir;  // absolute and real; what "." means
};

// Makes `path` absolute: "~", "~/x", "x", "./x", "/x". kInvalid for an empty
// path, a control character, a wildcard ('*' or '?'), "~user", '~' without a
// home, or a leading '$' (variables are not expanded).
[[nodiscard]] Result<std::string> absolute_path(std::string_view path, const PathContext& context);

// The same for a pattern, whose wildcards stay: "~/.ssh", "**/.env". A relative
// one stands below the working directory.
[[nodiscard]] Result<Glob> absolute_glob(std::string_view pattern, const PathContext& context);

// `base` with all of `over`. Where both name the same path in lists that
// contradict each other, `over` has it: a `write` takes a path out of the
// base's `hide`, a `read` out of its `write`.
[[nodiscard]] FilesPolicy overlay(FilesPolicy base, const FilesPolicy& over);

// The same for rules: one in `over` takes its like out of the base, from
// `allow` and from `deny`. unix_sockets stays the base's.
[[nodiscard]] NetworkPolicy overlay(NetworkPolicy base, const NetworkPolicy& over);

// Sets one limit by its name in a policy ("memory", "cpus", "processes",
// "open_files", "file_size", "scratch", "wall_time") from its text. It is then
// asked for: no longer one of `from_profile`.
[[nodiscard]] Status set_limit(LimitsPolicy& limits, std::string_view name, std::string_view value);

// Refuses what no policy may mean: a `write` or `scratch` that is "/" or lies in
// /proc, /sys or /dev (/dev/shm may be scratch); the same path in `write` and
// `protect` or `hide`, in `read` and `hide`, or in `scratch` and any of them; a
// `write` inside a literal `protect`; the same rule in `allow` and `deny`; "*"
// in `allow`; a host port that carrel's own proxy has inside or that is published, two
// servers published at one place, more than kMaxHostPorts; a bad host name; a path in
// `dependencies`; a limit below its minimum; an environment name with '=' or NUL. The message names
// the entries and the fix.
[[nodiscard]] Status check(const Policy& policy);

}  // namespace carrel::policy
