#include "jail/cgroup.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "plan/limits.h"
#include "sys/files.h"
#include "sys/test_folder.h"

namespace carrel::jail {
namespace {

using plan::LimitPlan;
using plan::Machine;
using sys::names;
using sys::TestFolder;

// The kernel makes the files of a real cgroup; in these plain folders only those
// settings succeed whose file may be absent.
const LimitPlan::CgroupSetting kMayBeAbsent = {"memory", "memory.swap.max", "0"};
const LimitPlan::CgroupSetting kMustBeThere = {"memory", "memory.max", "1048576"};

std::string own_name() { return "carrel-" + std::to_string(::getpid()); }

// A process ID that nobody has: of a child that is gone.
std::string dead_pid() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  EXPECT_EQ(::waitpid(child, nullptr, 0), child);
  return std::to_string(child);
}

class FakeCgroups : public testing::Test {
 protected:
  FakeCgroups() {
    folder_.file("parent/cgroup.subtree_control", "");
    folder_.file("parent/cgroup.procs", "");
    machine_.cgroups = {{"memory", folder_.path("parent"), true},
                        {"pids", folder_.path("parent"), true}};
  }
  [[nodiscard]] static LimitPlan limits(std::vector<LimitPlan::CgroupSetting> settings) {
    LimitPlan plan;
    plan.cgroup = std::move(settings);
    return plan;
  }
  [[nodiscard]] bool exists(const std::string& below) const {
    return std::filesystem::exists(folder_.path(below));
  }

