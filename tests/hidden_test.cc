// Hidden paths: nothing of them can be read, moved or written, by whatever way
// they are reached, and a write fails rather than getting lost.
#include <chrono>
#include <cstdio>

#include "fixture.h"

namespace carrel::tests {
namespace {

class Hidden : public Sandboxed {
 protected:
  void SetUp() override {
    Sandboxed::SetUp();
    if (IsSkipped()) return;
    secret_ = world().make_file("work/vault/key", kSecret);
    file_ = world().make_file("work/token", kSecret);
  }
  std::vector<std::string> hide() {
    return {"--hide", world().work() + "/vault", "--hide", "token"};
  }

  std::string secret_;
  std::string file_;
};
CARREL_AS_ROOT_AND_USER(Hidden);

TEST_P(Hidden, FolderIsEmptyAndFileCannotBeOpened) {
  ASSERT_EQ(plain_script("cat vault/key token").out, std::string(kSecret) + std::string(kSecret));
  const Ended ended = sealed_script("ls -A vault; cat vault/key; cat token; echo end", hide());
  EXPECT_EQ(ended.out, "end\n") << describe(ended);
  EXPECT_TRUE(contains(ended.err, "token: Permission denied")) << describe(ended);
}

TEST_P(Hidden, WritesFailRatherThanGettingLost) {
  const Ended ended = sealed_script(
      "(echo x > vault/new) 2>&1 || echo failed; (echo x > token) 2>&1 || echo failed; "
      "(echo x >> token) 2>&1 || echo failed; mkdir vault/d 2>&1 || echo failed; chmod 644 token "
      "2>&1 || echo failed",
      hide());
  EXPECT_TRUE(exited(ended, 0));
  std::size_t failures = 0;
  for (std::size_t at = 0; (at = ended.out.find("failed\n", at)) != std::string::npos; ++at)
    ++failures;
  EXPECT_EQ(failures, 5u) << describe(ended);
  EXPECT_EQ(read_file(file_), kSecret);
}

TEST_P(Hidden, PathsCannotBeMovedRemovedOrReplaced) {
  const std::string before = world().listing();
  const Ended ended = sealed_script(
      "mv vault v2 2>/dev/null && echo MOVED; mv token t2 2>/dev/null && echo MOVED; "
      "rm -f token 2>/dev/null && echo REMOVED; rmdir vault 2>/dev/null && echo REMOVED; "
      "rm -rf vault 2>/dev/null && echo REMOVED; touch t3; mv -f t3 token 2>/dev/null && echo "
      "REPLACED; "
      "ln -f t3 token 2>/dev/null && echo REPLACED; ln token t4 2>/dev/null && echo LINKED; rm -f "
      "t3; true",
      hide());
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_EQ(ended.out, "") << describe(ended);
  EXPECT_EQ(world().listing(), before);
}

TEST_P(Hidden, ExchangingTwoNamesMovesNothing) {
  const Ended ended = sealed(
      {"/usr/bin/python3", "-c",
       "import ctypes,os\nlibc=ctypes.CDLL(None,use_errno=True)\nos.mkdir('bait')\n"
       "for name in (b'vault',b'token'):\n"
       " r=libc.renameat2(-100,b'bait',-100,name,2)\n print('ESCAPED' if r==0 else 'refused')\n"},
      hide());
  EXPECT_EQ(ended.out, "refused\nrefused\n") << describe(ended);
}

TEST_P(Hidden, EveryOtherNameOfThePathIsHiddenToo) {
  const std::string work = world().work();
  for (const std::string& path :
       {"/proc/self/root" + work + "/vault/key", std::string("/proc/self/cwd/vault/key"),
        "/proc/1/root" + work + "/vault/key", std::string("/proc/1/cwd/vault/key"),
        "/proc/thread-self/root" + work + "/vault/key", work + "/../work/vault/key",
        std::string("/dev/fd/../root") + work + "/vault/key",
        "/proc/self/task/1/root" + work + "/vault/key", work + "/vault/../vault/key",
        "/proc/2/root" + work + "/vault/key"}) {
    EXPECT_FALSE(contains(sealed_script("cat '" + path + "'", hide()).out, kSecret)) << path;
  }
  world().make_link("work/shortcut", "vault");
  EXPECT_FALSE(contains(sealed_script("cat shortcut/key", hide()).out, kSecret));
}

TEST_P(Hidden, LinkThatNamesAHiddenPathHidesItsTarget) {
  const std::string target = world().make_file("outside/real-token", kSecret);
  world().make_link("work/token-link", target);
  const Ended ended = sealed_script("cat token-link; cat '" + target + "'",
                                    {"--hide", world().work() + "/token-link"});
  EXPECT_FALSE(contains(ended.out, kSecret)) << describe(ended);
}

TEST_P(Hidden, ChildOfAHiddenFolderCanBeReadAgainAndItsChildWritten) {
  world().make_file("work/p/other", kSecret);
  world().make_file("work/p/child/readable", "readable\n");
  world().make_file("work/p/child/grandchild/writable", "old\n");
  const std::string work = world().work();
  const Ended ended = sealed_script(
      "cat p/other; cat p/child/readable; (echo x > p/child/readable) 2>/dev/null || echo "
      "read-only; "
      "echo new > p/child/grandchild/writable && cat p/child/grandchild/writable; ls p",
      {"--hide", work + "/p", "--read", work + "/p/child", "--write",
       work + "/p/child/grandchild"});
  EXPECT_EQ(ended.out, "readable\nread-only\nnew\nchild\n") << describe(ended);
  EXPECT_EQ(read_file(work + "/p/child/grandchild/writable"), "new\n");
  EXPECT_EQ(read_file(work + "/p/child/readable"), "readable\n");
}

TEST_P(Hidden, PatternsHideEveryMatchAtAnyDepth) {
  for (const char* path : {"work/.env", "work/a/.env", "work/a/b/c/.env", "outside/.env"}) {
    world().make_file(path, kSecret);
  }
  world().make_file("work/a/.envoy", "ordinary\n");
  const Ended ended = sealed_script("cat .env a/.env a/b/c/.env; cat a/.envoy ../outside/file.txt",
                                    {"--hide", world().work() + "/**/.env"});
  EXPECT_EQ(ended.out, "ordinary\nuntouched\n") << describe(ended);
  EXPECT_TRUE(contains(
      sealed_script("cat ../outside/.env", {"--hide", world().work() + "/**/.env"}).out, kSecret));
}

TEST_P(Hidden, PatternUnderAFolderThatIsReadAgainStillHides) {
  world().make_file("work/p/child/.env", kSecret);
  world().make_file("work/p/child/code", "code\n");
  const std::string work = world().work();
  const Ended ended = sealed_script(
      "cat p/child/.env; cat p/child/code",
      {"--hide", work + "/p", "--read", work + "/p/child", "--hide", work + "/**/.env"});
  EXPECT_EQ(ended.out, "code\n") << describe(ended);
}

TEST_P(Hidden, ParentsOfAHiddenPathCannotBeMoved) {
  world().make_file("work/a/b/c/key", kSecret);
  const std::string before = world().listing();
  const Ended ended = sealed_script(
      "mv a/b a/x 2>/dev/null && echo MOVED; mv a x 2>/dev/null && echo MOVED; mkdir d; mv a d/ "
      "2>/dev/null && "
      "echo MOVED; rmdir d; true",
      {"--hide", world().work() + "/a/b/c"});
  EXPECT_EQ(ended.out, "") << describe(ended);
  EXPECT_EQ(world().listing(), before);
}

TEST_P(Hidden, MoreThanThreeThousandPathsStartQuickly) {
  std::string policy = "[files]\nhide = [\n";
  for (int i = 0; i < 3200; ++i) {
    const std::string name = "many/" + std::to_string(i % 40) + "/secret" + std::to_string(i);
    world().make_file("work/" + name, kSecret);
    policy += "  \"" + world().work() + "/" + name + "\",\n";
  }
  const std::string file = world().make_file("outside/policy.toml", policy + "]\n");
  const auto started = std::chrono::steady_clock::now();
  const Ended ended = sealed_script("cat many/*/secret* | wc -c", {"--policy", file});
  const auto took = std::chrono::steady_clock::now() - started;
  std::printf(
      "3,200 hidden files: %lld ms\n",
      static_cast<long long>(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()));
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_EQ(ended.out, "0\n");
  EXPECT_LT(took, std::chrono::seconds(10));
}

TEST_P(Hidden, SocketsAndFifosCanBeHiddenLikeFiles) {
  ASSERT_TRUE(exited(plain_script("mkfifo pipe"), 0));
  const Ended ended = sealed_script("timeout 2 cat pipe; echo $?; [ -p pipe ] && echo still-a-pipe",
                                    {"--hide", world().work() + "/pipe"});
  EXPECT_EQ(ended.out, "1\n") << describe(ended);
}

TEST_P(Hidden, WorkingDirectoryBelowAHiddenFolderKeepsItsPath) {
  world().make_file("home/other", kSecret);
  const std::string project = world().make_dir("home/project");
  Invocation invocation =
      sealed_invocation({"/bin/bash", "-c", "pwd; echo x > made; cat ../other; ls -A .."},
                        {"--hide", world().home()});
  invocation.cwd = project;
  const Ended ended = run(invocation);
  EXPECT_EQ(ended.out, project + "\nproject\n") << describe(ended);
  EXPECT_EQ(read_file(project + "/made"), "x\n");
}

}  // namespace
}  // namespace carrel::tests
