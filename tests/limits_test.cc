// Hogs are stopped at their limit, the message names it, and a limit that cannot be
// kept is refused rather than forgotten.
#include <cstdio>

#include "fixture.h"

namespace carrel::tests {
namespace {

class Limits : public Sandboxed {
 protected:
  Ended hog(const std::vector<std::string>& what, const std::vector<std::string>& limits) {
    std::vector<std::string> command{world().hostile("hog")};
    command.insert(command.end(), what.begin(), what.end());
    std::vector<std::string> options;
    for (const std::string& limit : limits) options.insert(options.end(), {"--limit", limit});
    return sealed(command, options);
  }
  // A limit that this machine cannot enforce for this user is refused by name: then
  // that is what was promised, and there is nothing to hog.
  bool is_refused_here(const Ended& ended, const std::string& limit) {
    return ended.status == 125 && contains(ended.err, "limits." + limit + " cannot be enforced");
  }
};
CARREL_AS_ROOT_AND_USER(Limits);

long stopped_at(const Ended& ended) {
  long count = -1;
  if (std::sscanf(ended.out.c_str(), "stopped at %ld", &count) != 1) return -1;
  return count;
}

TEST_P(Limits, ForkBombIsStopped) {
  const Ended ended = hog({"processes", "400"}, {"processes=40"});
  if (is_refused_here(ended, "processes")) return;
  EXPECT_TRUE(exited(ended, 3));
  EXPECT_GE(stopped_at(ended), 30);
  EXPECT_LE(stopped_at(ended), 40);
  EXPECT_TRUE(contains(ended.err, "processes")) << describe(ended);
}

TEST_P(Limits, RealForkBombIsStoppedAndTheHostStaysUsable) {
  const Ended ended = sealed_script("f() { f | f & }; f 2>/dev/null; sleep 1; exit 0",
                                    {"--limit", "processes=60", "--timeout", "20s"});
  if (is_refused_here(ended, "processes")) return;
  EXPECT_FALSE(ended.timed_out);
  EXPECT_TRUE(exited(plain_script("true"), 0));
}

TEST_P(Limits, ProcessLimitsOfTwoSandboxesAreApart) {
  Invocation invocation = sealed_invocation(
      {"/bin/bash", "-c", "for i in {1..20}; do sleep 60 & done; echo ready; read line; exit 0"},
      {"--limit", "processes=30"});
  invocation.input = "";
  Process first(invocation);
  if (!first.wait_for_output("ready")) {
    const Ended ended = first.wait();
    ASSERT_TRUE(is_refused_here(ended, "processes")) << describe(ended);
    return;
  }
  EXPECT_TRUE(exited(
      sealed_script("for i in {1..20}; do sleep 60 & done; exit 0", {"--limit", "processes=30"}),
      0));
  EXPECT_TRUE(exited(first.wait(), 0));
}

TEST_P(Limits, MemoryHogIsStopped) {
  const Ended ended = hog({"memory", "1024"}, {"memory=64MiB"});
  if (is_refused_here(ended, "memory")) return;
  EXPECT_TRUE(ended.status == 137 || ended.status == 3) << describe(ended);
  EXPECT_TRUE(contains(ended.err, "memory")) << describe(ended);
}

TEST_P(Limits, MemoryOfManyProcessesCountsTogetherOrTheNoteSaysOtherwise) {
  const Ended plan = carrel({"explain", "--limit", "memory=64MiB", "--", "true"});
  if (is_refused_here(plan, "memory")) return;
  const std::string program = world().hostile("hog");
  const Ended ended = sealed_script("for i in 1 2 3 4; do '" + program +
                                        "' memory 40 & done; wait -n; a=$?; wait -n; b=$?; "
                                        "wait -n; c=$?; wait -n; echo $a $b $c $?",
                                    {"--limit", "memory=64MiB"});
  const bool together = contains(ended.out + ended.err, "137");
  EXPECT_TRUE(together || contains(plan.out, "each process")) << describe(ended) << plan.out;
}

TEST_P(Limits, DescriptorHogIsStopped) {
  const Ended ended = hog({"descriptors", "4000"}, {"open_files=64"});
  EXPECT_TRUE(exited(ended, 3));
  EXPECT_LE(stopped_at(ended), 64);
  EXPECT_TRUE(contains(ended.out, "Too many open files")) << describe(ended);
}

TEST_P(Limits, FileLargerThanItsLimitIsStopped) {
  const Ended ended = hog({"disk", "100", world().work() + "/big"}, {"file_size=5MiB"});
  EXPECT_TRUE(ended.status == 128 + 25 || ended.status == 3) << describe(ended);  // SIGXFSZ
  EXPECT_TRUE(contains(ended.err, "file_size")) << describe(ended);
  EXPECT_LE(read_file(world().work() + "/big").size(), 5u << 20);
}

TEST_P(Limits, ScratchFolderFillsUpToItsLimitOnly) {
  const Ended ended = hog({"disk", "100", "/tmp/big"}, {"scratch=5MiB"});
  EXPECT_TRUE(exited(ended, 3));
  EXPECT_LE(stopped_at(ended), 5);
  EXPECT_TRUE(contains(ended.out, "No space left")) << describe(ended);
  EXPECT_TRUE(contains(ended.err, "scratch")) << describe(ended);
}

TEST_P(Limits, ScratchFolderHasAnEndWithoutALimitToo) {
  // Else a command could fill the host's memory.
  const Ended ended = sealed_script(
      "df -k --output=size /tmp /dev/shm /var/tmp | tail -n +2 | sort -n | tail -n 1");
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_GT(std::atoll(ended.out.c_str()), 0) << describe(ended);
  const long long memory_kib =
      std::atoll(plain_script("grep MemTotal /proc/meminfo | tr -dc 0-9").out.c_str());
  EXPECT_LT(std::atoll(ended.out.c_str()), memory_kib) << describe(ended);
}

TEST_P(Limits, CpuTimeIsShared) {
  const Ended ended = sealed(
      {"/bin/bash", "-c", "TIMEFORMAT='%R %U'; time (i=0; while ((i < 300000)); do ((++i)); done)"},
      {"--limit", "cpus=0.2"});
  if (is_refused_here(ended, "cpus")) return;
  double real = 0;
  double user = 0;
  ASSERT_EQ(std::sscanf(ended.err.c_str(), "%lf %lf", &real, &user), 2) << describe(ended);
  EXPECT_LT(user / real, 0.5) << describe(ended);
}

TEST_P(Limits, LimitThatCannotBeKeptIsAnErrorUnlessThePolicySaysBestEffort) {
  const Ended strict = sealed({"/bin/true"}, {"--limit", "cpus=1"});
  if (strict.status == 0) return;  // it can be kept here
  EXPECT_TRUE(refused(strict, "limits.cpus cannot be enforced"));
  const std::string policy =
      world().make_file("outside/policy.toml", "[limits]\ncpus = 1\nbest_effort = true\n");
  EXPECT_TRUE(exited(sealed({"/bin/true"}, {"--policy", policy}), 0));
  EXPECT_TRUE(contains(carrel({"explain", "--policy", policy, "--", "true"}).out, "not enforced"));
}

// What nobody asked for must not be the reason that nothing runs.
TEST_P(Limits, LimitOfAProfileThatCannotBeKeptIsToldAndNotRefused) {
  for (const std::string profile : {"default", "strict"}) {
    EXPECT_TRUE(exited(sealed({"/bin/true"}, {"--profile", profile}), 0)) << profile;
  }
  if (!is_root()) return;
  const std::string without_cgroups =
      "mount -t tmpfs none /sys/fs/cgroup && " + world().carrel() + " ";
  const auto run_without = [&](const std::string& arguments) {
    return run(world().plain(
        {"/usr/bin/unshare", "--mount", "/bin/bash", "-c", without_cgroups + arguments}));
  };
  EXPECT_TRUE(exited(run_without("run -- true"), 0));
  EXPECT_TRUE(contains(run_without("explain").out, "limits.processes is not enforced"));
  EXPECT_TRUE(refused(run_without("run --limit processes=99 -- true"),
                      "limits.processes cannot be enforced"));
}

TEST_P(Limits, SeveralTogetherHold) {
  const Ended ended = hog({"descriptors", "4000"},
                          {"open_files=64", "file_size=5MiB", "scratch=8MiB", "wall_time=30s"});
  EXPECT_TRUE(exited(ended, 3));
}

TEST_P(Limits, LogFloodDoesNotGrowCarrel) {
  // Output goes straight to the reader: nothing of it is kept.
  const Ended ended = run(world().plain(
      {"/bin/bash", "-c",
       "'" + world().carrel() +
           "' run -- sh -c 'yes flood | head -c 199999998; grep VmRSS /proc/1/status >&2' | "
           "tail -c 6"}));
  EXPECT_EQ(ended.out, "flood\n") << describe(ended);
  long kept_kib = 0;
  ASSERT_EQ(std::sscanf(ended.err.c_str(), "VmRSS: %ld", &kept_kib), 1) << describe(ended);
  EXPECT_LT(kept_kib, 4096);
}

}  // namespace
}  // namespace carrel::tests
