#include "plan/walk.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "sys/test_folder.h"

namespace carrel::plan {
namespace {

using policy::Glob;
using sys::TestFolder;
using Paths = std::vector<std::string>;

Paths sorted(Paths paths) {
  std::sort(paths.begin(), paths.end());
  return paths;
}

// The matches of `pattern` below the folder, relative to it.
class FindMatches : public testing::Test {
 protected:
  [[nodiscard]] std::vector<Place> places(const std::string& pattern) const {
    const Glob glob = Glob::parse(folder_.path() + "/" + pattern).value();
    Result<std::vector<Place>> found = find_matches(glob);
    EXPECT_TRUE(found.ok()) << found.error().message;
    return found.ok() ? std::move(found).value() : std::vector<Place>();
  }
  [[nodiscard]] Paths matches(const std::string& pattern) const {
    Paths paths;
    for (const Place& place : places(pattern)) {
      EXPECT_TRUE(place.path.starts_with(folder_.path())) << place.path;
      paths.push_back(place.path.size() > folder_.path().size()
                          ? place.path.substr(folder_.path().size() + 1)
                          : ".");
    }
    return sorted(paths);
  }

  TestFolder folder_;
};

TEST_F(FindMatches, AcrossATree) {
  for (const char* path : {".env", "a/.env", "a/b/c/.env", "a/.envrc", "a/x.key", "b/y.key",
                           "b/.hidden.key", "b/key", "c/d/z.key"}) {
    folder_.file(path);
  }
  EXPECT_EQ(matches("**/.env"), Paths({".env", "a/.env", "a/b/c/.env"}));
  EXPECT_EQ(matches("*/*.key"), Paths({"a/x.key", "b/.hidden.key", "b/y.key"}));
  EXPECT_EQ(matches("?/x.key"), Paths({"a/x.key"}));
  EXPECT_EQ(matches("[ab]/*.key"), Paths({"a/x.key", "b/.hidden.key", "b/y.key"}));
  EXPECT_EQ(matches("a/**/.env"), Paths({"a/.env", "a/b/c/.env"}));
  EXPECT_EQ(matches("missing/*"), Paths());
  EXPECT_EQ(matches("*/missing"), Paths());
  EXPECT_EQ(matches("a/.env/*"), Paths()) << "a file has nothing below it";
}

TEST_F(FindMatches, OfALiteralAreThatPlaceOrNothing) {
  folder_.file("a/file");
  EXPECT_EQ(matches("a/file"), Paths({"a/file"}));
  EXPECT_EQ(matches("a"), Paths({"a"}));
  EXPECT_EQ(matches("a/missing"), Paths());
  EXPECT_EQ(matches("a/file/x"), Paths());
}

TEST_F(FindMatches, TellFilesFromFolders) {
  folder_.dir("x/folder");
  folder_.file("x/file");
  folder_.fifo("x/pipe");
  folder_.socket("x/socket");
  for (const Place& place : places("x/*")) {
    const bool is_folder = place.path.ends_with("/folder");
    EXPECT_EQ(place.kind, is_folder ? EntryKind::kFolder : EntryKind::kFile) << place.path;
  }
  EXPECT_EQ(matches("x/*").size(), 4u);
}

TEST_F(FindMatches, GoNoFurtherBelowAMatch) {
  folder_.file("a/a/a/file");
  EXPECT_EQ(matches("**/a"), Paths({"a"}));
}

TEST_F(FindMatches, IncludeTheFolderThatAPatternStartsFrom) {
  folder_.file("a/b/file");
  const Paths found = matches("a/**");
  EXPECT_EQ(found.empty() ? "nothing" : found.front(), "a");
}

TEST_F(FindMatches, ThroughLinksAreTheRealPlace) {
  folder_.file("store/secret");
  folder_.link("home/.ssh", folder_.path("store"));
  folder_.link("home/key", "../store/secret");
  folder_.link("home/dangling", "/nowhere/at/all");
  EXPECT_EQ(matches("home/.ssh"), Paths({"store"}));
  EXPECT_EQ(matches("home/*"), Paths({"store", "store/secret"}));
  EXPECT_EQ(matches("home/dangling"), Paths());
}

TEST_F(FindMatches, AreFoundThoughThePatternStartsAtALink) {
  folder_.file("real/a.key");
  folder_.file("real/deep/b.key");
  folder_.link("link", folder_.path("real"));
  EXPECT_EQ(matches("link/*.key"), Paths({"real/a.key"}));
  EXPECT_EQ(matches("link/**/b.key"), Paths({"real/deep/b.key"}));
  EXPECT_EQ(matches("link/deep/*"), Paths({"real/deep/b.key"}));
}

TEST_F(FindMatches, EndWhereLinksGoRound) {
  folder_.link("a/up", folder_.path());
  folder_.link("a/self", "self");
  folder_.link("one", "two");
  folder_.link("two", "one");
  folder_.file("a/file");
  EXPECT_EQ(matches("**/file"), Paths({"a/file"}));
  EXPECT_EQ(matches("**/self"), Paths());
  EXPECT_EQ(matches("a/up/one"), Paths());
}

TEST_F(FindMatches, NamesWithSpecialCharactersAreNames) {
  folder_.file("we[i]rd/*?/x.key");
  folder_.file("new\nline/y.key");
  folder_.file("\xff\xfe/z.key");
  EXPECT_EQ(matches("**/*.key").size(), 3u);
}

// Run by root too, as whoever root is not.
class FindMatchesUnreadable : public testing::Test {
 protected:
  const sys::AsOrdinaryUser user_;
  const TestFolder folder_;
};

TEST_F(FindMatchesUnreadable, FoldersCountAsMatchesWhereSomethingBelowCould) {
  folder_.file("locked/.env");
  folder_.file("elsewhere/x");
  folder_.dir("elsewhere", 0);
  for (const unsigned mode : {0u, 0100u, 0300u, 0400u, 0600u}) {
    folder_.dir("locked", mode);
    const Glob glob = Glob::parse(folder_.path() + "/locked/**/.env").value();
    const Result<std::vector<Place>> found = find_matches(glob);
    ASSERT_TRUE(found.ok()) << std::oct << mode << ": " << found.error().message;
    ASSERT_EQ(found.value().size(), 1u) << std::oct << mode;
    EXPECT_EQ(found.value()[0].path, folder_.path("locked"));
    EXPECT_EQ(found.value()[0].kind, EntryKind::kFolder);
  }
  folder_.dir("locked", 0700);
}

TEST_F(FindMatchesUnreadable, FoldersFartherDownCountToo) {
  folder_.file("a/locked/deep/.env");
  folder_.file("a/b/.env");
  folder_.dir("a/locked", 0);
  const Glob glob = Glob::parse(folder_.path() + "/**/.env").value();
  Paths paths;
  const std::vector<Place> found = find_matches(glob).value();
  for (const Place& place : found) paths.push_back(place.path);
  EXPECT_EQ(sorted(paths), Paths({folder_.path("a/b/.env"), folder_.path("a/locked")}));
}

TEST_F(FindMatchesUnreadable, FoldersOnTheWayToALiteralCountToo) {
  folder_.file("locked/deep/.env");
  folder_.dir("locked", 0);
  const auto found = find_matches(Glob::of_literal(folder_.path("locked/deep/.env"))).value();
  ASSERT_EQ(found.size(), 1u) << "the owner can open the folder again, and then read";
  EXPECT_EQ(found[0].path, folder_.path("locked"));
}

// A store that is a link into somebody else's home: the folder that holds the link stays.
TEST_F(FindMatchesUnreadable, PlacesBehindALinkAreNothing) {
  folder_.file("locked/deep/.ssh/key");
  folder_.link("home/.ssh", folder_.path("locked/deep/.ssh"));
  folder_.dir("locked", 0);
  EXPECT_TRUE(find_matches(Glob::of_literal(folder_.path("home/.ssh"))).value().empty());
  EXPECT_TRUE(find_matches(Glob::of_literal(folder_.path("home/.ssh/key"))).value().empty());
}

class FindProtected : public testing::Test {
 protected:
  [[nodiscard]] std::vector<ProtectedName> found(const std::set<std::string>& names,
                                                 const std::string& root = "",
                                                 const std::set<std::string>& skip = {}) const {
    policy::FilesPolicy files;
    for (const std::string& name : names) files.protect_names.insert(Glob::parse(name).value());
    files.dependencies = {"node_modules"};
    std::set<std::string> skipped;
    for (const std::string& path : skip) skipped.insert(folder_.path(path));
    Result<std::vector<ProtectedName>> names_found =
        find_protected({folder_.path(root)}, files, skipped);
    EXPECT_TRUE(names_found.ok()) << names_found.error().message;
    return names_found.ok() ? std::move(names_found).value() : std::vector<ProtectedName>();
  }
  [[nodiscard]] std::string relative(const std::string& path) const {
    return path == folder_.path() ? "." : path.substr(folder_.path().size() + 1);
  }
  [[nodiscard]] Paths places(const std::set<std::string>& names, const std::string& root = "",
                             const std::set<std::string>& skip = {}) const {
    Paths paths;
    for (const ProtectedName& name : found(names, root, skip)) {
      paths.push_back(relative(name.place.path));
    }
    return sorted(paths);
  }
  // The holders of the one name that is found.
  [[nodiscard]] Paths holders(const std::set<std::string>& names) const {
    const std::vector<ProtectedName> all = found(names);
    EXPECT_EQ(all.size(), 1u);
    Paths paths;
    for (const ProtectedName& name : all) {
      for (const std::string& holder : name.holders) paths.push_back(relative(holder));
    }
    return sorted(paths);
  }

