#include "policy/limits.h"

#include <algorithm>

#include "base/path.h"
#include "policy/document.h"
#include "policy/units.h"

namespace carrel::policy {
namespace {

constexpr std::uint64_t kMinMemory = 1 << 20;  // less cannot hold a process
constexpr std::uint32_t kMinCpuPercent = 1;    // of the kernel's quota
constexpr std::uint32_t kMinProcesses = 2;     // the sandbox's PID 1 and the command
constexpr std::uint32_t kMinOpenFiles = 16;    // a dynamic loader at work
constexpr std::uint64_t kMinFileSize = 1;
constexpr std::uint64_t kMinScratch = 64 << 10;
constexpr std::chrono::milliseconds kMinWallTime{1};

std::string print_count(std::uint64_t count) { return std::to_string(count); }
std::string print_percent(std::uint64_t percent) { return std::to_string(percent) + "%"; }

template <typename T, typename Print>
std::optional<LowLimit> check_least(std::string_view name, const std::optional<T>& limit, T least,
                                    Print print) {
  if (!limit || *limit >= least) return std::nullopt;
  return LowLimit{std::string(name), std::string(name) + " is " + print(*limit) +
                                         ", which is too little to run anything; write at least " +
                                         print(least)};
}

template <typename T, typename U>
Status assign(std::optional<T>& limit, Result<U> parsed) {
  CARREL_TRY(limit, std::move(parsed));
  return Unit{};
}

// `name` is one of kLimitNames.
Status assign_limit(LimitsPolicy& limits, std::string_view name, std::string_view value) {
  if (name == "memory") return assign(limits.memory, parse_size(value));
  if (name == "cpus") return assign(limits.cpu_percent, parse_cpus(value));
  if (name == "processes") return assign(limits.processes, parse_count(value));
  if (name == "open_files") return assign(limits.open_files, parse_count(value));
  if (name == "file_size") return assign(limits.file_size, parse_size(value));
  if (name == "scratch") return assign(limits.scratch, parse_size(value));
  return assign(limits.wall_time, parse_duration(value));
}

}  // namespace

std::optional<LowLimit> find_low_limit(const LimitsPolicy& limits) {
  if (auto low = check_least("memory", limits.memory, kMinMemory, print_size)) return low;
  if (auto low = check_least("cpus", limits.cpu_percent, kMinCpuPercent, print_percent)) return low;
  if (auto low = check_least("processes", limits.processes, kMinProcesses, print_count)) return low;
  if (auto low = check_least("open_files", limits.open_files, kMinOpenFiles, print_count)) {
    return low;
  }
  if (auto low = check_least("file_size", limits.file_size, kMinFileSize, print_size)) return low;
  if (auto low = check_least("scratch", limits.scratch, kMinScratch, print_size)) return low;
  return check_least("wall_time", limits.wall_time, kMinWallTime, print_duration);
}

std::set<std::string, std::less<>> names_of_set(const LimitsPolicy& limits) {
  std::set<std::string, std::less<>> names;
  const auto add = [&](const auto& limit, const char* name) {
    if (limit) names.insert(name);
  };
  add(limits.memory, "memory");
  add(limits.cpu_percent, "cpus");
  add(limits.processes, "processes");
  add(limits.open_files, "open_files");
  add(limits.file_size, "file_size");
  add(limits.scratch, "scratch");
  add(limits.wall_time, "wall_time");
  return names;
}

Status set_limit(LimitsPolicy& limits, std::string_view name, std::string_view value) {
  if (std::find(kLimitNames.begin(), kLimitNames.end(), name) == kLimitNames.end()) {
    return Error{Errc::kInvalid,
                 "unknown limit '" + printable(name) + "'; " + suggestion(name, kLimitNames)};
  }
  LimitsPolicy changed = limits;
  if (Status done = assign_limit(changed, name, value); !done.ok()) {
    return std::move(done).error().in(name);
  }
  if (auto low = find_low_limit(changed); low && low->name == name) {
    return Error{Errc::kInvalid, std::move(low->message)};
  }
  changed.from_profile.erase(std::string(name));
  limits = std::move(changed);
  return Unit{};
}

}  // namespace carrel::policy
