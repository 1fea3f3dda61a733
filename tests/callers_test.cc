// Callers and places that are not the usual ones: odd folders, few descriptors,
// ignored signals, file systems mounted in the working directory.
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fixture.h"

namespace carrel::tests {
namespace {

class Callers : public Sandboxed {};
CARREL_AS_ROOT_AND_USER(Callers);

TEST_P(Callers, WhoIgnoreTheEndOfTheirChildrenGetTheStatusAllTheSame) {
  Invocation invocation = world().plain({"/usr/bin/python3", "-c",
                                         "import os,signal,sys\nsignal.signal(signal.SIGCHLD, "
                                         "signal.SIG_IGN)\nos.execv(sys.argv[1], sys.argv[1:])",
                                         world().carrel(), "run", "--", "/bin/bash", "-c",
                                         "(exit 2) & wait $!; [ $? = 2 ] && exit 3"});
  invocation.time_limit = std::chrono::seconds(10);
  EXPECT_TRUE(exited(run(invocation), 3));
}

TEST_P(Callers, WhoBlockOrIgnoreSignalsDoNotStopCarrelFromWorking) {
  Invocation invocation = world().plain(
      {"/usr/bin/python3", "-c",
       "import os,signal,sys\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\n"
       "for s in (1, 2, 3, 10, 12, 13, 14, 15): signal.signal(s, "
       "signal.SIG_IGN)\nos.execv(sys.argv[1], sys.argv[1:])",
       world().carrel(), "run", "--", "/bin/sh", "-c", "exit 3"});
  invocation.time_limit = std::chrono::seconds(10);
  EXPECT_TRUE(exited(run(invocation), 3));
}

// The room is moved between processors while it is made.
TEST_P(Callers, ProcessorsAreTheCallers) {
  const std::string allowed = "grep Cpus_allowed: /proc/self/status";
  const Ended outside = run(world().plain({"/bin/sh", "-c", allowed}));
  EXPECT_EQ(sealed_script(allowed).out, outside.out);
  const Ended on_one = run(world().plain(
      {"/usr/bin/taskset", "-c", "0", world().carrel(), "run", "--", "/bin/sh", "-c", allowed}));
  EXPECT_EQ(on_one.out,
            run(world().plain({"/usr/bin/taskset", "-c", "0", "/bin/sh", "-c", allowed})).out);
}

TEST_P(Callers, FolderNamesOfAnyBytesWork) {
  const std::string folder = world().make_dir("work/sp ace\n\"q'\\ $x \xff\xc3\xa4");
  Invocation invocation = sealed_invocation({"/bin/sh", "-c", "pwd; echo x > made"});
  invocation.cwd = folder;
  const Ended ended = run(invocation);
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_EQ(ended.out, folder + "\n");
  EXPECT_EQ(read_file(folder + "/made"), "x\n");
}

TEST_P(Callers, DeepFoldersWork) {
  std::string path = "work";
  for (int i = 0; i < 60; ++i) path += "/folder-" + std::to_string(i);
  Invocation invocation = sealed_invocation({"/bin/sh", "-c", "echo x > made && pwd | wc -c"});
  invocation.cwd = world().make_dir(path);
  const Ended ended = run(invocation);
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_EQ(read_file(invocation.cwd + "/made"), "x\n");
}

TEST_P(Callers, FolderThatIsGoneOrForbiddenIsAnErrorWithAReason) {
  Ended ended = run(world().plain(
      {"/bin/bash", "-c",
       "mkdir gone; cd gone; rmdir ../gone; exec '" + world().carrel() + "' run -- true"}));
  EXPECT_TRUE(exited(ended, 125));
  EXPECT_TRUE(ended.err.starts_with("carrel: ")) << describe(ended);
  for (const char* folder : {"/", "/proc", "/sys", "/dev"}) {
    Invocation invocation = sealed_invocation({"/bin/true"});
    invocation.cwd = folder;
    EXPECT_TRUE(refused(run(invocation), folder));
  }
}

TEST_P(Callers, FewDescriptorsAreEnough) {
  EXPECT_TRUE(
      exited(plain_script("ulimit -n 32; '" + world().carrel() + "' run -- sh -c 'exit 3'"), 3));
}

TEST_P(Callers, ClosedStreamsAreNotTakenForSomethingElse) {
  EXPECT_TRUE(
      exited(plain_script("'" + world().carrel() + "' run -- sh -c 'exit 4' <&- >&- 2>&-"), 4));
}

TEST_P(Callers, AnEmptyEnvironmentIsEnough) {
  Invocation invocation = sealed_invocation({"sh", "-c", "echo $PATH; exit 3"});
  invocation.env.clear();
  const Ended ended = run(invocation);
  EXPECT_TRUE(exited(ended, 3));
  EXPECT_TRUE(contains(ended.out, "/usr/bin")) << describe(ended);
}

TEST_P(Callers, FileSystemsMountedInTheWorkingDirectoryAreWritableButGiveNoPrivileges) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can mount a file system for the test";
  world().make_dir("work/disk");
  const std::string setpriv =
      is_root() ? "" : "setpriv --reuid 12345 --regid 12345 --clear-groups ";
  Invocation invocation =
      world().plain({"/usr/bin/unshare", "--mount", "--propagation", "private", "/bin/bash", "-c",
                     "set -e; mount -t tmpfs -o suid,dev,mode=777 none disk; cp /usr/bin/id "
                     "disk/id; chmod 4755 disk/id; "
                     "mknod -m 666 disk/null c 1 3; " +
                         setpriv + "'" + world().carrel() +
                         "' run -- bash -c 'echo x > disk/made && cat disk/made; disk/id -u; echo "
                         "x > disk/null'"});
  invocation.who = Who::kRoot;
  const Ended ended = run(invocation);
  EXPECT_EQ(ended.out, std::string("x\n") + (is_root() ? "0" : "12345") + "\n") << describe(ended);
  EXPECT_TRUE(contains(ended.err, "disk/null: Permission denied")) << describe(ended);
}

TEST_P(Callers, DeviceNodesThatLieInTheWorkingDirectoryCannotBeOpened) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make a device node for the test";
  const std::string node = world().work() + "/null";
  ASSERT_EQ(::mknod(node.c_str(), S_IFCHR | 0666, makedev(1, 3)), 0);
  ASSERT_EQ(::chmod(node.c_str(), 0666), 0);
  EXPECT_TRUE(exited(plain_script("echo x > null"), 0));
  EXPECT_TRUE(exited(sealed_script("(echo x > null) 2>&1"), 1));
}