  const TestFolder folder_;
  Machine machine_;
};

TEST_F(FakeCgroups, AreNotTouchedWithoutALimitThatNeedsThem) {
  const Result<std::vector<std::string>> made = make_cgroups({}, machine_);
  ASSERT_TRUE(made.ok());
  EXPECT_TRUE(made.value().empty());
  EXPECT_EQ(folder_.text_of("parent/cgroup.subtree_control"), "");
}

TEST_F(FakeCgroups, GetOneFolderForAllControllersOfV2) {
  const Result<std::vector<std::string>> made =
      make_cgroups(limits({kMayBeAbsent, {"pids", "memory.oom.group", "0"}}), machine_);
  ASSERT_TRUE(made.ok()) << made.error().message;
  EXPECT_EQ(made.value(), std::vector<std::string>({folder_.path("parent/" + own_name())}));
  EXPECT_TRUE(exists("parent/" + own_name()));
  EXPECT_EQ(folder_.text_of("parent/cgroup.subtree_control"), "+memory +pids ");
  remove_cgroups(made.value());
  EXPECT_FALSE(exists("parent/" + own_name()));
}

TEST_F(FakeCgroups, AreHandedOnlyTheControllersThatALimitNeeds) {
  const Result<std::vector<std::string>> made = make_cgroups(limits({kMayBeAbsent}), machine_);
  ASSERT_TRUE(made.ok()) << made.error().message;
  EXPECT_EQ(folder_.text_of("parent/cgroup.subtree_control"), "+memory ");
  remove_cgroups(made.value());
}

TEST_F(FakeCgroups, LeaveNothingBehindIfASettingIsRefused) {
  const Result<std::vector<std::string>> made =
      make_cgroups(limits({kMayBeAbsent, kMustBeThere}), machine_);
  ASSERT_FALSE(made.ok());
  EXPECT_TRUE(names(made.error().message, "make the sandbox's cgroup"));
  EXPECT_TRUE(names(made.error().message, "memory.max"));
  EXPECT_FALSE(exists("parent/" + own_name()));
}

TEST_F(FakeCgroups, ThatCannotBeJoinedAreNamed) {
  machine_.cgroups = {{"memory", folder_.path("parent"), false}};
  const Result<std::vector<std::string>> made = make_cgroups(limits({kMayBeAbsent}), machine_);
  ASSERT_TRUE(made.ok()) << made.error().message;
  const Status joined = join_cgroups(made.value(), 1);  // a plain folder has no cgroup.procs
  ASSERT_FALSE(joined.ok());
  EXPECT_TRUE(names(joined.error().message, "cgroup.procs"));
  remove_cgroups(made.value());
  EXPECT_FALSE(exists("parent/" + own_name()));
}

TEST_F(FakeCgroups, FailWithTheFolderThatIsMissing) {
  machine_.cgroups = {{"memory", folder_.path("missing"), false}};
  const Result<std::vector<std::string>> made = make_cgroups(limits({kMayBeAbsent}), machine_);
  ASSERT_FALSE(made.ok());
  EXPECT_TRUE(names(made.error().message, folder_.path("missing/" + own_name())));
}

TEST_F(FakeCgroups, RemoveWhatKilledRunsLeftAndNothingElse) {
  const std::string stale = "carrel-" + dead_pid();
  const std::string alive = "carrel-" + std::to_string(::getppid());
  for (const std::string& name : {stale, alive, std::string("carrel-supervisors"),
                                  std::string("docker-1"), std::string("carrel")}) {
    folder_.dir("parent/" + name);
  }
  const Result<std::vector<std::string>> made = make_cgroups(limits({kMayBeAbsent}), machine_);
  ASSERT_TRUE(made.ok()) << made.error().message;
  EXPECT_FALSE(exists("parent/" + stale));
  EXPECT_TRUE(exists("parent/" + alive));
  EXPECT_TRUE(exists("parent/carrel-supervisors"));
  EXPECT_TRUE(exists("parent/docker-1"));
  EXPECT_TRUE(exists("parent/carrel"));
  remove_cgroups(made.value());
}

// Process IDs come round again, at once where each container counts from 1.
TEST_F(FakeCgroups, TakeThePlaceOfAKilledRunThatHadTheSameProcessId) {
  folder_.dir("parent/" + own_name());
  const Result<std::vector<std::string>> made = make_cgroups(limits({kMayBeAbsent}), machine_);
  ASSERT_TRUE(made.ok()) << made.error().message;
  remove_cgroups(made.value());
  EXPECT_FALSE(exists("parent/" + own_name()));
}

TEST(ReadCounts, OfV2) {
  const TestFolder folder;
  folder.file("memory.events", "low 0\nhigh 9\nmax 8\noom 7\noom_kill 3\noom_group_kill 1\n");
  folder.file("pids.events", "max 5\n");
  folder.file("cpu.stat", "usage_usec 1\nnr_throttled 2\nthrottled_usec 400\n");
  folder.file("memory.peak", "1048576\n");
  const CgroupCounts counts = read_counts({folder.path()});
  EXPECT_EQ(counts.oom_kills, 3u);
  EXPECT_EQ(counts.forks_refused, 5u);
  EXPECT_EQ(counts.throttled, 2u);
  EXPECT_EQ(counts.peak_memory, 1048576u);
}

TEST(ReadCounts, OfV1InSeveralFolders) {
  const TestFolder folder;
  folder.file("memory/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
  folder.file("memory/memory.max_usage_in_bytes", "4096\n");
  folder.file("pids/pids.events", "max 1\n");
  folder.file("cpu/cpu.stat", "nr_periods 1\nnr_throttled 1\nthrottled_time 5000\n");
  const CgroupCounts counts =
      read_counts({folder.path("memory"), folder.path("pids"), folder.path("cpu")});
  EXPECT_EQ(counts.oom_kills, 2u);
  EXPECT_EQ(counts.forks_refused, 1u);
  EXPECT_EQ(counts.throttled, 1u);
  EXPECT_EQ(counts.peak_memory, 4096u);
}

TEST(ReadCounts, TakeNothingFromWhatIsMissingOrBroken) {
  const TestFolder folder;
  folder.file("memory.events", "oom_kill\noom_kill_x 9\nxoom_kill 9\noom_kill abc");
  folder.file("pids.events", "");
  folder.file("memory.peak", "max\n");
  for (const std::string& path : {folder.path(), folder.path("missing")}) {
    const CgroupCounts counts = read_counts({path});
    EXPECT_EQ(counts.oom_kills, 0u);
    EXPECT_EQ(counts.forks_refused, 0u);
    EXPECT_EQ(counts.throttled, 0u);
    EXPECT_EQ(counts.peak_memory, 0u);
  }
}

TEST(RemoveCgroups, PassesOverWhatIsGoneOrNotEmpty) {
  const TestFolder folder;
  folder.dir("empty");
  folder.file("full/file");
  remove_cgroups({folder.path("missing"), folder.path("full"), folder.path("empty")});
  EXPECT_FALSE(std::filesystem::exists(folder.path("empty")));
  EXPECT_TRUE(std::filesystem::exists(folder.path("full/file")));
}

Machine this_machine() {
  Machine machine = plan::this_machine().value();
  machine.cgroups = plan::usable_cgroups();
  return machine;
}

// The machine's own cgroups, made and removed without anything running in them.
TEST(RealCgroups, HoldWhatThePlanAskedFor) {
  const Machine machine = this_machine();
  if (machine.cgroups.empty()) {
    GTEST_SKIP() << "this user may make no cgroup here; run the tests as root to have it";
  }
  policy::LimitsPolicy limits;
  limits.memory = 64 << 20;
  limits.cpu_percent = 50;
  limits.processes = 8;
  limits.best_effort = true;
  std::vector<std::string> notes;
  const LimitPlan planned = plan::plan_limits(limits, machine, notes).value();
  const Result<std::vector<std::string>> made = make_cgroups(planned, machine);
  ASSERT_TRUE(made.ok()) << made.error().message;
  ASSERT_FALSE(made.value().empty());
  int held = 0;
  for (const auto& setting : planned.cgroup) {
    for (const std::string& folder : made.value()) {
      const Result<std::string> text = sys::read_file(folder + "/" + setting.file);
      if (!text.ok()) continue;
      EXPECT_EQ(text.value(), setting.value + "\n") << setting.file;
      ++held;
    }
  }
  EXPECT_GE(held, 1);
  EXPECT_EQ(read_counts(made.value()).oom_kills, 0u);
  remove_cgroups(made.value());
  for (const std::string& folder : made.value()) {
    EXPECT_FALSE(std::filesystem::exists(folder)) << folder;
  }
}

// A process that is put there by the descriptor that the launcher gets is limited.
TEST(RealCgroups, RefuseOneProcessTooMany) {
  const Machine machine = this_machine();
  const auto pids = std::find_if(machine.cgroups.begin(), machine.cgroups.end(),
                                 [](const auto& c) { return c.controller == "pids" && !c.v2; });
  if (pids == machine.cgroups.end()) {
    GTEST_SKIP() << "this user may make no v1 pids cgroup here; run the tests as root to have it";
  }
  LimitPlan limits;
  limits.cgroup = {{"pids", "pids.max", "1"}};
  const Result<std::vector<std::string>> made = make_cgroups(limits, machine);
  ASSERT_TRUE(made.ok()) << made.error().message;
  ASSERT_EQ(made.value().size(), 1u);
  const pid_t child = ::fork();
  if (child == 0) {
    if (!join_cgroups(made.value(), ::getpid()).ok()) ::_exit(2);
    const pid_t another = ::fork();
    if (another == 0) ::_exit(0);
    ::_exit(another == -1 && errno == EAGAIN ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_GE(read_counts(made.value()).forks_refused, 1u);
  remove_cgroups(made.value());
  EXPECT_FALSE(std::filesystem::exists(made.value()[0]));
}

}  // namespace
}  // namespace carrel::jail
