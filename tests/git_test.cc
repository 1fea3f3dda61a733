// git, as it is used every day, works in a sandbox, and its hooks stay what they were.
#include "fixture.h"

namespace carrel::tests {
namespace {

class Git : public Sandboxed {
 protected:
  void SetUp() override {
    Sandboxed::SetUp();
    if (IsSkipped()) return;
    if (::access("/usr/bin/git", X_OK) != 0) GTEST_SKIP() << "git is not installed";
  }

  // A repository with two commits and a hook, made on the host.
  void make_repository() {
    ASSERT_TRUE(
        exited(plain_script(kWho + std::string("set -e; git init -q -b main .; echo 1 > file; git "
                                               "add .; git commit -q -m one; echo 2 >> file; "
                                               "git commit -q -am two; printf '#!/bin/sh\\necho "
                                               "original hook\\n' > .git/hooks/pre-commit; "
                                               "chmod +x .git/hooks/pre-commit")),
               0));
  }

  static constexpr char kWho[] =
      "export GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@t GIT_COMMITTER_NAME=t "
      "GIT_COMMITTER_EMAIL=t@t\n";
};
CARREL_AS_ROOT_AND_USER(Git);

TEST_P(Git, InitAddAndCommitWorkWhereThereWasNoRepository) {
  const Ended ended =
      sealed_script(kWho + std::string("set -e; git init -q -b main .; echo x > file; git add "
                                       "file; git commit -q -m first; git log --format=%s"));
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_EQ(ended.out, "first\n") << describe(ended);
  EXPECT_EQ(plain_script("git log --format=%s").out, "first\n");
}

TEST_P(Git, AddCommitAndHistoryWorkInAnExistingRepository) {
  make_repository();
  const Ended ended = sealed_script(
      kWho + std::string("set -e; echo 3 >> file; git add file; git commit -q -m three; git "
                         "checkout -q -b topic; echo t > topic; "
                         "git add topic; git commit -q -m topic; git checkout -q main; git merge "
                         "-q --no-edit topic; "
                         "git stash list; echo s >> file; git stash -q; git stash pop -q; git "
                         "checkout -q -- file; "
                         "git reset -q --hard HEAD; git tag v1; git gc -q; git log --format=%s"));
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_TRUE(contains(ended.out, "topic\nthree\ntwo\none\n")) << describe(ended);
  EXPECT_EQ(plain_script("git status --porcelain && git fsck --strict 2>&1 | grep -v dangling").out,
            "");
}

TEST_P(Git, RebaseWorks) {
  make_repository();
  const Ended ended = sealed_script(
      kWho + std::string("set -e; git checkout -q -b topic HEAD~1; echo a > a; git add a; git "
                         "commit -q -m a; echo b > b; git add b; "
                         "git commit -q -m b; git rebase -q main; git -c sequence.editor=true "
                         "rebase -q -i HEAD~2; git log --format=%s"));
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_TRUE(contains(ended.out, "b\na\ntwo\none\n")) << describe(ended);
}

TEST_P(Git, WorktreesCanBeAddedUsedAndListed) {
  make_repository();
  const Ended ended =
      sealed_script(kWho + std::string("set -e; git worktree add -q tree -b tree; cd tree; echo t "
                                       "> t; git add t; git commit -q -m in-tree; "
                                       "git worktree list | wc -l; git log -1 --format=%s"));
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_TRUE(contains(ended.out, "2\nin-tree\n")) << describe(ended);
}

TEST_P(Git, CloneOfALocalRepositoryWorks) {
  make_repository();
  const Ended ended = sealed_script("set -e; git clone -q . clone; cd clone; git log --format=%s");
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_EQ(ended.out, "two\none\n") << describe(ended);
}

TEST_P(Git, CommitInASubmoduleWorks) {
  ASSERT_TRUE(exited(
      plain_script(kWho + std::string("set -e; git init -q -b main lib; (cd lib; echo l > l; git "
                                      "add l; git commit -q -m lib); git init -q -b main top; "
                                      "cd top; git -c protocol.file.allow=always submodule --quiet "
                                      "add ../lib sub; git commit -q -m top")),
      0));
  const Ended ended = sealed_script(
      kWho +
      std::string(
          "set -e; cd top/sub; echo m > m; git add m; git commit -q -m inner; cd ..; git add sub; "
          "git commit -q -m outer; "
          "git submodule status | wc -l; git log -1 --format=%s; git -C sub log -1 --format=%s"));
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_EQ(ended.out, "1\nouter\ninner\n") << describe(ended);
}

TEST_P(Git, HooksOfTheRepositoryRunInsideAndCannotBeChanged) {
  make_repository();
  const Ended ended = sealed_script(
      kWho +
      std::string("echo 4 >> file; git commit -am four; (echo evil > .git/hooks/pre-commit) 2>&1; "
                  "(echo evil > .git/hooks/post-checkout) 2>&1; git config core.hooksPath /evil; "
                  "git config core.fsmonitor /evil; "
                  "git config --worktree core.fsmonitor /evil; true"));
  EXPECT_TRUE(contains(ended.out + ended.err, "original hook")) << describe(ended);
  EXPECT_TRUE(contains(read_file(world().work() + "/.git/hooks/pre-commit"), "original hook"));
  EXPECT_FALSE(contains(plain_script("git config -l").out, "evil"));
  EXPECT_EQ(::access((world().work() + "/.git/hooks/post-checkout").c_str(), F_OK), -1);
}

TEST_P(Git, RepositoryCannotBeSwappedForAnother) {
  make_repository();
  const Ended ended = sealed_script(
      "mv .git old && mkdir .git && cp -r old/. .git/ && echo evil > .git/hooks/pre-commit && echo "
      "SWAPPED; "
      "rm -rf .git; cp -r .git copy; mv -T copy .git && echo SWAPPED; true");
  EXPECT_FALSE(contains(ended.out, "SWAPPED")) << describe(ended);
  EXPECT_TRUE(contains(read_file(world().work() + "/.git/hooks/pre-commit"), "original hook"));
}

}  // namespace
}  // namespace carrel::tests