  TestFolder folder_;
};

TEST_F(FindProtected, NamesAtAnyDepth) {
  for (const char* path : {".git/hooks/x", "a/.git/hooks/x", "a/b/c/.git/hooks/x", "hooks/x",
                           "git/hooks/x", ".git2/hooks/x"}) {
    folder_.file(path);
  }
  EXPECT_EQ(places({".git/hooks"}), Paths({".git/hooks", "a/.git/hooks", "a/b/c/.git/hooks"}));
}

TEST_F(FindProtected, NamesInAnyLetterCase) {
  folder_.file("a/.GIT/Hooks/x");
  folder_.file("b/.Claude/Settings.Local.JSON");
  EXPECT_EQ(places({".git/hooks", ".claude/settings*.json"}),
            Paths({"a/.GIT/Hooks", "b/.Claude/Settings.Local.JSON"}));
  EXPECT_EQ(places({".GIT/HOOKS"}), Paths({"a/.GIT/Hooks"}));
}

TEST_F(FindProtected, NamesOfWorktreesAndSubmodules) {
  for (const char* path :
       {".git/modules/x/hooks/h", ".git/modules/libs/far/down/hooks/h",
        ".git/modules/x/modules/y/hooks/h", ".git/worktrees/w/config.worktree", ".git/config"}) {
    folder_.file(path);
  }
  EXPECT_EQ(places({".git/modules/**/hooks", ".git/worktrees/*/config.worktree", ".git/config"}),
            Paths({".git/config", ".git/modules/libs/far/down/hooks", ".git/modules/x/hooks",
                   ".git/modules/x/modules/y/hooks", ".git/worktrees/w/config.worktree"}));
}

TEST_F(FindProtected, NamesBelowARootThatIsItselfPartOfTheName) {
  folder_.file(".git/hooks/h");
  folder_.file(".git/modules/x/hooks/h");
  EXPECT_EQ(places({".git/hooks", ".git/modules/**/hooks"}, ".git"),
            Paths({".git/hooks", ".git/modules/x/hooks"}));
  EXPECT_EQ(places({".git/modules/**/hooks"}, ".git/modules"), Paths({".git/modules/x/hooks"}));
}

TEST_F(FindProtected, DoesNotEnterGitsObjectStores) {
  for (const char* store : {"objects", "refs", "logs", "lfs", "rr-cache"}) {
    folder_.file(".git/" + std::string(store) + "/a/.bashrc");
    folder_.file("src/" + std::string(store) + "/.bashrc");
  }
  EXPECT_EQ(places({".bashrc"}),
            Paths({"src/lfs/.bashrc", "src/logs/.bashrc", "src/objects/.bashrc", "src/refs/.bashrc",
                   "src/rr-cache/.bashrc"}));
}

TEST_F(FindProtected, DoesNotEnterWhatIsSkipped) {
  folder_.file("a/.bashrc");
  folder_.file("a-b/.bashrc");
  folder_.file("hidden/.bashrc");
  EXPECT_EQ(places({".bashrc"}, "", {"hidden", "a"}), Paths({"a-b/.bashrc"}));
}

TEST_F(FindProtected, GivesTheFoldersThatAPatternNames) {
  folder_.file("a/b/.git/hooks/h");
  EXPECT_EQ(holders({".git/hooks"}), Paths({"a/b/.git"}));
  EXPECT_EQ(holders({"hooks"}), Paths());
  EXPECT_EQ(holders({"b/.git/hooks"}), Paths({"a/b", "a/b/.git"}));
  EXPECT_EQ(holders({"b/*/hooks"}), Paths({"a/b", "a/b/.git"}));
}

TEST_F(FindProtected, GivesEveryFolderFromTheFirstThatAPatternNames) {
  folder_.file("a/.git/modules/libs/far/x/hooks/h");
  EXPECT_EQ(holders({".git/modules/**/hooks"}),
            Paths({"a/.git", "a/.git/modules", "a/.git/modules/libs", "a/.git/modules/libs/far",
                   "a/.git/modules/libs/far/x"}));
}

// The root may lie inside another that can be written.
TEST_F(FindProtected, GivesHoldersAboveTheRootToo) {
  folder_.file("a/root/b/hooks");
  const std::vector<ProtectedName> all = found({"a/**/hooks"}, "a/root");
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].holders,
            Paths({folder_.path("a/root/b"), folder_.path("a/root"), folder_.path("a")}));
}

