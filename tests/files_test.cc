// What a sandboxed command can write, and that the host is otherwise as before.
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"

namespace carrel::tests {
namespace {

class Files : public Sandboxed {
 protected:
  static bool exists(const std::string& path) {
    struct stat info{};
    return ::lstat(path.c_str(), &info) == 0;
  }
};
CARREL_AS_ROOT_AND_USER(Files);

TEST_P(Files, WorkingDirectoryCanBeChangedInEveryWay) {
  world().make_file("work/old/a", "a\n");
  EXPECT_TRUE(exited(
      sealed_script(
          "set -e; echo b > b; mkdir -p d/e; mv old d/e/; rm d/e/old/a; ln -s b link; ln b hard; "
          "chmod 700 d; truncate -s 5 b; touch -d 2001-01-01 b; mkfifo fifo; rmdir d/e/old"),
      0));
  EXPECT_TRUE(exists(world().work() + "/hard"));
  EXPECT_TRUE(exists(world().work() + "/link"));
  EXPECT_TRUE(exists(world().work() + "/d/e"));
  EXPECT_FALSE(exists(world().work() + "/old"));
}

TEST_P(Files, MadeInsideBelongToTheCaller) {
  ASSERT_TRUE(exited(sealed_script("echo x > made; stat -c %u:%g made; id -u"), 0));
  struct stat info{};
  ASSERT_EQ(::lstat((world().work() + "/made").c_str(), &info), 0);
  const unsigned id = is_root() ? 0 : (::geteuid() == 0 ? kUserId : ::geteuid());
  EXPECT_EQ(info.st_uid, id);
}

TEST_P(Files, WritesOutsideTheWorkingDirectoryAreRefused) {
  const std::vector<std::string> targets = {world().outside() + "/planted",
                                            world().outside() + "/file.txt",
                                            world().home() + "/planted",
                                            world().home() + "/notes.txt",
                                            world().root() + "/planted",
                                            "/etc/planted",
                                            "/usr/bin/planted",
                                            "/planted"};
  for (const std::string& target : targets) {
    EXPECT_TRUE(exited(sealed_script("(echo x >> '" + target + "') 2>&1"), 1)) << target;
  }
  EXPECT_EQ(read_file(world().outside() + "/file.txt"), "untouched\n");
  EXPECT_FALSE(exists("/etc/planted") || exists("/usr/bin/planted") || exists("/planted") ||
               exists(world().home() + "/planted"));
}

TEST_P(Files, NothingElseThanWritingChangesThingsOutside) {
  const std::string before = world().listing();
  const Ended ended = sealed_script(
      "cd '" + world().outside() +
      "'; for c in 'rm file.txt' 'mv file.txt f2' 'chmod 600 file.txt' "
      "'ln file.txt hard' 'ln -s x soft' 'mkdir d' 'mkfifo p' 'truncate -s 0 file.txt' "
      "'setfattr -n user.x -v 1 file.txt' 'chown 1:1 file.txt' "
      "'rmdir .'; do "
      "$c >/dev/null 2>&1 && echo \"did: $c\"; done; exit 0");
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_EQ(ended.out, "");
  EXPECT_EQ(world().listing(), before);
}

TEST_P(Files, TmpIsPrivateAndGoneAtTheEnd) {
  const std::string name = "/tmp/carrel-test-" + std::to_string(::getpid());
  write_file(name, "of the host\n", 0666);
  const Ended ended = sealed_script("cat " + name + " 2>/dev/null; echo inside > " + name +
                                    " && cat " + name + "; ls -A /tmp | wc -l; stat -c %a /tmp");
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_EQ(ended.out, "inside\n1\n1777\n") << describe(ended);
  EXPECT_EQ(read_file(name), "of the host\n");
  ::unlink(name.c_str());
}

TEST_P(Files, MktempWorks) {
  EXPECT_TRUE(
      exited(sealed_script("set -e; f=$(mktemp); echo x > $f; d=$(mktemp -d); touch $d/y"), 0));
  EXPECT_TRUE(exited(
      sealed({"/usr/bin/python3", "-c", "import tempfile; tempfile.TemporaryFile().write(b'x')"}),
      0));
}

TEST_P(Files, HereDocumentsAndDevNodesWork) {
  const Ended ended = sealed_script(
      "set -e; cat <<< here; head -c 4 /dev/zero | wc -c; head -c 8 /dev/urandom | wc -c; "
      "head -c 8 /dev/random | wc -c; echo x > /dev/null; (echo x > /dev/full) 2>/dev/null || echo "
      "full; "
      "cat <(echo substituted); echo shm > /dev/shm/x; cat /dev/shm/x");
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_EQ(ended.out, "here\n4\n8\n8\nfull\nsubstituted\nshm\n") << describe(ended);
}

TEST_P(Files, WorkingDirectoryBelowTmpCanBeUsed) {
  std::string folder = "/tmp/carrel-test-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  ::chmod(folder.c_str(), 0777);
  Invocation invocation =
      sealed_invocation({"/bin/bash", "-c", "echo x > made && pwd && ls -A /tmp"});
  invocation.cwd = folder;
  const Ended ended = run(invocation);
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_EQ(ended.out, folder + "\n" + folder.substr(5) + "\n") << describe(ended);
  EXPECT_EQ(read_file(folder + "/made"), "x\n");
  ::unlink((folder + "/made").c_str());
  ::rmdir(folder.c_str());
}

TEST_P(Files, TmpIsNotPrivateForWhoStandsInIt) {
  const std::string name = "carrel-test-" + std::to_string(::getpid());
  const std::string script = "echo x > " + name + " && touch /var/tmp/" + name;
  Invocation invocation = sealed_invocation({"/bin/bash", "-c", script});
  invocation.cwd = "/tmp";
  EXPECT_TRUE(exited(run(invocation), 0));
  EXPECT_EQ(read_file("/tmp/" + name), "x\n");
  EXPECT_EQ(::access(("/var/tmp/" + name).c_str(), F_OK), -1);
  ::unlink(("/tmp/" + name).c_str());
  Invocation explain = world().carrel({"explain"});
  explain.cwd = "/tmp";
  EXPECT_TRUE(contains(run(explain).out, "/tmp is shared by all users"));
}

TEST_P(Files, MoreFoldersCanBeGranted) {
  const std::string other = world().make_dir("outside/other");
  const std::string file = world().make_file("outside/one-file", "old\n");
  EXPECT_TRUE(
      exited(sealed_script("echo a > " + other + "/a && echo new > " + file + " && echo b > b",
                           {"--write", other, "--write", file}),
             0));
  EXPECT_EQ(read_file(other + "/a"), "a\n");
  EXPECT_EQ(read_file(file), "new\n");
  EXPECT_TRUE(exited(sealed_script("(echo x > ../outside/two) 2>&1", {"--write", other}), 1));
}

TEST_P(Files, WritablePathThatDoesNotExistIsRefusedByNameAndNothingIsMade) {
  const std::string absent = world().outside() + "/absent";
  const Ended ended = sealed({"/usr/bin/touch", "ran"}, {"--write", absent});
  EXPECT_TRUE(refused(ended, absent));
  EXPECT_FALSE(exists(absent));
  EXPECT_FALSE(exists(world().work() + "/ran"));
}

TEST_P(Files, WritablePathThatIsASymbolicLinkIsRefusedAndItsTargetNamed) {
  const std::string link = world().make_link("work/link", world().outside());
  const Ended ended = sealed_script("echo x > link/planted", {"--write", link});
  EXPECT_TRUE(refused(ended, link));
  EXPECT_TRUE(contains(ended.err, world().outside())) << describe(ended);
  EXPECT_FALSE(exists(world().outside() + "/planted"));
}

TEST_P(Files, SymbolicLinkThatLeadsOutIsNoWayToWrite) {
  world().make_link("work/dir-out", "../outside");
  world().make_link("work/file-out", world().outside() + "/file.txt");
  world().make_link("work/new-out", world().outside() + "/new");
  const std::string before = world().listing();
  const Ended ended = sealed_script(
      "for f in dir-out/planted dir-out/file.txt file-out new-out; do (echo x > $f) 2>&1 && echo "
      "\"ESCAPED $f\"; done; "
      "ln -s '" +
      world().home() + "' home; (echo x > home/planted) 2>&1 && echo ESCAPED; rm home");
  EXPECT_FALSE(contains(ended.out, "ESCAPED")) << describe(ended);
  EXPECT_TRUE(contains(ended.out, "Read-only file system")) << describe(ended);
  EXPECT_EQ(world().listing(), before);
}

TEST_P(Files, OutsideFilesCannotBeHardLinkedOrMovedIn) {
  const Ended ended =
      sealed_script("ln '" + world().outside() +
                    "/file.txt' linked 2>&1 && echo ESCAPED; "
                    "mv '" +
                    world().outside() + "/file.txt' moved 2>&1 && echo ESCAPED; true");
  EXPECT_FALSE(contains(ended.out, "ESCAPED")) << describe(ended);
  EXPECT_FALSE(exists(world().work() + "/linked"));
  EXPECT_EQ(read_file(world().outside() + "/file.txt"), "untouched\n");
}

TEST_P(Files, CredentialStoresOfTheHomeAreHidden) {
  const std::vector<std::string> secrets = {"/.ssh/id_ed25519",
                                            "/.aws/credentials",
                                            "/.netrc",
                                            "/.npmrc",
                                            "/.gnupg/private-keys-v1.d/key",
                                            "/.kube/config",
                                            "/.docker/config.json",
                                            "/.bash_history",
                                            "/.config/gcloud/credentials.db"};
  for (const std::string& secret : secrets) {
    const std::string path = world().home() + secret;
    ASSERT_TRUE(contains(plain_script("cat '" + path + "'").out, kSecret))
        << path;  // readable outside
    const Ended ended = sealed_script("cat '" + path + "'");
    EXPECT_TRUE(exited(ended, 1)) << path;
    EXPECT_FALSE(contains(ended.out, kSecret)) << path;
  }
  EXPECT_EQ(sealed_script("cat ~/notes.txt").out, "ordinary\n");
  EXPECT_FALSE(contains(sealed_script("grep -rs " + std::string(kSecret) + " ~ ").out, kSecret));
}

TEST_P(Files, CredentialStoresStayHiddenWhenTheHomeIsTheWorkingDirectory) {
  Invocation invocation =
      sealed_invocation({"/bin/bash", "-c",
                         "echo x > made; cat .ssh/* .netrc .aws/*; grep -rs carrel-test-secret ."});
  invocation.cwd = world().home();
  const Ended ended = run(invocation);
  EXPECT_FALSE(contains(ended.out, kSecret)) << describe(ended);
  EXPECT_EQ(read_file(world().home() + "/made"), "x\n");
}

TEST_P(Files, NothingIsLeftOnTheHost) {
  world().make_file("work/.git/config", "[core]\n");
  world().make_file("work/.env", "x");
  const std::string before = world().listing();
  EXPECT_TRUE(exited(sealed({"/bin/true"}, {"--hide", world().work() + "/.env", "--hide",
                                            world().work() + "/not-there", "--protect",
                                            world().work() + "/not-there-either"}),
                     0));
  EXPECT_TRUE(exited(sealed({"/no/such/command"}), 127));
  EXPECT_TRUE(exited(sealed({"/bin/sleep", "9"}, {"--timeout", "50ms"}), 124));
  EXPECT_EQ(world().listing(), before);
}

TEST_P(Files, NothingIsLeftInTheTemporaryFoldersOfTheHost) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give the test temporary folders of its own";
  const std::string carrel =
      (is_root() ? "" : "setpriv --reuid 12345 --regid 12345 --clear-groups ") +
      ("'" + world().carrel() + "'");
  Invocation invocation =
      world().plain({"/usr/bin/unshare", "--mount", "--propagation", "private", "/bin/bash", "-c",
                     "set -e; for d in /tmp /var/tmp /dev/shm /run; do mount -t tmpfs -o mode=1777 "
                     "none $d; done; touch /tmp/witness; " +
                         carrel + " run -- bash -c 'touch /tmp/x /var/tmp/y /dev/shm/z'; " +
                         carrel + " run --timeout 50ms -- sleep 9 || true; " + carrel +
                         " doctor > /dev/null; "
                         "find /tmp /var/tmp /dev/shm /run -mindepth 1"});
  invocation.who = Who::kRoot;
  const Ended ended = run(invocation);
  EXPECT_EQ(ended.out, "/tmp/witness\n") << describe(ended);
}

TEST_P(Files, TwoSandboxesInOneFolderDoNotDisturbEachOther) {
  world().make_file("work/.git/hooks/pre-commit", "original\n", 0755);
  world().make_file("work/secret/key", kSecret);
  const std::vector<std::string> hide = {"--hide", world().work() + "/secret"};
  Process longer(sealed_invocation(
      {"/bin/bash", "-c",
       "echo ready; for i in {1..600}; do [ -e go ] && break; sleep 0.05; done; "
       "cat secret/key; (echo planted > .git/hooks/pre-commit) && echo ESCAPED; echo done"},
      hide));
  ASSERT_TRUE(longer.wait_for_output("ready"));
  EXPECT_TRUE(exited(sealed({"/bin/true"}, hide), 0));  // begins and ends meanwhile
  world().make_file("work/go", "");
  const Ended ended = longer.wait();
  EXPECT_EQ(ended.out, "ready\ndone\n") << describe(ended);
  EXPECT_EQ(read_file(world().work() + "/.git/hooks/pre-commit"), "original\n");
}

}  // namespace
}  // namespace carrel::tests
