// Signals sent to carrel reach the command, time limits end it, and nothing is
// left when it is over.
#include <signal.h>

#include <thread>

#include "fixture.h"

namespace carrel::tests {
namespace {

using std::chrono::milliseconds;

class Signals : public Sandboxed {
 protected:
  // Sends `signal` to carrel once the script says that it is ready. (Bash itself
  // ignores SIGQUIT.)
  Ended signalled(int signal, const std::string& script, const char* shell = "/bin/bash") {
    Process process(sealed_invocation({shell, "-c", script}));
    EXPECT_TRUE(process.wait_for_output("ready"));
    process.send_signal(signal);
    return process.wait();
  }
};
CARREL_AS_ROOT_AND_USER(Signals);

TEST_P(Signals, EndACommandThatDoesNotCatchThem) {
  EXPECT_TRUE(exited(signalled(SIGTERM, "echo ready; exec sleep 60", "/bin/sh"), 143));
  EXPECT_TRUE(exited(signalled(SIGINT, "echo ready; exec sleep 60", "/bin/sh"), 130));
  EXPECT_TRUE(exited(signalled(SIGHUP, "echo ready; exec sleep 60", "/bin/sh"), 129));
  EXPECT_TRUE(exited(signalled(SIGQUIT, "echo ready; exec sleep 60", "/bin/sh"), 131));
}

TEST_P(Signals, ReachACommandThatCatchesThemWhoseStatusThenCounts) {
  EXPECT_TRUE(exited(signalled(SIGTERM, "trap 'exit 42' TERM; echo ready; sleep 60 & wait"), 42));
  EXPECT_TRUE(exited(signalled(SIGINT, "trap 'exit 43' INT; echo ready; sleep 60 & wait"), 43));
  EXPECT_TRUE(exited(signalled(SIGHUP, "trap 'exit 44' HUP; echo ready; sleep 60 & wait"), 44));
  EXPECT_TRUE(exited(signalled(SIGUSR1, "trap 'exit 45' USR1; echo ready; sleep 60 & wait"), 45));
  EXPECT_TRUE(exited(signalled(SIGUSR2, "trap 'exit 46' USR2; echo ready; sleep 60 & wait"), 46));
}

TEST_P(Signals, ReachTheWholeProcessGroupOfTheCommand) {
  const Ended ended =
      signalled(SIGTERM,
                "trap 'wait; exit 9' TERM; bash -c 'trap \"echo child; exit\" TERM; echo ready; "
                "for i in {1..600}; do sleep 0.1; done' & wait");
  EXPECT_TRUE(exited(ended, 9));
  EXPECT_TRUE(contains(ended.out, "child")) << describe(ended);
}

TEST_P(Signals, StopAndContinueTheCommand) {
  Process process(
      sealed_invocation({"/bin/bash", "-c",
                         "trap 'echo continued' CONT; echo ready; for i in {1..600}; do sleep 0.1; "
                         "[ -e go ] && exit 0; done"}));
  ASSERT_TRUE(process.wait_for_output("ready"));
  process.send_signal(SIGCONT);
  EXPECT_TRUE(process.wait_for_output("continued"));
  world().make_file("work/go", "");
  EXPECT_TRUE(exited(process.wait(), 0));
}

TEST_P(Signals, ThatComeRightAtTheStartAreNotLost) {
  for (int delay_us = 0; delay_us < 6000; delay_us += 300) {
    Process process(sealed_invocation({"/bin/sleep", "60"}));
    std::this_thread::sleep_for(std::chrono::microseconds(delay_us));
    process.send_signal(SIGTERM);
    const Ended ended = process.wait();
    // Before carrel can forward it, the signal ends carrel itself.
    EXPECT_TRUE(ended.status == 143 || ended.status == -SIGTERM) << delay_us << describe(ended);
    EXPECT_EQ(survivors(milliseconds(2000)), std::vector<std::string>{});
  }
}

TEST_P(Signals, ThatTheCallerIgnoresStayIgnoredLikeUnderNohup) {
  const Ended ended = run(world().plain(
      {"/bin/bash", "-c",
       "trap '' HUP; '" + world().carrel() + "' run -- bash -c 'kill -HUP $$; echo alive'"}));
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_EQ(ended.out, "alive\n");
}

TEST_P(Signals, AreNeitherBlockedNorIgnoredForTheCommand) {
  const Ended ended = sealed_script("grep -E '^Sig(Blk|Ign)' /proc/self/status");
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_EQ(ended.out, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST_P(Signals, FromInsideReachNothingOutside) {
  Process bystander(world().plain({"/bin/sleep", "60"}));
  const Ended ended =
      sealed_script("kill -KILL " + std::to_string(bystander.pid()) +
                    " 2>&1 && echo reached; sleep 60 & kill -KILL -1; wait $!; exit $?");
  EXPECT_TRUE(exited(ended, 137));  // its own children only
  EXPECT_FALSE(contains(ended.out, "reached")) << describe(ended);
  bystander.send_signal(SIGTERM);
  EXPECT_EQ(bystander.wait().status, -SIGTERM);  // and not -SIGKILL
}

TEST_P(Signals, FromInsideDoNotEndPid1) {
  const Ended ended = sealed_script(
      "for s in KILL TERM INT HUP QUIT STOP USR1 USR2 SEGV; do kill -$s 1; done; echo still here; "
      "exit 6");
  EXPECT_TRUE(exited(ended, 6));
  EXPECT_EQ(ended.out, "still here\n");
}

TEST_P(Signals, TimeOutEndsTheCommandWith124AndAMessageThatNamesIt) {
  const auto started = std::chrono::steady_clock::now();
  const Ended ended = sealed({"/bin/sleep", "60"}, {"--timeout", "300ms"});
  EXPECT_TRUE(exited(ended, 124));
  EXPECT_TRUE(contains(ended.err, "wall_time")) << describe(ended);
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(20));
}

TEST_P(Signals, TimeOutEndsACommandThatIgnoresEverySignal) {
  const Ended ended = sealed_script("trap '' TERM INT HUP QUIT; while :; do sleep 0.05; done",
                                    {"--timeout", "300ms"});
  EXPECT_TRUE(exited(ended, 124));
}

TEST_P(Signals, TimeOutEndsWhatTheCommandStarted) {
  const Ended ended = sealed_script("setsid sleep 60 & (trap '' TERM; sleep 60) & sleep 60",
                                    {"--limit", "wall_time=300ms"});
  EXPECT_TRUE(exited(ended, 124));
}

TEST_P(Signals, CommandThatIsQuickerThanItsTimeOutIsNotDisturbed) {
  const Ended ended = sealed_script("exit 3", {"--timeout", "30s"});
  EXPECT_TRUE(exited(ended, 3));
  EXPECT_EQ(ended.err, "");
}

TEST_P(Signals, WhatTheCommandLeftInTheBackgroundIsDeadWhenItEnds) {
  for (const char* leftover :
       {"setsid sleep 60 &", "nohup sleep 60 >/dev/null 2>&1 &", "(sleep 60 &) &",
        "setsid bash -c 'setsid bash -c \"sleep 60 & sleep 60\" &' &",
        "bash -c \"trap '' TERM HUP INT; while :; do sleep 0.01; done\" & disown",
        "python3 -c 'import os,time\nif os.fork(): os._exit(0)\nos.setsid()\nif os.fork(): "
        "os._exit(0)\ntime.sleep(60)' &"}) {
    const Ended ended = sealed_script(std::string(leftover) + "\nsleep 0.1; exit 4");
    EXPECT_TRUE(exited(ended, 4)) << leftover;
    EXPECT_EQ(survivors(milliseconds(0)), std::vector<std::string>{}) << leftover;
  }
}

TEST_P(Signals, OrphansAreReapedByPid1) {
  const Ended ended =
      sealed_script("for i in {1..50}; do (sleep 0.01 &); done; sleep 1; ps -eo stat= | grep -c Z");
  EXPECT_EQ(ended.out, "0\n") << describe(ended);
}

}  // namespace
}  // namespace carrel::tests