TEST_F(FindProtected, NamesThatAreLinksMeanThemselvesAndWhatTheyLeadTo) {
  folder_.file("dotfiles/bashrc");
  folder_.link("home/.bashrc", "../dotfiles/current");
  folder_.link("dotfiles/current", "./bashrc");
  folder_.link("home/.zshrc", "missing");
  EXPECT_EQ(places({".bashrc", ".zshrc"}),
            Paths({"dotfiles/bashrc", "dotfiles/current", "home/.bashrc", "home/.zshrc"}));
  for (const ProtectedName& name : found({".zshrc"})) {
    EXPECT_EQ(name.place.kind, EntryKind::kLink);
  }
}

TEST_F(FindProtected, NamesInAFolderThatIsEnteredThroughALinkOfAFirstName) {
  folder_.file("store/repo/hooks/h");
  folder_.file("store/repo/objects/.git/hooks/h");
  folder_.link("a/.git", "../store/repo");
  folder_.link("a/up", "..");
  EXPECT_EQ(places({".git/hooks"}),
            Paths({"a/.git", "store/repo/hooks", "store/repo/objects/.git/hooks"}));
  EXPECT_EQ(places({".git/hooks"}, "a"), Paths({"a/.git"}));
}

TEST_F(FindProtected, OnlyNamesOfGitBelowDependencies) {
  for (const char* path : {".vscode/x", "node_modules/.vscode/x", "node_modules/a/b/.vscode/x",
                           "node_modules/a/.git/hooks/h", "a/node_modules/.git",
                           "modules/.vscode/x", "node_modules/.gitmodules"}) {
    folder_.file(path);
  }
  const std::set<std::string> names = {".vscode", ".git/hooks", ".gitmodules"};
  EXPECT_EQ(places(names), Paths({".vscode", "a/node_modules/.git", "modules/.vscode",
                                  "node_modules/a/.git/hooks"}));
  // Who stands in one works there.
  EXPECT_EQ(places(names, "node_modules/a"),
            Paths({"node_modules/a/.git/hooks", "node_modules/a/b/.vscode"}));
}

