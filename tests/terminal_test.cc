// An interactive shell in a sandbox behaves like one outside: job control, keys,
// window size, line settings.
#include <fcntl.h>
#include <signal.h>
#include <termios.h>

#include "fixture.h"
#include "terminal.h"

namespace carrel::tests {
namespace {

class Interactive : public Sandboxed {
 protected:
  std::unique_ptr<Terminal> shell() {
    auto terminal = std::make_unique<Terminal>(
        sealed_invocation({"/bin/bash", "--norc", "--noprofile", "-i"}, {"--env", "PS1=prompt> "}));
    EXPECT_TRUE(terminal->expect("prompt> ")) << terminal->shown();
    return terminal;
  }
};
CARREL_AS_ROOT_AND_USER(Interactive);

TEST_P(Interactive, ShellHasJobControlAndDoesNotComplain) {
  auto terminal = shell();
  EXPECT_FALSE(contains(terminal->shown(), "job control")) << terminal->shown();
  terminal->type("set -o | grep monitor; echo mark$((1+1))\r");
  EXPECT_TRUE(terminal->expect("mark2"));
  EXPECT_TRUE(contains(terminal->shown(), "monitor        \ton")) << terminal->shown();
  terminal->type("exit 5\r");
  EXPECT_TRUE(exited(terminal->wait(), 5));
}

TEST_P(Interactive, ControlCEndsTheProgramAndNotTheShell) {
  auto terminal = shell();
  terminal->type("sleep 60; echo status $?\r");
  ASSERT_TRUE(terminal->expect("status $?")) << terminal->shown();
  ::usleep(300000);
  terminal->type("\x03");
  EXPECT_TRUE(terminal->expect("prompt> ")) << terminal->shown();
  terminal->type("echo status $?\r");
  EXPECT_TRUE(terminal->expect("status 130")) << terminal->shown();
  terminal->type("exit 0\r");
  EXPECT_TRUE(exited(terminal->wait(), 0));
}

TEST_P(Interactive, ControlZStopsAndFgResumes) {
  auto terminal = shell();
  terminal->type("bash -c 'read line; echo got-$line'\r");
  ASSERT_TRUE(terminal->expect("got-$line")) << terminal->shown();
  ::usleep(300000);
  terminal->type("\x1a");
  EXPECT_TRUE(terminal->expect("Stopped")) << terminal->shown();
  EXPECT_TRUE(terminal->expect("prompt> "));
  terminal->type("jobs | wc -l\r");
  EXPECT_TRUE(terminal->expect("1"));
  terminal->type("fg\r");
  ::usleep(300000);
  terminal->type("hello\r");
  EXPECT_TRUE(terminal->expect("got-hello")) << terminal->shown();
  terminal->type("exit\r");
  EXPECT_TRUE(exited(terminal->wait(), 0));
}

TEST_P(Interactive, EndOfFileEndsTheShell) {
  auto terminal = shell();
  terminal->type("(exit 6)\r");
  EXPECT_TRUE(terminal->expect("prompt> "));
  terminal->type("\x04");
  EXPECT_TRUE(exited(terminal->wait(), 6));
}

TEST_P(Interactive, WindowSizeIsTheCallersAndFollowsIt) {
  auto terminal = shell();
  terminal->type("stty size\r");
  EXPECT_TRUE(terminal->expect("24 80")) << terminal->shown();
  terminal->type("trap 'echo resized; stty size' WINCH; echo mark$((2+1))\r");
  EXPECT_TRUE(terminal->expect("mark3"));
  terminal->resize(41, 133);
  ::usleep(300000);
  terminal->type("stty size\r");
  EXPECT_TRUE(terminal->expect("41 133")) << terminal->shown();
  EXPECT_TRUE(contains(terminal->shown(), "resized\r\n")) << terminal->shown();
  terminal->type("exit\r");
  EXPECT_TRUE(exited(terminal->wait(), 0));
}

TEST_P(Interactive, TerminalHasANameThatWorks) {
  auto terminal = shell();
  terminal->type("t=$(tty); echo name=$t; echo reached-it > $t; echo tty-$((3+4)) > /dev/tty\r");
  EXPECT_TRUE(terminal->expect("name=/dev/")) << terminal->shown();
  EXPECT_TRUE(terminal->expect("reached-it")) << terminal->shown();
  EXPECT_TRUE(terminal->expect("tty-7")) << terminal->shown();
  terminal->type("exit\r");
  EXPECT_TRUE(exited(terminal->wait(), 0));
}

TEST_P(Interactive, RawModeInsideIsRawForTheKeys) {
  Terminal terminal(sealed_invocation(
      {"/bin/bash", "-c", "stty raw -echo; echo ready; head -c 4 | od -An -tx1; stty sane"}));
  ASSERT_TRUE(terminal.expect("ready")) << terminal.shown();
  ::usleep(200000);
  terminal.type("\x03\x1a\x04\r");
  EXPECT_TRUE(terminal.expect("03 1a 04 0d")) << terminal.shown();
  EXPECT_TRUE(exited(terminal.wait(), 0));
}

TEST_P(Interactive, LineSettingsOfTheCallerAreAsBeforeWhenItEnds) {
  // The caller here is a shell, which asks before and after.
  Terminal terminal(
      world().plain({"/bin/bash", "-c",
                     "a=$(stty -g); '" + world().carrel() +
                         "' run -- stty raw -echo; [ \"$a\" = \"$(stty -g)\" ] && echo same"}));
  EXPECT_TRUE(terminal.expect("same")) << terminal.shown();
  EXPECT_TRUE(exited(terminal.wait(), 0));
}

TEST_P(Interactive, LineSettingsAreRestoredWhenTheCommandIsKilled) {
  Terminal terminal(
      world().plain({"/bin/bash", "-c",
                     "a=$(stty -g); '" + world().carrel() +
                         "' run --timeout 300ms -- bash -c 'stty raw; sleep 60'; "
                         "echo status $?; [ \"$a\" = \"$(stty -g)\" ] && echo same"}));
  EXPECT_TRUE(terminal.expect("status 124")) << terminal.shown();
  EXPECT_TRUE(terminal.expect("same")) << terminal.shown();
  EXPECT_TRUE(exited(terminal.wait(), 0));
}

TEST_P(Interactive, JobControlOfTheCallersShellCoversTheSandbox) {
  // The other way round: the shell is outside, and stops and resumes carrel.
  Terminal terminal(world().plain({"/bin/bash", "--norc", "--noprofile", "-i"}));
  terminal.type("PS1='outer> '\r");
  ASSERT_TRUE(terminal.expect("outer> "));
  ASSERT_TRUE(terminal.expect("outer> "));
  terminal.type("'" + world().carrel() + "' run -- sh -c 'sleep 1; echo end-$((5+5))'\r");
  ::usleep(400000);
  terminal.type("\x1a");
  EXPECT_TRUE(terminal.expect("Stopped")) << terminal.shown();
  terminal.type("fg\r");
  EXPECT_TRUE(terminal.expect("end-10")) << terminal.shown();
  EXPECT_TRUE(terminal.expect("outer> ")) << terminal.shown();
  terminal.type("exit\r");
  EXPECT_TRUE(exited(terminal.wait(), 0));
}

TEST_P(Interactive, ControlCWithoutAShellInsideEndsTheCommandWith130) {
  Terminal terminal(sealed_invocation({"/bin/sh", "-c", "echo ready; exec sleep 60"}));
  ASSERT_TRUE(terminal.expect("ready")) << terminal.shown();
  ::usleep(200000);
  terminal.type("\x03");
  const Ended ended = terminal.wait();
  EXPECT_TRUE(ended.status == 130 || ended.status == -SIGINT) << describe(ended);
}

TEST_P(Interactive, LongOutputArrivesWhole) {
  Terminal terminal(sealed_invocation({"/bin/sh", "-c", "seq 1 20000; echo the-end; exit 3"}));
  const Ended ended = terminal.wait();
  EXPECT_TRUE(exited(ended, 3));
  EXPECT_TRUE(contains(ended.out, "19999\r\n20000\r\nthe-end\r\n"))
      << ended.out.substr(ended.out.size() > 300 ? ended.out.size() - 300 : 0);
  EXPECT_FALSE(contains(ended.out, "\r\r\n"));
}

TEST_P(Interactive, PastedTextArrivesWhole) {
  Terminal terminal(
      sealed_invocation({"/bin/sh", "-c", "stty raw -echo; echo ready; head -c 100000 | cksum"}));
  ASSERT_TRUE(terminal.expect("ready"));
  ::usleep(200000);
  for (int i = 0; i < 100; ++i) terminal.type(std::string(1000, static_cast<char>('a' + i % 26)));
  EXPECT_TRUE(terminal.expect(" 100000")) << terminal.shown();
  EXPECT_TRUE(exited(terminal.wait(), 0));
}

TEST_P(Interactive, OutputIntoAPipeWorksWithTheTerminalAsInput) {
  Terminal terminal(world().plain(
      {"/bin/bash", "-c",
       "'" + world().carrel() + "' run -- sh -c 'read a; echo via-$a' | tr a-z A-Z"}));
  ::usleep(200000);
  terminal.type("pipe\r");
  EXPECT_TRUE(terminal.expect("VIA-PIPE")) << terminal.shown();
  EXPECT_TRUE(exited(terminal.wait(), 0));
}

TEST_P(Interactive, HangUpOfTheTerminalEndsEverything) {
  {
    Terminal terminal(sealed_invocation({"/bin/sh", "-c", "echo ready; sleep 60"}));
    ASSERT_TRUE(terminal.expect("ready"));
    terminal.hang_up();
    const Ended ended = terminal.wait();
    EXPECT_FALSE(ended.timed_out) << describe(ended);
  }
  EXPECT_EQ(survivors(std::chrono::milliseconds(2000)), std::vector<std::string>{});
}

}  // namespace
}  // namespace carrel::tests
