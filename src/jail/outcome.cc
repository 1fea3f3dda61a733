#include "jail/outcome.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <optional>
#include <type_traits>

#include "base/path.h"
#include "jail/cgroup.h"
#include "jail/launcher/plan_view.h"
#include "plan/filters.h"
#include "plan/steps.h"
#include "plan/system_steps.h"
#include "sys/error.h"
#include "sys/files.h"

namespace carrel::jail {
namespace {

using launcher::PlanView;
using wire::Step;

// The path, port or number that a failed step was about.
std::string subject_of(const PlanView& plan, const wire::Outcome& outcome) {
  const wire::Header& header = plan.header();
  const std::uint32_t index = outcome.index;
  switch (outcome.step) {
    case Step::kTakeSource:
      if (index < header.sources.count) return plan.text(plan.table(header.sources)[index].path);
      break;
    case Step::kMount:
    case Step::kVerifyMount:
      if (index < header.mounts.count) return plan.text(plan.table(header.mounts)[index].target);
      break;
    case Step::kSystemMount:
      if (index < wire::kSystemStepCount) return wire::kSystemSteps[index].target;
      break;
    case Step::kListener:
      if (index < header.listeners.count) {
        return "127.0.0.1:" + std::to_string(plan.table(header.listeners)[index].port);
      }
      break;
    case Step::kWorkingDir:
      return plan.text(header.working_dir);
    case Step::kReopen:
    case Step::kDescriptors:
      return std::to_string(index);
    default:
      break;
  }
  return "";
}

bool has_limit(const PlanView& plan, std::uint32_t resource) {
  for (const wire::Limit& limit : plan.table(plan.header().limits)) {
    if (limit.resource == resource) return true;
  }
  return false;
}

std::uint64_t limit_of(const PlanView& plan, std::uint32_t resource) {
  for (const wire::Limit& limit : plan.table(plan.header().limits)) {
    if (limit.resource == resource) return limit.value;
  }
  return 0;
}

std::string signal_name(int signal) {
  const char* const name = ::sigabbrev_np(signal);
  return name == nullptr ? "signal " + std::to_string(signal) : "SIG" + std::string(name);
}

// 128+n as a shell inside would have passed it on, or n itself.
bool ended_by(const wire::Outcome& outcome, int signal) {
  const auto number = static_cast<std::uint32_t>(signal);
  return (outcome.ended == wire::Ended::kSignaled && outcome.value == number) ||
         (outcome.ended == wire::Ended::kExited && outcome.value == 128 + number);
}

int status_of(const wire::Outcome& outcome) {
  return static_cast<int>(outcome.ended == wire::Ended::kSignaled ? 128 + outcome.value
                                                                  : outcome.value);
}

std::vector<LimitEvent> limits_reached(const PlanView& plan, const wire::Outcome& outcome,
                                       const CgroupCounts& counts) {
  std::vector<LimitEvent> events;
  if (counts.oom_kills > 0) events.push_back({"memory", counts.oom_kills, "cgroup oom_kill"});
  if (counts.forks_refused > 0) {
    events.push_back({"processes", counts.forks_refused, "pids.events max"});
  }
  if (counts.throttled > 0) events.push_back({"cpus", counts.throttled, "cpu.stat nr_throttled"});
  constexpr std::uint32_t kNproc = 6;  // RLIMIT_NPROC
  constexpr std::uint32_t kFsize = 1;  // RLIMIT_FSIZE
  constexpr std::uint32_t kData = 2;   // RLIMIT_DATA
  // No kernel counter tells of RLIMIT_NPROC: what was still there at the end does.
  // (The command itself has ended by then, and PID 1 is in the limit.)
  if (has_limit(plan, kNproc) && outcome.processes_at_end + 2 >= limit_of(plan, kNproc)) {
    events.push_back({"processes", 1, "processes at the end"});
  }
  if (has_limit(plan, kFsize) && ended_by(outcome, SIGXFSZ)) {
    events.push_back({"file_size", 1, "SIGXFSZ"});
  }
  const bool failed = outcome.ended != wire::Ended::kExited || outcome.value != 0;
  if (failed && has_limit(plan, kData) &&
      outcome.max_rss_kib * 1024 >= limit_of(plan, kData) / 10 * 8) {
    events.push_back({"memory", 1, "peak near RLIMIT_DATA"});
  }
  if (outcome.private_full != 0) events.push_back({"scratch", 1, "private folders full"});
  if (outcome.ended == wire::Ended::kTimedOut) events.push_back({"wall_time", 1, "timer"});
  return events;
}

// A limit that was reached, and a command that failed: the one explains the
// other where the way it failed fits.
std::optional<LimitHit> explained_by(const std::vector<LimitEvent>& events,
                                     const wire::Outcome& outcome) {
  if (outcome.ended == wire::Ended::kExited && outcome.value == 0) return std::nullopt;
  for (const LimitEvent& event : events) {
    if (event.limit == "cpus") continue;  // it makes slow, and nothing fail
    const bool lost = outcome.ended == wire::Ended::kFailed && outcome.step == Step::kLost;
    if (lost && event.limit == "memory") return LimitHit{event.limit, 128 + SIGKILL};
    if (outcome.ended == wire::Ended::kExited || outcome.ended == wire::Ended::kSignaled) {
      return LimitHit{event.limit, status_of(outcome)};
    }
  }
  return std::nullopt;
}

Outcome judge(const PlanView& plan, const wire::Outcome& outcome,
              const std::vector<LimitEvent>& events) {
  if (outcome.step == Step::kExecute && outcome.ended == wire::Ended::kExited) {
    return NotExecuted{static_cast<int>(outcome.index),
                       plan.text(plan.table(plan.header().arguments)[0])};
  }
  if (outcome.ended == wire::Ended::kTimedOut) return TimedOut{};
  if (std::optional<LimitHit> hit = explained_by(events, outcome)) return *hit;
  switch (outcome.ended) {
    case wire::Ended::kExited:
      return Exited{static_cast<int>(outcome.value)};
    case wire::Ended::kSignaled:
      return Signaled{static_cast<int>(outcome.value)};
    default:
      return SetupFailed{outcome.step, static_cast<int>(outcome.value), subject_of(plan, outcome)};
  }
}

struct Words {
  std::string operator()(const Exited&) const { return ""; }
  std::string operator()(const Signaled&) const { return ""; }
  std::string operator()(const TimedOut&) const {
    return "stopped at the time limit (limits.wall_time, --timeout)";
  }
  std::string operator()(const LimitHit& hit) const {
    return "the command reached its limit limits." + hit.limit + " (status " +
           std::to_string(hit.status) + "); raise it with --limit " + hit.limit +
           "=..., or in the policy";
  }
  std::string operator()(const SetupFailed& failed) const {
    if (failed.step == Step::kLost) {
      return "the sandbox's first process was ended by " + signal_name(failed.sys_errno) +
             "; everything inside ended with it";
    }
    if (failed.step == Step::kProxy) {
      return "the sandbox's proxy ended" +
             (failed.sys_errno == 0 ? "" : " (" + signal_name(failed.sys_errno) + ")") +
             ", and everything inside with it, since nobody decided any more what may be reached";
    }
    std::string text = "cannot " + plan::describe(failed.step);
    if (!failed.subject.empty()) text += " " + printable(failed.subject);
    text += failed.sys_errno == ESTALE && failed.step == Step::kVerifyMount
                ? ": something else is there"
                : ": " + sys::errno_text(failed.sys_errno);
    const std::string advice = plan::advice(failed.step, failed.sys_errno);
    return advice.empty() ? text : text + "; " + advice;
  }
  std::string operator()(const NotExecuted& missing) const {
    if (missing.sys_errno == ENOENT) {
      return printable(missing.command) +
             ": command not found inside the sandbox (carrel explain shows its PATH and what is "
             "hidden)";
    }
    return printable(missing.command) +
           ": cannot be executed: " + sys::errno_text(missing.sys_errno);
  }
};

struct Statuses {
  int operator()(const Exited& exited) const { return exited.status; }
  int operator()(const Signaled& signaled) const { return 128 + signaled.signal; }
  int operator()(const TimedOut&) const { return 124; }
  int operator()(const LimitHit& hit) const { return hit.status; }
  int operator()(const SetupFailed&) const { return 125; }
  int operator()(const NotExecuted& missing) const {
    return missing.sys_errno == ENOENT ? 127 : 126;
  }
};

}  // namespace

namespace {

std::vector<Denial> denials(const wire::Outcome& outcome) {
  std::vector<Denial> found;
  const std::size_t count = std::min<std::size_t>(outcome.denial_count, wire::kMaxDenials);
  for (std::size_t i = 0; i < count; ++i) {
    const wire::Denial& denial = outcome.denials[i];
    const std::string_view program(denial.program, sizeof denial.program);
    const plan::CallWords words = plan::call_words(denial.number, denial.arguments);
    found.push_back({words.name, std::string(program.substr(0, program.find('\0'))), words.reason,
                     denial.count});
  }
  return found;
}

}  // namespace

int exit_status(const Outcome& outcome) { return std::visit(Statuses{}, outcome); }

std::string describe(const Outcome& outcome) { return std::visit(Words{}, outcome); }

Result<Finished> collect(int plan_fd, int outcome_fd) {
  struct stat info{};
  if (::fstat(plan_fd, &info) == -1) return sys::failed("fstat", "plan");
  const auto size = static_cast<std::size_t>(info.st_size);
  void* const block = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, plan_fd, 0);
  if (block == MAP_FAILED) return sys::failed("mmap", "plan");
  const PlanView plan(block, size);
  wire::Outcome outcome{};
  const ssize_t got = ::pread(outcome_fd, &outcome, sizeof outcome, 0);
  if (!plan.valid() || got != static_cast<ssize_t>(sizeof outcome) ||
      outcome.magic != wire::kMagic) {
    return Error{Errc::kInvalid, "this is the end of a run, started by carrel itself"};
  }
  std::vector<std::string> folders;
  for (const wire::Text& folder : plan.table(plan.header().cgroup_folders)) {
    folders.emplace_back(plan.text(folder));
  }
  const CgroupCounts counts = read_counts(folders);
  remove_cgroups(folders);

  Finished finished;
  finished.limits_reached = limits_reached(plan, outcome, counts);
  finished.outcome = judge(plan, outcome, finished.limits_reached);
  finished.denials = denials(outcome);
  finished.denials_lost = outcome.denials_lost != 0;
  finished.usage.user_us = outcome.user_us;
  finished.usage.system_us = outcome.system_us;
  const bool counted = counts.peak_memory > 0;
  finished.usage.peak_memory_bytes = counted ? counts.peak_memory : outcome.max_rss_kib * 1024;
  finished.usage.peak_memory_of = counted ? "all processes" : "largest process";
  finished.phases = outcome.phases;
  finished.started_at = plan.header().started_at;
  finished.begun_at = plan.header().begun_at;
  finished.planned_at = plan.header().planned_at;
  finished.context = plan.text(plan.header().context);
  return finished;
}

}  // namespace carrel::jail