TEST_F(FindProtected, LinksThatLeadRoundComeToAnEnd) {
  folder_.file("a/hooks/h");
  folder_.link("a/.git", ".");
  folder_.link("a/b/.git", "..");
  folder_.link("a/c/.git", "../b/.git");
  folder_.link("a/.bashrc", ".bashrc");
  EXPECT_EQ(places({".git/hooks", ".bashrc"}).front(), "a/.bashrc");
}

TEST_F(FindProtected, LinksOnTheWayAreAllOfThemByTheirRealPlaces) {
  folder_.file("real/deep/file");
  folder_.link("first", "real/../second");
  folder_.link("second", folder_.path("real"));
  folder_.link("real/name", "deep/file");
  folder_.link("loop", "loop");
  const auto links = [&](const char* path) {
    Paths paths;
    for (const std::string& link : find_links(folder_.path(path))) paths.push_back(relative(link));
    return paths;
  };
  EXPECT_EQ(links("first/name"), Paths({"first", "second", "real/name"}));
  EXPECT_EQ(links("real/deep/file"), Paths());
  EXPECT_EQ(links("missing/file"), Paths());
  EXPECT_EQ(links("loop").size(), 40u);
}

TEST_F(FindProtected, TheFileThatSaysWhereAWorktreesRepositoryIs) {
  folder_.file("tree/.git");
  folder_.file("other/.GIT");
  folder_.file("plain/.git/x");
  EXPECT_EQ(places({".git/hooks"}), Paths({"other/.GIT", "tree/.git"}));
  EXPECT_EQ(places({".GIT/hooks"}), Paths({"other/.GIT", "tree/.git"}));
  EXPECT_EQ(places({"hooks"}), Paths());
  EXPECT_EQ(places({".git", ".git/hooks"}), Paths({"other/.GIT", "plain/.git", "tree/.git"}));
}

