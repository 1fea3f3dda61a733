// How a run ended, as types.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "plan/wire.h"

namespace carrel::jail {

struct Exited {
  int status = 0;
};
struct Signaled {
  int signal = 0;
};
struct TimedOut {};
// A limit ended the command or made it fail. `status` is what the command
// itself made of it (exit status, or 128 + signal).
struct LimitHit {
  std::string limit;  // as in the policy: "memory", "processes", "file_size", ...
  int status = 0;
};
// The room could not be made: nothing of the command ran.
struct SetupFailed {
  wire::Step step = wire::Step::kNone;
  int sys_errno = 0;
  std::string subject;  // path, limit, port, ... that the step was about
};
// The room stood, but the command could not be executed (126, 127 as in a shell).
struct NotExecuted {
  int sys_errno = 0;
  std::string command;
};

using Outcome = std::variant<Exited, Signaled, TimedOut, LimitHit, SetupFailed, NotExecuted>;

// 0-255 as a shell would report it; 124 for TimedOut as timeout(1) does; 125 for SetupFailed.
[[nodiscard]] int exit_status(const Outcome& outcome);

// One sentence for a person, naming what, why and what to do; "" for Exited and
// Signaled, which speak for themselves.
[[nodiscard]] std::string describe(const Outcome& outcome);

// A limit that was reached at least once, whether or not it ended the command.
struct LimitEvent {
  std::string limit;
  std::uint64_t count = 0;
  std::string evidence;  // "memory.events oom_kill", "SIGXFSZ"
};

// A system call that the filters refused.
struct Denial {
  std::string call;     // "mount"
  std::string program;  // comm of who tried; any bytes
  std::string reason;   // of the rule
  std::uint64_t count = 0;
};

struct Usage {
  std::uint64_t user_us = 0;
  std::uint64_t system_us = 0;
  std::uint64_t peak_memory_bytes = 0;
  std::string peak_memory_of;  // "all processes" (cgroup) or "largest process"
};

struct Finished {
  Outcome outcome;
  Usage usage;
  std::vector<LimitEvent> limits_reached;
  std::vector<Denial> denials;  // only with Launch::record_denials
  bool denials_lost = false;    // there were more kinds than are kept
  wire::Phases phases{};
  std::uint64_t started_at = 0;
  std::uint64_t begun_at = 0;  // the room was begun
  std::uint64_t planned_at = 0;
  std::string context;  // from Launch
};

// Reads the plan and the outcome that the launcher left, reads what the
// cgroups counted, and removes them. `plan_fd` and `outcome_fd` come from argv.
[[nodiscard]] Result<Finished> collect(int plan_fd, int outcome_fd);

}  // namespace carrel::jail
