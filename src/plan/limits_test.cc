#include "plan/limits.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <map>
#include <ostream>

#include "sys/test_folder.h"

namespace carrel::plan {
namespace {

using sys::names;

constexpr std::uint64_t kInfinite = RLIM_INFINITY;

enum class Groups : std::uint8_t { kNone, kV1, kV2 };

Machine machine(std::uint32_t uid, Groups groups) {
  Machine machine;
  machine.uid = uid;
  for (const auto resource :
       {RLIMIT_NOFILE, RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_NPROC, RLIMIT_CORE}) {
    machine.hard_rlimits[static_cast<std::uint32_t>(resource)] = kInfinite;
  }
  if (groups == Groups::kNone) return machine;
  for (const char* controller : {"memory", "pids", "cpu"}) {
    const bool v2 = groups == Groups::kV2;
    machine.cgroups.push_back(
        {controller, v2 ? "/sys/fs/cgroup/x" : std::string("/sys/fs/cgroup/") + controller, v2});
  }
  return machine;
}

struct Planned {
  Result<LimitPlan> plan;
  std::vector<std::string> notes;
};

Planned plan(const policy::LimitsPolicy& limits, const Machine& on) {
  std::vector<std::string> notes;
  Result<LimitPlan> planned = plan_limits(limits, on, notes);
  return {std::move(planned), std::move(notes)};
}

// "memory 1048576 cgroup memory.max", then the files and rlimits that are set.
std::vector<std::string> words(const LimitPlan& plan) {
  const std::map<LimitMeans, std::string> means = {{LimitMeans::kCgroup, "cgroup"},
                                                   {LimitMeans::kRlimit, "rlimit"},
                                                   {LimitMeans::kMount, "mount"},
                                                   {LimitMeans::kTimer, "timer"},
                                                   {LimitMeans::kNotEnforced, "nothing"}};
  const std::map<std::uint32_t, std::string> resources = {{RLIMIT_NOFILE, "NOFILE"},
                                                          {RLIMIT_FSIZE, "FSIZE"},
                                                          {RLIMIT_DATA, "DATA"},
                                                          {RLIMIT_NPROC, "NPROC"}};
  std::vector<std::string> out;
  for (const PlannedLimit& limit : plan.limits) {
    out.push_back(limit.name + " " + std::to_string(limit.value) + " by " + means.at(limit.means));
    EXPECT_FALSE(limit.how.empty()) << limit.name;
  }
  for (const auto& setting : plan.cgroup) {
    out.push_back(setting.controller + ": " + setting.file + "=" + setting.value);
  }
  for (const auto& [resource, value] : plan.rlimits) {
    if (resource != RLIMIT_CORE)
      out.push_back(resources.at(resource) + "=" + std::to_string(value));
  }
  return out;
}

struct Row {
  const char* name;
  policy::LimitsPolicy limits;
  std::uint32_t uid;
  Groups groups;
  std::vector<std::string> expected;
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

class LimitsTable : public testing::TestWithParam<Row> {};

TEST_P(LimitsTable, NamesTheMeans) {
  const Planned planned = plan(GetParam().limits, machine(GetParam().uid, GetParam().groups));
  ASSERT_TRUE(planned.plan.ok()) << planned.plan.error().message;
  EXPECT_EQ(words(planned.plan.value()), GetParam().expected);
}

// A policy with one limit.
template <typename Member, typename Value>
policy::LimitsPolicy only(Member member, Value value) {
  policy::LimitsPolicy limits;
  limits.*member = value;
  return limits;
}
using Limits = policy::LimitsPolicy;
Limits memory(std::uint64_t bytes) { return only(&Limits::memory, bytes); }
Limits cpus(std::uint32_t percent) { return only(&Limits::cpu_percent, percent); }
Limits processes(std::uint32_t count) { return only(&Limits::processes, count); }
Limits open_files(std::uint32_t count) { return only(&Limits::open_files, count); }
Limits file_size(std::uint64_t bytes) { return only(&Limits::file_size, bytes); }
Limits scratch(std::uint64_t bytes) { return only(&Limits::scratch, bytes); }
Limits wall_time(int ms) { return only(&Limits::wall_time, std::chrono::milliseconds(ms)); }
policy::LimitsPolicy best_effort(policy::LimitsPolicy limits) {
  limits.best_effort = true;
  return limits;
}

const std::vector<std::string> kMemoryV1 = {"memory 1048576 by cgroup",
                                            "memory: memory.limit_in_bytes=1048576",
                                            "memory: memory.memsw.limit_in_bytes=1048576"};
const std::vector<std::string> kMemoryV2 = {
    "memory 1048576 by cgroup", "memory: memory.max=1048576", "memory: memory.swap.max=0",
    "memory: memory.oom.group=0"};
const std::vector<std::string> kMemoryNone = {"memory 1048576 by rlimit", "DATA=1048576"};
const std::vector<std::string> kCpuV1 = {"cpus 150 by cgroup", "cpu: cpu.cfs_period_us=100000",
                                         "cpu: cpu.cfs_quota_us=150000"};
const std::vector<std::string> kCpuV2 = {"cpus 150 by cgroup", "cpu: cpu.max=150000 100000"};
// The sandbox's PID 1 is one more.
const std::vector<std::string> kProcessesRlimit = {"processes 8 by rlimit", "NPROC=9"};
const std::vector<std::string> kProcessesCgroup = {"processes 8 by cgroup", "pids: pids.max=9"};

INSTANTIATE_TEST_SUITE_P(
    , LimitsTable,
    testing::Values(
        Row{"NothingAsked", {}, 0, Groups::kV1, {}},
        Row{"MemoryOfRootV1", memory(1 << 20), 0, Groups::kV1, kMemoryV1},
        Row{"MemoryOfRootV2", memory(1 << 20), 0, Groups::kV2, kMemoryV2},
        Row{"MemoryOfRootWithout", memory(1 << 20), 0, Groups::kNone, kMemoryNone},
        Row{"MemoryOfUserV1", memory(1 << 20), 1000, Groups::kV1, kMemoryV1},
        Row{"MemoryOfUserV2", memory(1 << 20), 1000, Groups::kV2, kMemoryV2},
        Row{"MemoryOfUserWithout", memory(1 << 20), 1000, Groups::kNone, kMemoryNone},
        Row{"CpuOfRootV1", cpus(150), 0, Groups::kV1, kCpuV1},
        Row{"CpuOfRootV2", cpus(150), 0, Groups::kV2, kCpuV2},
        Row{"CpuOfUserV1", cpus(150), 1000, Groups::kV1, kCpuV1},
        Row{"CpuOfUserV2", cpus(150), 1000, Groups::kV2, kCpuV2},
        Row{"CpuOfUserWithoutAtBest",
            best_effort(cpus(150)),
            1000,
            Groups::kNone,
            {"cpus 150 by nothing"}},
        Row{"CpuLeast", cpus(1), 0, Groups::kV2, {"cpus 1 by cgroup", "cpu: cpu.max=1000 100000"}},
        Row{"ProcessesOfRootV1", processes(8), 0, Groups::kV1, kProcessesCgroup},
        Row{"ProcessesOfRootV2", processes(8), 0, Groups::kV2, kProcessesCgroup},
        Row{"ProcessesOfRootWithoutAtBest",
            best_effort(processes(8)),
            0,
            Groups::kNone,
            {"processes 8 by nothing"}},
        Row{"ProcessesOfUserV1", processes(8), 1000, Groups::kV1, kProcessesRlimit},
        Row{"ProcessesOfUserV2", processes(8), 1000, Groups::kV2, kProcessesRlimit},
        Row{"ProcessesOfUserWithout", processes(8), 1000, Groups::kNone, kProcessesRlimit},
        Row{"ProcessesMost",
            processes(~0u),
            1000,
            Groups::kNone,
            {"processes 4294967295 by rlimit", "NPROC=4294967296"}},
        Row{"OpenFiles",
            open_files(64),
            0,
            Groups::kNone,
            {"open_files 64 by rlimit", "NOFILE=64"}},
        Row{"FileSize",
            file_size(4096),
            0,
            Groups::kNone,
            {"file_size 4096 by rlimit", "FSIZE=4096"}},
        Row{"Scratch", scratch(65536), 0, Groups::kNone, {"scratch 65536 by mount"}},
        Row{"WallTime", wall_time(1500), 0, Groups::kNone, {"wall_time 1500 by timer"}}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(PlanLimits, RefusesWhatCannotBeKeptUnlessThePolicySaysBestEffort) {
  for (const auto& [limits, name] :
       {std::pair(cpus(100), "limits.cpus"), std::pair(processes(8), "limits.processes")}) {
    const Planned strict = plan(limits, machine(0, Groups::kNone));
    ASSERT_FALSE(strict.plan.ok()) << name;
    EXPECT_EQ(strict.plan.error().code, Errc::kUnsupported);
    EXPECT_TRUE(names(strict.plan.error().message, name));
    EXPECT_TRUE(names(strict.plan.error().message, "limits.best_effort = true"));
    EXPECT_TRUE(names(strict.plan.error().message, "carrel doctor"));

    const Planned lenient = plan(best_effort(limits), machine(0, Groups::kNone));
    ASSERT_TRUE(lenient.plan.ok());
    ASSERT_EQ(lenient.notes.size(), 1u);
    EXPECT_TRUE(names(lenient.notes[0], std::string(name) + " is not enforced"));
  }
}

TEST(PlanLimits, GoesWithoutWhatAProfileBroughtAndSaysSo) {
  policy::LimitsPolicy limits = processes(4096);
  limits.from_profile = {"processes"};
  const Planned planned = plan(limits, machine(0, Groups::kNone));
  ASSERT_TRUE(planned.plan.ok()) << planned.plan.error().message;
  EXPECT_EQ(planned.plan.value().limits.at(0).means, LimitMeans::kNotEnforced);
  ASSERT_EQ(planned.notes.size(), 1u);
  EXPECT_TRUE(names(planned.notes[0], "limits.processes is not enforced"));
  limits.cpu_percent = 100;
  EXPECT_FALSE(plan(limits, machine(0, Groups::kNone)).plan.ok());
}

TEST(PlanLimits, SaysThatMemoryHoldsForEachProcessWithoutACgroup) {
  const Planned planned = plan(memory(1 << 20), machine(1000, Groups::kNone));
  ASSERT_EQ(planned.notes.size(), 1u);
  EXPECT_TRUE(names(planned.notes[0], "for each process"));
  EXPECT_TRUE(plan(memory(1 << 20), machine(1000, Groups::kV2)).notes.empty());
}

TEST(PlanLimits, NeverAsksForMoreThanTheHardLimit) {
  Machine low = machine(1000, Groups::kNone);
  for (auto& [resource, hard] : low.hard_rlimits) hard = 10;
  Limits asked = memory(1 << 20);
  asked.processes = 100;
  asked.open_files = 64;
  asked.file_size = 4096;
  const Planned planned = plan(asked, low);
  ASSERT_TRUE(planned.plan.ok());
  EXPECT_EQ(planned.plan.value().rlimits.size(), 5u);
  for (const auto& [resource, value] : planned.plan.value().rlimits) EXPECT_LE(value, 10u);

  // Nor does a limit that is lower than the hard one become higher.
  const Planned lower = plan(open_files(16), machine(1000, Groups::kNone));
  EXPECT_EQ(words(lower.plan.value()).back(), "NOFILE=16");
}

TEST(PlanLimits, AlwaysKeepsCoreFilesAwayWithoutRunningAHelperOfTheHost) {
  for (const std::uint32_t uid : {0u, 1000u}) {
    const LimitPlan planned = plan({}, machine(uid, Groups::kNone)).plan.value();
    ASSERT_EQ(planned.rlimits.size(), 1u);
    EXPECT_EQ(planned.rlimits[0].first, static_cast<std::uint32_t>(RLIMIT_CORE));
    EXPECT_EQ(planned.rlimits[0].second, 1u);
  }
}

TEST(NeedsCgroups, OnlyWhereALimitCouldUseThem) {
  for (const std::uint32_t uid : {0u, 1000u}) {
    const Machine on = machine(uid, Groups::kNone);
    policy::Policy policy;
    EXPECT_FALSE(needs_cgroups(policy, on));
    for (const Limits& limits : {open_files(64), file_size(1), scratch(65536), wall_time(1)}) {
      policy.limits = limits;
      EXPECT_FALSE(needs_cgroups(policy, on));
    }
    for (const Limits& limits : {memory(1 << 20), cpus(1)}) {
      policy.limits = limits;
      EXPECT_TRUE(needs_cgroups(policy, on));
    }
    policy.limits = processes(2);
    EXPECT_EQ(needs_cgroups(policy, on), uid == 0);
  }
}

}  // namespace
}  // namespace carrel::plan