// Both ends: the link's own folders, and those above what it leads to.
TEST_F(FindProtected, GivesTheFoldersAboveWhatALinkLeadsToAsHoldersToo) {
  folder_.file("store/deep/hooks/h");
  folder_.link("repo/.git/hooks", folder_.path("store/deep/hooks"));
  const std::vector<ProtectedName> all = found({".git/hooks"});
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(relative(all[0].place.path), "repo/.git/hooks");
  EXPECT_EQ(relative(all[1].place.path), "store/deep/hooks");
  for (const char* holder : {"repo/.git", "store/deep", "store"}) {
    const std::vector<std::string>& holders = all[1].holders;
    EXPECT_TRUE(std::count(holders.begin(), holders.end(), folder_.path(holder))) << holder;
  }
}

TEST_F(FindProtected, DoesNotFollowLinksToFolders) {
  folder_.file("real/.bashrc");
  folder_.link("a/link", folder_.path("real"));
  folder_.link("a/up", folder_.path());
  EXPECT_EQ(places({".bashrc"}), Paths({"real/.bashrc"}));
}

// Else one run could lock ".git", and the next open it again and write its hooks.
TEST_F(FindProtected, FoldersThatCannotBeSearchedAreProtectedAsAWhole) {
  const sys::AsOrdinaryUser user;
  const TestFolder folder;
  policy::FilesPolicy files;
  files.protect_names = {Glob::parse(".git/hooks").value()};
  for (const unsigned mode : {0u, 0100u, 0300u, 0400u, 0600u}) {
    folder.file("repo/.git/hooks/h");
    folder.dir("repo/.git", mode);
    const auto all = find_protected({folder.path()}, files, {}).value();
    folder.dir("repo/.git", 0700);
    ASSERT_EQ(all.size(), 1u) << std::oct << mode;
    EXPECT_EQ(all[0].place.path, folder.path("repo/.git")) << std::oct << mode;
  }
}

TEST_F(FindProtected, DeepTreesDoNotUseUpDescriptors) {
  std::string path = "d";  // made step by step: std::filesystem gives up on such paths
  for (int depth = 0; depth < 400; ++depth) {
    ASSERT_EQ(::mkdir(folder_.path(path).c_str(), 0755), 0) << path;
    path += "/d";
  }
  ASSERT_EQ(::mkdir(folder_.path(path).c_str(), 0755), 0);
  std::ofstream(folder_.path(path + "/.bashrc")) << "x";
  std::ofstream(folder_.path(path + "/x.key")) << "x";
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit few{200, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  EXPECT_EQ(places({".bashrc"}), Paths({path + "/.bashrc"}));
  const auto keys = find_matches(Glob::parse(folder_.path() + "/**/*.key").value());
  EXPECT_TRUE(keys.ok() && keys.value().size() == 1);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

TEST_F(FindProtected, TenThousandFilesTakeAMoment) {
  for (int i = 0; i < 10'000; ++i) {
    folder_.file("d" + std::to_string(i / 100) + "/f" + std::to_string(i));
  }
  folder_.file("d42/.git/hooks/h");
  const auto began = std::chrono::steady_clock::now();
  const Paths all = places({".git/hooks", ".git/modules/**/hooks", ".bashrc", ".claude/*.json"});
  const auto took = std::chrono::steady_clock::now() - began;
  EXPECT_EQ(all, Paths({"d42/.git/hooks"}));
  std::printf("10,000 files: %.1f ms\n", std::chrono::duration<double, std::milli>(took).count());
  EXPECT_LT(took, std::chrono::seconds(20));  // a square of the size would take far longer
}

}  // namespace
}  // namespace carrel::plan
