// Names that the host would later run or obey: those that exist can be read, and
// neither written, replaced, moved nor removed, in any writable folder at any depth.
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"

namespace carrel::tests {
namespace {

class Protected : public Sandboxed {
 protected:
  static constexpr const char* kFiles[] = {".git/config",
                                           ".git/config.worktree",
                                           ".git/commondir",
                                           ".git/hooks/pre-commit",
                                           ".bashrc",
                                           ".bash_profile",
                                           ".bash_login",
                                           ".profile",
                                           ".zshrc",
                                           ".zprofile",
                                           ".zshenv",
                                           ".gitconfig",
                                           ".gitmodules",
                                           ".mcp.json",
                                           ".envrc",
                                           ".ripgreprc",
                                           ".vscode/tasks.json",
                                           ".idea/workspace.xml",
                                           ".cursor/rules",
                                           ".claude/commands/x.md",
                                           ".claude/agents/y.md",
                                           ".claude/settings.json",
                                           ".claude/settings.local.json"};

  void plant_at(const std::string& folder) {
    for (const char* file : kFiles) world().make_file(folder + "/" + file, "original\n");
  }
};
CARREL_AS_ROOT_AND_USER(Protected);

// Every way in which a path can come to hold other bytes; prints those that worked.
constexpr char kAttack[] = R"sh(
attack() {
  p=$1; d=$(dirname "$p"); b=$(basename "$p")
  grep -q original "$p" || echo "UNREADABLE $p"
  (echo evil > "$p") 2>/dev/null && echo "WRITTEN $p"
  (echo evil >> "$p") 2>/dev/null && echo "APPENDED $p"
  rm -f "$p" 2>/dev/null && echo "REMOVED $p"
  mv "$p" "$p.away" 2>/dev/null && echo "MOVED $p"
  echo evil > bait; mv -f bait "$p" 2>/dev/null && echo "REPLACED $p"
  echo evil > bait; ln -f bait "$p" 2>/dev/null && echo "LINKED OVER $p"
  ln -sf bait "$p" 2>/dev/null && echo "SYMLINKED OVER $p"
  ln "$p" alias 2>/dev/null && (echo evil > alias) 2>/dev/null && echo "WRITTEN BY A LINK $p"
  truncate -s 0 "$p" 2>/dev/null && echo "TRUNCATED $p"
  chmod 777 "$p" 2>/dev/null && echo "MODE CHANGED $p"
  rm -f bait alias
}
# Moves one folder above the path away and puts another in its place.
attack_above() {
  p=$1; d=$(dirname "$p")
  while [ "$d" != . ]; do
    mv "$d" "$d.away" 2>/dev/null && mkdir -p "$(dirname "$p")" && echo evil > "$p" && echo "MOVED $d ABOVE $p"
    [ -e "$d.away" ] && rm -rf "$d" && mv "$d.away" "$d"
    d=$(dirname "$d")
  done
}
)sh";

TEST_P(Protected, NamesCannotBeChangedInTheWorkingDirectory) {
  plant_at("work");
  std::string script = kAttack;
  for (const char* file : kFiles) {
    script += "attack " + std::string(file) + "; attack_above " + file + "\n";
  }
  const Ended ended = sealed_script(script);
  EXPECT_EQ(ended.out, "") << describe(ended);
  for (const char* file : kFiles) {
    EXPECT_EQ(read_file(world().work() + "/" + file), "original\n") << file;
  }
}

TEST_P(Protected, NamesCannotBeChangedDeepBelow) {
  plant_at("work/a/b");
  std::string script = kAttack;
  for (const char* file : kFiles) script += "attack a/b/" + std::string(file) + "\n";
  const Ended ended = sealed_script(script);
  EXPECT_EQ(ended.out, "") << describe(ended);
  for (const char* file : kFiles) {
    EXPECT_EQ(read_file(world().work() + "/a/b/" + file), "original\n") << file;
  }
}

TEST_P(Protected, FoldersAboveDeepNamesCannotBeExchangedForOthers) {
  world().make_file("work/a/b/.git/hooks/pre-commit", "original\n");
  world().make_file("work/c/d/.bashrc", "original\n");
  const Ended ended = sealed_script(
      std::string(kAttack) + "attack_above a/b/.git/hooks/pre-commit; attack_above c/d/.bashrc");
  EXPECT_EQ(ended.out, "") << describe(ended);
}

TEST_P(Protected, NamesCannotBeChangedInOtherWritableFolders) {
  plant_at("outside/other");
  std::string script = "cd '" + world().outside() + "/other'\n" + kAttack;
  for (const char* file : kFiles) script += "attack " + std::string(file) + "\n";
  const Ended ended = sealed_script(script, {"--write", world().outside() + "/other"});
  EXPECT_EQ(ended.out, "") << describe(ended);
}

TEST_P(Protected, HooksBelowDependenciesCannotBeChanged) {
  world().make_file("work/node_modules/a/.git/hooks/pre-commit", "original\n");
  world().make_file("work/node_modules/b/.git", "original\n");
  const Ended ended =
      sealed_script(std::string(kAttack) +
                    "attack node_modules/a/.git/hooks/pre-commit; attack node_modules/b/.git; "
                    "attack_above node_modules/a/.git/hooks/pre-commit");
  EXPECT_EQ(ended.out, "") << describe(ended);
}

TEST_P(Protected, NothingCanBePlantedInProtectedFolders) {
  plant_at("work");
  const Ended ended = sealed_script(
      "for f in .git/hooks/post-commit .vscode/settings.json .idea/x .cursor/mcp.json "
      ".claude/commands/new.md "
      ".claude/agents/new.md; do (echo evil > $f) 2>/dev/null && echo \"PLANTED $f\"; done; "
      "rmdir .git/hooks 2>/dev/null && echo REMOVED; mkdir .git/hooks/d 2>/dev/null && echo MADE; "
      "true");
  EXPECT_EQ(ended.out, "") << describe(ended);
}

TEST_P(Protected, NamesInGitignoreAreProtectedToo) {
  plant_at("work");
  world().make_file("work/.gitignore", ".envrc\n.vscode\n*\n");
  const Ended ended =
      sealed_script(std::string(kAttack) + "attack .envrc; attack .vscode/tasks.json");
  EXPECT_EQ(ended.out, "") << describe(ended);
}

TEST_P(Protected, SpellingsInAnotherLetterCaseAreProtectedToo) {
  world().make_file("work/.GIT/Hooks/pre-commit", "original\n");
  world().make_file("work/.Bashrc", "original\n");
  const Ended ended =
      sealed_script(std::string(kAttack) + "attack .GIT/Hooks/pre-commit; attack .Bashrc");
  EXPECT_EQ(ended.out, "") << describe(ended);
}

TEST_P(Protected, LinkedStartUpFileProtectsItsTarget) {
  world().make_file("work/dotfiles/bashrc", "original\n");
  world().make_link("work/.bashrc", "dotfiles/bashrc");
  const Ended ended = sealed_script(
      "(echo evil > .bashrc) 2>/dev/null && echo 1; (echo evil > dotfiles/bashrc) 2>/dev/null && "
      "echo 2; "
      "mv dotfiles/bashrc x 2>/dev/null && echo 3; rm -f dotfiles/bashrc 2>/dev/null && echo 4; "
      "mv dotfiles d2 2>/dev/null && mkdir dotfiles && echo evil > dotfiles/bashrc && echo 5; "
      "true");
  EXPECT_EQ(ended.out, "") << describe(ended);
  EXPECT_EQ(read_file(world().work() + "/.bashrc"), "original\n");
}

TEST_P(Protected, LinkItselfCannotBePointedElsewhere) {
  world().make_file("work/dotfiles/bashrc", "original\n");
  world().make_link("work/.bashrc", "dotfiles/bashrc");
  world().make_link("work/.zshrc", "dotfiles/missing");
  const std::string before = world().listing();
  const Ended ended = sealed_script(
      "echo evil > evil; for f in .bashrc .zshrc; do for way in \"ln -sfn evil\" \"rm -f\" "
      "\"mv evil\" \"mv -T evil\"; do $way $f 2>/dev/null && echo $way $f; done; mv $f x "
      "2>/dev/null && echo moved $f; done; rm -f evil; cat .bashrc");
  EXPECT_EQ(ended.out, "original\n") << describe(ended);
  EXPECT_EQ(world().listing(), before);
}

TEST_P(Protected, RepositoryBehindALinkIsProtectedAsOne) {
  world().make_file("work/store/repo/hooks/pre-commit", "original\n");
  world().make_link("work/.git", "store/repo");
  const Ended ended = sealed_script(
      std::string(kAttack) +
      "attack .git/hooks/pre-commit; attack store/repo/hooks/pre-commit; "
      "ln -sfn evil .git 2>/dev/null && echo EXCHANGED; rm -f .git 2>/dev/null && echo REMOVED");
  EXPECT_EQ(ended.out, "") << describe(ended);
  EXPECT_EQ(read_file(world().work() + "/.git/hooks/pre-commit"), "original\n");
}

TEST_P(Protected, PathsOfTheCommandLineAreProtectedInsideAWritableFolder) {
  world().make_file("work/keep/file", "original\n");
  world().make_file("work/single", "original\n");
  world().make_file("work/a/b/deep", "original\n");
  const Ended ended = sealed_script(
      std::string(kAttack) +
          "attack keep/file; attack single; attack_above keep/file; "
          "attack a/b/deep; attack_above a/b/deep",
      {"--protect", world().work() + "/keep", "--protect", "single", "--protect", "a/b/deep"});
  EXPECT_EQ(ended.out, "") << describe(ended);
}

TEST_P(Protected, PatternsOfAPolicyProtectWhatTheyMatch) {
  world().make_file("work/src/a.lock", "original\n");
  world().make_file("work/src/a.txt", "original\n");
  const std::string policy =
      world().make_file("outside/policy.toml", "[files]\nprotect_names = [\"*.lock\"]\n");
  const Ended ended = sealed_script(
      std::string(kAttack) + "attack src/a.lock; echo changed > src/a.txt", {"--policy", policy});
  EXPECT_EQ(ended.out, "") << describe(ended);
  EXPECT_EQ(read_file(world().work() + "/src/a.lock"), "original\n");
  EXPECT_EQ(read_file(world().work() + "/src/a.txt"), "changed\n");
}

TEST_P(Protected, WorktreesPointerFileIsProtected) {
  ASSERT_TRUE(
      exited(plain_script("set -e; git init -q repo; cd repo; git -c user.name=t -c user.email=t@t "
                          "commit -q --allow-empty -m 1; git worktree add -q ../tree"),
             0));
  const std::string pointer = read_file(world().work() + "/tree/.git");
  ASSERT_TRUE(contains(pointer, "gitdir: "));
  const Ended ended = sealed_script(
      "(echo 'gitdir: /evil' > tree/.git) 2>/dev/null && echo 1; mv tree/.git x 2>/dev/null && "
      "echo 2; "
      "rm -f tree/.git 2>/dev/null && echo 3; for f in commondir gitdir; do (echo x > "
      "repo/.git/worktrees/tree/$f) "
      "2>/dev/null && echo $f; done; true");
  EXPECT_EQ(ended.out, "") << describe(ended);
  EXPECT_EQ(read_file(world().work() + "/tree/.git"), pointer);
}

TEST_P(Protected, WritableFolderThatIsNamedBelowAProtectedOneIsRefusedOrStaysProtected) {
  plant_at("work");
  const Ended ended = sealed_script("echo evil > .git/hooks/pre-commit",
                                    {"--write", world().work() + "/.git/hooks"});
  EXPECT_NE(ended.status, 0) << describe(ended);
  EXPECT_EQ(read_file(world().work() + "/.git/hooks/pre-commit"), "original\n");
}

}  // namespace
}  // namespace carrel::tests
