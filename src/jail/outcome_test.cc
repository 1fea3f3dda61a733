#include "jail/outcome.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <csignal>
#include <cstring>
#include <ostream>

#include "plan/encode.h"
#include "sys/files.h"
#include "sys/test_folder.h"

namespace carrel::jail {
namespace {

using plan::Plan;
using sys::has_control_characters;
using sys::names;
using wire::Ended;
using wire::Step;

Plan some_plan(const std::string& command = "build") {
  Plan plan;
  plan.mounts.sources = {{"/work", 0, true, false}};
  plan.mounts.steps.resize(2);
  plan.mounts.steps[1].op = wire::MountOp::kHideDir;
  plan.mounts.steps[0].source = 0;
  plan.mounts.steps[0].target = "/work";
  plan.mounts.steps[1].target = "/home/u/.ssh";
  plan.listeners = {{wire::Transport::kTcp, 3128}, {wire::Transport::kTcp, 1080}};
  plan.command.arguments = {command, "-x"};
  plan.command.candidates = {"/bin/" + command};
  plan.command.working_dir = "/work/here";
  return plan;
}

wire::Outcome ended(Ended how, std::uint32_t value) {
  wire::Outcome outcome{};
  outcome.magic = wire::kMagic;
  outcome.ended = how;
  outcome.value = value;
  return outcome;
}

wire::Outcome failed(Step step, int code, std::uint32_t index = 0) {
  wire::Outcome outcome = ended(Ended::kFailed, static_cast<std::uint32_t>(code));
  outcome.step = step;
  outcome.index = index;
  return outcome;
}

wire::Outcome not_executed(int code) {
  wire::Outcome outcome = ended(Ended::kExited, code == ENOENT ? 127 : 126);
  outcome.step = Step::kExecute;
  outcome.index = static_cast<std::uint32_t>(code);
  return outcome;
}

UniqueFd memfd(std::string_view bytes) {
  UniqueFd fd = sys::memfd_create("carrel-test", sys::Memfd::kData).value();
  EXPECT_TRUE(sys::write_all(fd, bytes).ok());
  return fd;
}

std::string_view bytes_of(const wire::Outcome& outcome) {
  return {reinterpret_cast<const char*>(&outcome), sizeof outcome};
}

Finished finish(const Plan& plan, const wire::Outcome& outcome,
                const plan::RunHandles& handles = {}) {
  const UniqueFd plan_fd = memfd(plan::encode(plan, handles).value());
  const UniqueFd outcome_fd = memfd(bytes_of(outcome));
  Result<Finished> finished = collect(plan_fd.get(), outcome_fd.get());
  EXPECT_TRUE(finished.ok()) << finished.error().message;
  return finished.ok() ? std::move(finished).value() : Finished();
}

struct Row {
  const char* name;
  wire::Outcome outcome;
  int status;
  std::vector<std::string> words;  // of describe(); none: it is silent
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

class OutcomeOf : public testing::TestWithParam<Row> {};

TEST_P(OutcomeOf, HasItsStatusAndItsWords) {
  const Finished finished = finish(some_plan(), GetParam().outcome);
  EXPECT_EQ(exit_status(finished.outcome), GetParam().status);
  const std::string text = describe(finished.outcome);
  EXPECT_EQ(text.empty(), GetParam().words.empty()) << text;
  for (const std::string& word : GetParam().words) EXPECT_TRUE(names(text, word));
  EXPECT_FALSE(has_control_characters(text));
}

INSTANTIATE_TEST_SUITE_P(
    , OutcomeOf,
    testing::Values(
        Row{"Success", ended(Ended::kExited, 0), 0, {}},
        Row{"Failure", ended(Ended::kExited, 1), 1, {}},
        Row{"GreatestStatus", ended(Ended::kExited, 255), 255, {}},
        Row{"StatusesOfItsOwn", ended(Ended::kExited, 125), 125, {}},
        Row{"Killed", ended(Ended::kSignaled, SIGKILL), 137, {}},
        Row{"Interrupted", ended(Ended::kSignaled, SIGINT), 130, {}},
        Row{"RealTimeSignal", ended(Ended::kSignaled, 64), 192, {}},
        Row{"TimedOut", ended(Ended::kTimedOut, 0), 124, {"limits.wall_time", "--timeout"}},
        Row{"TimedOutByKill", ended(Ended::kTimedOut, SIGKILL), 124, {"time limit"}},
        Row{"NotFound", not_executed(ENOENT), 127, {"build: command not found", "carrel explain"}},
        Row{"NotExecutable",
            not_executed(EACCES),
            126,
            {"build: cannot be executed", "Permission denied"}},
        Row{"TooLong", not_executed(E2BIG), 126, {"Argument list too long"}},
        Row{"NoNamespaces",
            failed(Step::kNamespaces, EPERM),
            125,
            {"make the namespaces", "Operation not permitted", "carrel doctor"}},
        Row{"NoMoreNamespaces", failed(Step::kNamespaces, ENOSPC), 125, {"max_user_namespaces"}},
        Row{"NoSource", failed(Step::kTakeSource, ELOOP), 125, {"open /work", "symbolic link"}},
        Row{"NoMount",
            failed(Step::kMount, EPERM, 1),
            125,
            {"mount over /home/u/.ssh", "carrel doctor"}},
        Row{"Swapped",
            failed(Step::kVerifyMount, ESTALE, 1),
            125,
            {"/home/u/.ssh: something else is there", "look who did that"}},
        Row{"NoListener",
            failed(Step::kListener, EADDRINUSE, 1),
            125,
            {"127.0.0.1:1080", "Address already in use"}},
        Row{"NoWorkingDir",
            failed(Step::kWorkingDir, ENOENT),
            125,
            {"/work/here", "No such file", "--cwd"}},
        Row{"NoDescriptor",
            failed(Step::kDescriptors, EBADF, 7),
            125,
            {"7", "Bad file descriptor", "--keep-fd"}},
        Row{"NoFilter", failed(Step::kSeccomp, EINVAL, 1), 125, {"system-call filter"}},
        Row{"NoProxy", failed(Step::kProxy, SIGKILL), 125, {"proxy ended (SIGKILL)"}},
        Row{"ProxyThatGaveUp", failed(Step::kProxy, 0), 125, {"proxy ended, and everything"}},
        Row{"Lost", failed(Step::kLost, SIGKILL), 125, {"SIGKILL", "everything inside ended"}},
        Row{"LostWithoutASignal", failed(Step::kLost, 0), 125, {"signal 0"}},
        Row{"StepOfAnotherBuild", failed(static_cast<Step>(999), EIO), 125, {"Input/output error"}},
        Row{"HowOfAnotherBuild", ended(static_cast<Ended>(99), 0), 125, {"cannot"}}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Outcome, OfEveryStepHasWordsAndStaysWithinThePlan) {
  for (std::uint32_t step = 0; step <= static_cast<std::uint32_t>(Step::kLost); ++step) {
    for (const std::uint32_t index : {0u, 1u, 2u, 3u, 1000u, ~0u}) {
      const Finished finished = finish(some_plan(), failed(static_cast<Step>(step), EPERM, index));
      EXPECT_EQ(exit_status(finished.outcome), 125);
      EXPECT_FALSE(describe(finished.outcome).empty()) << step;
    }
  }
}

TEST(Outcome, HostileNamesDoNotReachTheTerminal) {
  const std::string name = "evil\x1b]0;owned\x07\r\n\xe2\x80\xae\xff";
  for (const int code : {ENOENT, EACCES}) {
    const std::string text = describe(finish(some_plan(name), not_executed(code)).outcome);
    EXPECT_FALSE(has_control_characters(text)) << text;
    EXPECT_EQ(text.find("\xe2\x80\xae"), std::string::npos);
    EXPECT_TRUE(names(text, "evil\\x1b"));
  }
  Plan plan = some_plan();
  plan.command.working_dir = plan.mounts.sources[0].path = plan.mounts.steps[0].target = "/" + name;
  for (const Step step : {Step::kWorkingDir, Step::kTakeSource, Step::kMount, Step::kVerifyMount}) {
    EXPECT_FALSE(has_control_characters(describe(finish(plan, failed(step, ENOENT)).outcome)));
  }
}

// ---------------------------------------------------------------- limits

Plan limited(std::uint32_t resource, std::uint64_t value) {
  Plan plan = some_plan();
  plan.limits.rlimits = {{RLIMIT_CORE, 1}, {resource, value}};
  return plan;
}

std::string limit_of(const Finished& finished) {
  const auto* const hit = std::get_if<LimitHit>(&finished.outcome);
  return hit == nullptr ? "none" : hit->limit + " " + std::to_string(hit->status);
}

TEST(LimitHits, FileSizeIsToldBySigxfsz) {
  const Plan plan = limited(RLIMIT_FSIZE, 4096);
  EXPECT_EQ(limit_of(finish(plan, ended(Ended::kSignaled, SIGXFSZ))), "file_size 153");
  EXPECT_EQ(limit_of(finish(plan, ended(Ended::kExited, 128 + SIGXFSZ))), "file_size 153");
  EXPECT_EQ(limit_of(finish(plan, ended(Ended::kSignaled, SIGTERM))), "none");
  EXPECT_EQ(limit_of(finish(some_plan(), ended(Ended::kSignaled, SIGXFSZ))), "none");
}

TEST(LimitHits, ProcessesAreToldByWhatWasThereAtTheEnd) {
  const Plan plan = limited(RLIMIT_NPROC, 9);  // eight, and PID 1
  wire::Outcome outcome = ended(Ended::kExited, 1);
  outcome.processes_at_end = 7;
  EXPECT_EQ(limit_of(finish(plan, outcome)), "processes 1");
  outcome.processes_at_end = 6;
  EXPECT_EQ(limit_of(finish(plan, outcome)), "none");
  outcome = ended(Ended::kExited, 0);
  outcome.processes_at_end = 7;
  const Finished fine = finish(plan, outcome);
  EXPECT_EQ(limit_of(fine), "none") << "a command that succeeds was not ended by a limit";
  EXPECT_EQ(exit_status(fine.outcome), 0);
}

TEST(LimitHits, MemoryIsToldByThePeak) {
  const Plan plan = limited(RLIMIT_DATA, 100 << 20);
  wire::Outcome outcome = ended(Ended::kSignaled, SIGABRT);
  outcome.max_rss_kib = 80 << 10;
  EXPECT_EQ(limit_of(finish(plan, outcome)), "memory 134");
  outcome.max_rss_kib = 40 << 10;
  EXPECT_EQ(limit_of(finish(plan, outcome)), "none");
  outcome = ended(Ended::kExited, 0);
  outcome.max_rss_kib = 90 << 10;
  EXPECT_TRUE(finish(plan, outcome).limits_reached.empty());
}

TEST(LimitHits, ScratchIsToldByPrivateFoldersThatAreFull) {
  wire::Outcome outcome = ended(Ended::kExited, 1);
  EXPECT_EQ(limit_of(finish(some_plan(), outcome)), "none");
  outcome.private_full = 1;
  EXPECT_EQ(limit_of(finish(some_plan(), outcome)), "scratch 1");
}

TEST(LimitHits, TheCgroupsCountsTellAndItsFolderIsRemoved) {
  const sys::TestFolder folder;
  plan::RunHandles handles;
  handles.cgroup_folders = {folder.path("memory"), folder.path("empty")};
  folder.file("memory/memory.events", "oom_kill 2\n");
  folder.file("memory/memory.peak", "5000000\n");
  folder.dir("empty");
  wire::Outcome outcome = ended(Ended::kSignaled, SIGKILL);
  outcome.max_rss_kib = 100;
  const Finished finished = finish(some_plan(), outcome, handles);
  EXPECT_EQ(limit_of(finished), "memory 137");
  ASSERT_EQ(finished.limits_reached.size(), 1u);
  EXPECT_EQ(finished.limits_reached[0].count, 2u);
  EXPECT_EQ(finished.usage.peak_memory_bytes, 5000000u);
  EXPECT_EQ(finished.usage.peak_memory_of, "all processes");
  EXPECT_FALSE(sys::lstat_if_exists(folder.path("empty")).value().has_value());
}

TEST(LimitHits, TheFirstProcessThatMemoryTookIsNoFailureOfTheRoom) {
  const sys::TestFolder folder;
  plan::RunHandles handles;
  handles.cgroup_folders = {folder.path()};
  folder.file("memory.oom_control", "oom_kill 1\n");
  EXPECT_EQ(limit_of(finish(some_plan(), failed(Step::kLost, SIGKILL), handles)), "memory 137");
  EXPECT_EQ(exit_status(finish(some_plan(), failed(Step::kMount, EPERM), handles).outcome), 125);
}

TEST(LimitHits, AreListedThoughTheCommandSucceeded) {
  const sys::TestFolder folder;
  plan::RunHandles handles;
  handles.cgroup_folders = {folder.path()};
  folder.file("pids.events", "max 3\n");
  const Finished finished = finish(some_plan(), ended(Ended::kExited, 0), handles);
  EXPECT_EQ(exit_status(finished.outcome), 0);
  ASSERT_EQ(finished.limits_reached.size(), 1u);
  EXPECT_EQ(finished.limits_reached[0].limit, "processes");
  EXPECT_EQ(finished.limits_reached[0].count, 3u);
  EXPECT_FALSE(finished.limits_reached[0].evidence.empty());
}

TEST(LimitHits, WordsNameTheLimitAndHowToRaiseIt) {
  const std::string text = describe(LimitHit{"memory", 137});
  EXPECT_TRUE(names(text, "limits.memory"));
  EXPECT_TRUE(names(text, "137"));
  EXPECT_TRUE(names(text, "--limit memory="));
  const Finished timed_out = finish(some_plan(), ended(Ended::kTimedOut, 0));
  ASSERT_EQ(timed_out.limits_reached.size(), 1u);
  EXPECT_EQ(timed_out.limits_reached[0].limit, "wall_time");
}

// ---------------------------------------------------------------- collect()

TEST(Collect, GivesBackWhatTheLauncherMeasured) {
  plan::RunHandles handles;
  handles.context = "context";
  handles.started_at = 11;
  handles.planned_at = 22;
  wire::Outcome outcome = ended(Ended::kExited, 3);
  outcome.user_us = 100;
  outcome.system_us = 200;
  outcome.max_rss_kib = 300;
  outcome.phases = {1, 2, 3, 4, 5, 6};
  const Finished finished = finish(some_plan(), outcome, handles);
  EXPECT_EQ(finished.usage.user_us, 100u);
  EXPECT_EQ(finished.usage.system_us, 200u);
  EXPECT_EQ(finished.usage.peak_memory_bytes, 300u * 1024);
  EXPECT_EQ(finished.usage.peak_memory_of, "largest process");
  EXPECT_EQ(finished.phases.launcher, 1u);
  EXPECT_EQ(finished.phases.gone, 6u);
  EXPECT_EQ(finished.context, "context");
  EXPECT_EQ(finished.started_at, 11u);
  EXPECT_EQ(finished.planned_at, 22u);
}

TEST(Collect, NamesTheCallsThatWereRefused) {
  wire::Outcome outcome = ended(Ended::kExited, 0);
  outcome.denial_count = 2;
  outcome.denials[0].number = SYS_mount;
  outcome.denials[0].error = EPERM;
  outcome.denials[0].count = 3;
  std::memcpy(outcome.denials[0].program, "sh", 3);
  outcome.denials[1].number = 100'000;  // no call has it
  outcome.denials[1].count = 1;
  std::memset(outcome.denials[1].program, 'x', sizeof outcome.denials[1].program);
  const Finished finished = finish(some_plan(), outcome);
  ASSERT_EQ(finished.denials.size(), 2u);
  EXPECT_EQ(finished.denials[0].call, "mount");
  EXPECT_EQ(finished.denials[0].program, "sh");
  EXPECT_EQ(finished.denials[0].count, 3u);
  EXPECT_FALSE(finished.denials[0].reason.empty());
  EXPECT_FALSE(finished.denials[1].call.empty());
  EXPECT_EQ(finished.denials[1].program, std::string(sizeof outcome.denials[1].program, 'x'));
  EXPECT_FALSE(finished.denials_lost);
}

TEST(Collect, ReadsNoMoreDenialsThanThereAre) {
  wire::Outcome outcome = ended(Ended::kExited, 0);
  outcome.denial_count = ~0u;
  outcome.denials_lost = 1;
  const Finished finished = finish(some_plan(), outcome);
  EXPECT_EQ(finished.denials.size(), wire::kMaxDenials);
  EXPECT_TRUE(finished.denials_lost);
}

TEST(Collect, RefusesWhatNoLauncherWrote) {
  const std::string plan = plan::encode(some_plan(), {}).value();
  const wire::Outcome outcome = ended(Ended::kExited, 0);
  wire::Outcome unmarked = outcome;
  unmarked.magic = 0;
  const std::string_view whole = bytes_of(outcome);
  for (const auto& [plan_bytes, outcome_bytes] :
       {std::pair<std::string_view, std::string_view>("", whole),
        {std::string_view(plan).substr(0, 100), whole},
        {"garbage that is no plan", whole},
        {plan, ""},
        {plan, whole.substr(0, whole.size() - 1)},
        {plan, bytes_of(unmarked)}}) {
    EXPECT_FALSE(collect(memfd(plan_bytes).get(), memfd(outcome_bytes).get()).ok());
  }
  const UniqueFd fd = memfd(plan);
  EXPECT_FALSE(collect(-1, fd.get()).ok());
  EXPECT_FALSE(collect(fd.get(), -1).ok());
}

}  // namespace
}  // namespace carrel::jail
