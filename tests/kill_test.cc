// carrel, or PID 1, is killed at random moments: nothing of the sandbox survives,
// and nothing is left on the host.
#include <signal.h>
#include <sys/syscall.h>

#include <filesystem>
#include <random>
#include <set>
#include <thread>

#include "fixture.h"

namespace carrel::tests {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
namespace fs = std::filesystem;

class Killed : public Sandboxed {
 protected:
  // A command with children that hide in sessions of their own and ignore signals.
  Invocation crowd(const std::string& marker, const std::vector<std::string>& options = {}) {
    return sealed_invocation({"/bin/bash", "-c",
                              "trap '' TERM HUP INT; setsid sleep 77 & (setsid bash -c 'trap \"\" "
                              "TERM; sleep 77; :' &) & "
                              "touch made; echo up; sleep 77; :",
                              marker},
                             options);
  }

  void kill_many_times(int times, const std::vector<std::string>& options) {
    const std::string marker = "carrel-marker-" + std::to_string(::getpid());
    world().make_file("work/made", "");
    const std::string before = world().listing();
    std::mt19937 random(20240517);
    std::uniform_int_distribution<int> delay_us(0, 10000);
    for (int i = 0; i < times; ++i) {
      const int delay = delay_us(random);
      {
        Process process(crowd(marker, options));
        std::this_thread::sleep_for(microseconds(delay));
        process.send_signal(SIGKILL);
        ASSERT_EQ(process.wait().status, -SIGKILL);
      }
      // This process is the reaper of every orphan: none can hide.
      ASSERT_EQ(survivors(milliseconds(3000)), std::vector<std::string>{})
          << "killed after " << delay << " us";
    }
    EXPECT_EQ(processes_with(marker), std::vector<pid_t>{});
    EXPECT_EQ(world().listing(), before);
  }
};
CARREL_AS_ROOT_AND_USER(Killed);

// Folders "carrel-PID" below the cgroup file systems whose carrel is no more.
std::set<std::string> stale_cgroups() {
  constexpr std::string_view kPrefix = "carrel-";
  std::set<std::string> found;
  std::error_code failure;
  for (auto at = fs::recursive_directory_iterator(
           "/sys/fs/cgroup", fs::directory_options::skip_permission_denied, failure);
       !failure && at != fs::recursive_directory_iterator(); at.increment(failure)) {
    const std::string name = at->path().filename().string();
    const bool ours = name.starts_with(kPrefix) && name != "carrel-supervisors";
    if (ours && !fs::exists("/proc/" + name.substr(kPrefix.size())))
      found.insert(at->path().string());
  }
  return found;
}

TEST_P(Killed, CarrelAtRandomMomentsLeavesNothing) { kill_many_times(300, {}); }

TEST_P(Killed, CarrelWithLimitsLeavesNoCgroupAfterTheNextRun) {
  const std::set<std::string> before = stale_cgroups();
  const std::vector<std::string> limits = {"--limit", "memory=256MiB", "--limit", "processes=200"};
  kill_many_times(40, limits);
  EXPECT_TRUE(exited(sealed({"/bin/true"}, limits), 0));
  for (const std::string& folder : stale_cgroups()) EXPECT_TRUE(before.contains(folder)) << folder;
}

TEST_P(Killed, OrdinaryEndsLeaveNoCgroup) {
  const std::set<std::string> before = stale_cgroups();
  const std::vector<std::string> limits = {"--limit", "memory=256MiB", "--limit", "processes=200"};
  EXPECT_TRUE(exited(sealed_script("sleep 60 & exit 3", limits), 3));
  EXPECT_TRUE(exited(sealed({"/no/such/command"}, limits), 127));
  std::vector<std::string> brief = limits;
  brief.insert(brief.end(), {"--timeout", "100ms"});
  EXPECT_TRUE(exited(sealed({"/bin/sleep", "60"}, brief), 124));
  for (const std::string& folder : stale_cgroups()) EXPECT_TRUE(before.contains(folder)) << folder;
}

TEST_P(Killed, ByTheirTerminalsEndNothingSurvives) {
  // carrel stopped, then killed: the parent's death counts, not its words.
  Process process(crowd("carrel-marker-stop"));
  ASSERT_TRUE(process.wait_for_output("up"));
  process.send_signal(SIGSTOP);
  process.send_signal(SIGKILL);
  EXPECT_EQ(process.wait().status, -SIGKILL);
  EXPECT_EQ(survivors(milliseconds(3000)), std::vector<std::string>{});
}

TEST_P(Killed, Pid1InsideEndsTheRunWithAMessage) {
  Process process(crowd("carrel-marker-init"));
  ASSERT_TRUE(process.wait_for_output("up"));
  const pid_t init = process.first_child();
  ASSERT_GT(init, 1);
  const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, init, 0)));
  ASSERT_EQ(::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0), 0);
  const Ended ended = process.wait();
  EXPECT_TRUE(exited(ended, 125));
  EXPECT_TRUE(contains(ended.err, "SIGKILL")) << describe(ended);
}

TEST_P(Killed, CarrelIsOneProcessOutside) {
  Process process(crowd("carrel-marker-one"));
  ASSERT_TRUE(process.wait_for_output("up"));
  const std::string pid = std::to_string(process.pid());
  std::size_t children = 0;
  for (const char c : read_file("/proc/" + pid + "/task/" + pid + "/children"))
    children += c == ' ';
  EXPECT_EQ(children, 1u);
  EXPECT_EQ(
      std::distance(fs::directory_iterator("/proc/" + pid + "/task"), fs::directory_iterator()), 1);
  process.send_signal(SIGKILL);
  EXPECT_EQ(process.wait().status, -SIGKILL);
  EXPECT_EQ(survivors(milliseconds(3000)), std::vector<std::string>{});
}

}  // namespace
}  // namespace carrel::tests