TEST_P(Callers, MountsThatTheHostMakesLaterDoNotAppearInside) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can mount a file system for the test";
  world().make_dir("outside/later");
  world().make_dir("work/go");
  const std::string setpriv =
      is_root() ? "" : "setpriv --reuid 12345 --regid 12345 --clear-groups ";
  Invocation invocation = world().plain(
      {"/usr/bin/unshare", "--mount", "--propagation", "shared", "/bin/bash", "-c",
       setpriv + "'" + world().carrel() +
           "' run -- bash -c 'touch up; for i in {1..200}; do [ -e go/now ] && break; "
           "sleep 0.05; done; ls -A ../outside/later' & for i in {1..200}; do [ -e up ] && break; "
           "sleep 0.05; done; "
           "mount -t tmpfs none ../outside/later; touch ../outside/later/seen; ls ../outside/later "
           ">&2; touch go/now; wait"});
  invocation.who = Who::kRoot;
  const Ended ended = run(invocation);
  EXPECT_EQ(ended.err, "seen\n") << describe(ended);  // outside it is there
  EXPECT_EQ(ended.out, "") << describe(ended);
}

class Profiles : public Sandboxed {};
CARREL_AS_ROOT_AND_USER(Profiles);

TEST_P(Profiles, StrictWritesNothingAndContainsTheSame) {
  const Ended ended = sealed_script(
      "touch made 2>/dev/null && echo WRITTEN; touch /tmp/x && echo scratch; ls ~ 2>/dev/null | wc "
      "-l",
      {"--profile", "strict", "--limit", "cpus=64"});
  if (ended.status == 125) {
    EXPECT_TRUE(contains(ended.err, "cannot be enforced")) << describe(ended);
    return;
  }
  EXPECT_EQ(ended.out, "scratch\n0\n") << describe(ended);
}

TEST_P(Profiles, PrintedOnesAreWhatIsUsed) {
  for (const std::string& home : {world().home(), std::string("/root")}) {
    for (const char* name : {"default", "strict", "cowork"}) {
      const Ended printed = carrel({"profile", name});
      ASSERT_TRUE(exited(printed, 0)) << name;
      const std::string file = world().make_file("outside/printed.toml", printed.out);
      Invocation by_name = sealed_invocation({"/usr/bin/env"}, {"--profile", name});
      Invocation by_text = sealed_invocation({"/usr/bin/env"}, {"--policy", file});
      by_name.env["HOME"] = home;
      by_text.env["HOME"] = home;
      const Ended wanted = run(by_name);
      const Ended got = run(by_text);
      EXPECT_EQ(got.status, wanted.status) << name << describe(got) << describe(wanted);
      EXPECT_EQ(got.out, wanted.out) << name;
    }
  }
}

}  // namespace
}  // namespace carrel::tests
