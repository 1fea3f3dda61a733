#include "plan/mounts.h"

#include <algorithm>
#include <filesystem>
#include <ostream>
#include <random>

#include "base/path.h"
#include "plan/test_policy.h"

namespace carrel::plan {
namespace {

using sys::names;
using sys::TestFolder;
using wire::MountOp;
using Words = std::vector<std::string>;

struct Row {
  const char* name;
  std::vector<std::string> tree;
  RelativeFiles rules;
  Words steps;
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

class PlanMounts : public testing::TestWithParam<Row> {};

TEST_P(PlanMounts, IsExactly) {
  const TestFolder folder;
  make_tree(folder, GetParam().tree);
  const Planned planned = plan_files(files_below(folder.path(), GetParam().rules));
  ASSERT_TRUE(planned.plan.ok()) << planned.plan.error().message;
  EXPECT_EQ(words_of(planned.plan.value(), folder.path()), GetParam().steps);
}

RelativeFiles write(Rules rules) { return {.write = std::move(rules)}; }

INSTANTIATE_TEST_SUITE_P(
    Of, PlanMounts,
    testing::Values(
        Row{"NoRulesNothing", {"w/"}, {}, {}},
        Row{"OneWriteRoot", {"w/"}, write({"w"}), {"write w"}},
        Row{"OneWritableFile", {"w/f"}, write({"w/f"}), {"write w/f"}},
        Row{"WriteInsideWriteOnlyTheOuter", {"w/x/y/"}, write({"w", "w/x", "w/x/y"}), {"write w"}},
        Row{"WriteRootsSideBySide",
            {"w/", "w-2/", "w.d/"},
            write({"w.d", "w", "w-2"}),
            {"write w", "write w-2", "write w.d"}},
        Row{"ReadOfWhatIsReadableNothing", {"r/"}, {.read = {"r"}}, {}},
        Row{"ReadInsideWriteNothing", {"w/r/"}, {.write = {"w"}, .read = {"w/r"}}, {"write w"}},

        Row{"Scratch", {"s/"}, {.scratch = {"s"}}, {"scratch s"}},
        Row{"ScratchThatDoesNotExistNothing", {}, {.scratch = {"s"}}, {}},
        Row{"ScratchThatIsAFileNothing", {"s"}, {.scratch = {"s"}}, {}},
        Row{"ScratchInsideWrite",
            {"w/s/"},
            {.write = {"w"}, .scratch = {"w/s"}},
            {"write w", "scratch w/s"}},
        Row{"ScratchInsideScratch",
            {"s/a/b/"},
            {.scratch = {"s", "s/a/b"}},
            {"scratch s", "mkdir s/a", "mkdir s/a/b", "scratch s/a/b"}},
        Row{"ScratchThroughALinkTheRealPlace",
            {"s/", "l -> s"},
            {.scratch = {"l", "s"}},
            {"scratch s"}},
        Row{"WriteInsideScratchTheWayIsMade",
            {"s/a/b/w/"},
            {.write = {"s/a/b/w"}, .scratch = {"s"}},
            {"scratch s", "mkdir s/a", "mkdir s/a/b", "mkdir s/a/b/w", "write s/a/b/w"}},
        Row{"TwoInsideScratchTheCommonWayIsMadeOnce",
            {"s/a/b/", "s/a/c/"},
            {.write = {"s/a/c"}, .read = {"s/a/b"}, .scratch = {"s"}},
            {"scratch s", "mkdir s/a", "mkdir s/a/b", "read s/a/b", "mkdir s/a/c", "write s/a/c"}},
        Row{"FileInsideScratchAnEmptyOneIsMade",
            {"s/a/f"},
            {.read = {"s/a/f"}, .scratch = {"s"}},
            {"scratch s", "mkdir s/a", "mkfile s/a/f", "read s/a/f"}},
        Row{"ScratchThatIsAWriteRootTheWriteRoot",
            {"w/"},
            {.write = {"w"}, .scratch = {"w"}},
            {"write w"}},
        Row{"ScratchMetByAHidePatternIsEmptyAlready",
            {"s/"},
            {.hide = {"[s]"}, .scratch = {"s"}},
            {"scratch s"}},

        Row{"HiddenFolderAndFile",
            {"d/x", "f"},
            {.hide = {"d", "f"}},
            {"hide-folder d", "hide-file f"}},
        Row{"HideOfWhatIsMissingNothing", {}, {.hide = {"d", "*.key"}}, {}},
        Row{"HideInsideHideOnlyTheOuter",
            {"d/e/f"},
            {.hide = {"d", "d/e", "d/e/f"}},
            {"hide-folder d"}},
        Row{"HideInsideScratchNothing",
            {"s/d/"},
            {.hide = {"s/d"}, .scratch = {"s"}},
            {"scratch s"}},
        Row{"HiddenStoreThatIsALinkItsTarget",
            {"real/x", "home/.ssh -> real"},
            {.hide = {"home/.ssh"}},
            {"hide-folder real"}},
        Row{"HideOfAPatternAllItsMatches",
            {"a/x.key", "b/y.key"},
            {.hide = {"*/*.key"}},
            {"hide-file a/x.key", "hide-file b/y.key"}},
        Row{"HidePatternBehindALinkItsTarget",
            {"real/x.key", "l -> real"},
            {.hide = {"l/*.key"}},
            {"hide-file real/x.key"}},
        Row{"HideInsideWrite",
            {"w/.env"},
            {.write = {"w"}, .hide = {"**/.env"}},
            {"write w", "hide-file w/.env"}},
        Row{"HidePatternOfAGrantTheGrant",
            {"w/", "v/"},
            {.write = {"w"}, .hide = {"?"}},
            {"hide-folder v", "write w"}},
        Row{"HidePatternOfAGrantAndBelowItOnlyBelow",
            {"x/a/x", "x/b"},
            {.write = {"x"}, .hide = {"**/x"}},
            {"write x", "hide-file x/a/x"}},

        Row{"ReadInsideHideAHole",
            {"d/r/", "d/s"},
            {.read = {"d/r"}, .hide = {"d"}},
            {"empty d", "mkdir d/r", "read d/r", "seal d"}},
        Row{"HolesInHolesSealedFromTheInside",
            {"d/r/e/r/"},
            {.read = {"d/r", "d/r/e/r"}, .hide = {"d", "d/r/e"}},
            {"empty d", "mkdir d/r", "read d/r", "empty d/r/e", "mkdir d/r/e/r", "read d/r/e/r",
             "seal d/r/e", "seal d"}},
        Row{"ReadInsideHideInsideWrite",
            {"w/d/r/"},
            {.write = {"w"}, .read = {"w/d/r"}, .hide = {"w/d"}},
            {"write w", "empty w/d", "mkdir w/d/r", "read w/d/r", "seal w/d"}},
        Row{"WriteInsideHide",
            {"d/w/"},
            {.write = {"d/w"}, .hide = {"d"}},
            {"empty d", "mkdir d/w", "write d/w", "seal d"}},
        Row{"ScratchInsideHide",
            {"d/s/"},
            {.hide = {"d"}, .scratch = {"d/s"}},
            {"empty d", "mkdir d/s", "scratch d/s", "seal d"}},
        Row{"WriteInsideReadInsideHide",
            {"d/r/w/"},
            {.write = {"d/r/w"}, .read = {"d/r"}, .hide = {"d"}},
            {"empty d", "mkdir d/r", "read d/r", "write d/r/w", "seal d"}},
        Row{"HoleNextToANeighbourWithTheFoldersName",
            {"d/r/", "d-2/", "d.x"},
            {.read = {"d/r"}, .hide = {"d", "d-2", "d.x"}},
            {"empty d", "mkdir d/r", "read d/r", "seal d", "hide-folder d-2", "hide-file d.x"}},

        Row{"ProtectInsideWrite",
            {"w/p/", "w/f"},
            {.write = {"w"}, .protect = {"w/p", "w/f"}},
            {"write w", "protect w/f", "protect w/p"}},
        Row{"ProtectOutsideWriteNothing",
            {"w/", "p/"},
            {.write = {"w"}, .protect = {"p"}},
            {"write w"}},
        Row{"ProtectInsideProtectOnlyTheOuter",
            {"w/p/q/"},
            {.write = {"w"}, .protect = {"w/p", "w/p/q"}},
            {"write w", "protect w/p"}},
        Row{"WriteInsideProtectStaysProtected",
            {"w/p/x/"},
            {.write = {"w", "w/p/x"}, .protect = {"w/p"}},
            {"write w", "protect w/p"}},
        Row{"WriteInsideProtectPatternIsNeverWritten",
            {"p/x/"},
            {.write = {"p/x"}, .protect = {"[p]"}},
            {}},
        Row{"WriteMetByAProtectPatternInsideHideIsOnlyRead",
            {"d/w/"},
            {.write = {"d/w"}, .hide = {"d"}, .protect = {"d/?"}},
            {"empty d", "mkdir d/w", "read d/w", "seal d"}},
        Row{"WriteInsideHideInsideProtectIsOnlyRead",
            {"w/p/d/x/"},
            {.write = {"w", "w/p/d/x"}, .hide = {"w/p/d"}, .protect = {"w/[p]"}},
            {"write w", "protect w/p", "empty w/p/d", "mkdir w/p/d/x", "read w/p/d/x",
             "seal w/p/d"}},
        Row{"ProtectedReadInsideHideCanBeRead",
            {"d/r/"},
            {.read = {"d/r"}, .hide = {"d"}, .protect = {"d/r"}},
            {"empty d", "mkdir d/r", "read d/r", "seal d"}},
        Row{"ProtectedReadInsideWrite",
            {"w/r/"},
            {.write = {"w"}, .read = {"w/r"}, .protect = {"w/r"}},
            {"write w", "protect w/r"}},
        Row{"ProtectThatIsHiddenStaysHidden",
            {"w/p/"},
            {.write = {"w"}, .hide = {"w/p"}, .protect = {"w/p"}},
            {"write w", "hide-folder w/p"}},
        Row{"ProtectPatternOfScratchStaysScratch",
            {"w/s/"},
            {.write = {"w"}, .protect = {"w/?"}, .scratch = {"w/s"}},
            {"write w", "scratch w/s"}},
        Row{"ProtectNextToANeighbourOfTheWriteRoot",
            {"w/p/", "w-2/", "w.d/"},
            {.write = {"w"}, .hide = {"w-2", "w.d"}, .protect = {"w/p"}},
            {"write w", "protect w/p", "hide-folder w-2", "hide-folder w.d"}},

        Row{"ProtectedNamesWithTheirHolders",
            {"w/.git/hooks/h", "w/a/.git/config"},
            {.write = {"w"}, .protect_names = {".git/hooks", ".git/config"}},
            {"write w", "pin w/.git", "protect w/.git/hooks", "pin w/a", "pin w/a/.git",
             "protect w/a/.git/config"}},
        Row{"ProtectedNamesBetweenNeighbours",
            {"w/.git/hooks/h", "w/.git-2/f", "w/.git.bak/f"},
            {.write = {"w"}, .hide = {"w/.git-2", "w/.git.bak"}, .protect_names = {".git/hooks"}},
            {"write w", "pin w/.git", "protect w/.git/hooks", "hide-folder w/.git-2",
             "hide-folder w/.git.bak"}},
        Row{"ProtectedNamesInWriteInsideHideInsideWrite",
            {"w/d/x/.git/hooks/h"},
            {.write = {"w", "w/d/x"}, .hide = {"w/d"}, .protect_names = {".git/hooks"}},
            {"write w", "empty w/d", "mkdir w/d/x", "write w/d/x", "pin w/d/x/.git",
             "protect w/d/x/.git/hooks", "seal w/d"}},
        Row{"ProtectedNamesInWriteInsideScratchInsideWrite",
            {"w/s/x/.bashrc"},
            {.write = {"w", "w/s/x"}, .protect_names = {".bashrc"}, .scratch = {"w/s"}},
            {"write w", "scratch w/s", "mkdir w/s/x", "write w/s/x", "protect w/s/x/.bashrc"}},
        Row{"ProtectedNamesThatLeadOutsideTheLink",
            {"w/.git -> out", "out/"},
            {.write = {"w"}, .protect_names = {".git"}},
            {"write w", "protect w/.git"}},
        Row{"ProtectedLinksThemselvesAndTheFoldersAboveThem",
            {"w/home/.bashrc -> w/dot/bashrc", "w/dot/bashrc"},
            {.write = {"w"}, .protect_names = {".bashrc"}},
            {"write w", "pin w/dot", "protect w/dot/bashrc", "pin w/home",
             "protect w/home/.bashrc"}},
        // Else "ln -s . .git" in one run would make the next one read-only.
        Row{"ALinkNamedGitThatLeadsToAFolderIsNoPointer",
            {"w/a/f", "w/.git -> w", "w/hooks/h"},
            {.write = {"w"}, .protect_names = {".git/hooks"}},
            {"write w", "protect w/.git", "protect w/hooks"}},
        Row{"LinksToWhatIsHiddenOrProtectedByItsPath",
            {"w/key -> o/key", "o/key", "w/l -> w/d", "w/d/f"},
            {.write = {"w"}, .hide = {"w/key"}, .protect = {"w/l/f"}},
            {"hide-file o/key", "write w", "pin w/d", "protect w/d/f", "protect w/key",
             "protect w/l"}},
        Row{"ProtectedNamesOutsideWriteNothing",
            {"w/", "o/.bashrc"},
            {.write = {"w"}, .protect_names = {".bashrc"}},
            {"write w"}}),
    [](const auto& row) { return std::string(row.param.name); });

struct Contradiction {
  const char* name;
  RelativeFiles rules;
  std::string part;  // of the message
};

void PrintTo(const Contradiction& row, std::ostream* out) { *out << row.name; }

class PlanMountsRefuses : public testing::TestWithParam<Contradiction> {};

TEST_P(PlanMountsRefuses, AndSaysWhy) {
  const TestFolder folder;
  folder.dir("w");
  folder.link("link", folder.path("w"));
  folder.link("root", "/");
  folder.link("dev", "/dev");
  const Planned planned = plan_files(files_below(folder.path(), GetParam().rules));
  ASSERT_FALSE(planned.plan.ok());
  EXPECT_TRUE(names(planned.plan.error().message, GetParam().part));
}

INSTANTIATE_TEST_SUITE_P(
    , PlanMountsRefuses,
    testing::Values(Contradiction{"WriteThatIsMissing", write({"no"}), "create it first"},
                    Contradiction{"ReadThatIsMissing", {.read = {"no"}}, "files.read"},
                    Contradiction{"WriteThatIsALink", write({"link"}), "is a symbolic link"},
                    Contradiction{"ReadThatIsALink", {.read = {"link"}}, "is a symbolic link"},
                    Contradiction{"HideOfEverything", {.hide = {"root"}}, "whole file system"},
                    Contradiction{"ScratchOfEverything", {.scratch = {"root"}}, "files.scratch"},
                    Contradiction{"ScratchInDev", {.scratch = {"dev"}}, "files.scratch"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(PlanMountsRefusal, OfPlacesThatAreNeverWritable) {
  for (const char* path : {"/", "/proc", "/proc/sys", "/dev", "/dev/pts", "/sys", "/sys/kernel"}) {
    policy::FilesPolicy files;
    files.write = {path};
    const Planned planned = plan_files(files);
    ASSERT_FALSE(planned.plan.ok()) << path;
    EXPECT_EQ(planned.plan.error().code, Errc::kInvalid) << path;
    EXPECT_TRUE(names(planned.plan.error().message, path));
  }
}

TEST(PlanMountsRefusal, OfMoreSourcesThanTheLauncherHolds) {
  const TestFolder folder;
  policy::FilesPolicy files;
  for (std::size_t i = 0; i < wire::kMaxSources; ++i) {
    files.write.insert(folder.dir("w" + std::to_string(i)));
  }
  const Planned planned = plan_files(files);
  ASSERT_FALSE(planned.plan.ok());
  EXPECT_TRUE(names(planned.plan.error().message, "folders further up"));
}

TEST(PlanMountsSteps, NeverLieInProcOrDev) {
  policy::FilesPolicy files;
  files.scratch = {"/dev/shm", "/dev", "/proc"};
  files.hide = {policy::Glob::of_literal("/proc/cpuinfo"), policy::Glob::of_literal("/dev/null"),
                policy::Glob::parse("/dev/n*").value(), policy::Glob::of_literal("/proc/self/fd")};
  files.protect = {policy::Glob::of_literal("/proc/sys"), policy::Glob::of_literal("/dev/tty")};
  files.read = {"/proc/sys"};
  const Planned planned = plan_files(files);
  ASSERT_TRUE(planned.plan.ok()) << planned.plan.error().message;
  EXPECT_EQ(words_of(planned.plan.value(), "/none"), Words());
}

TEST(PlanMountsSteps, DoNotDependOnTheOrderInWhichThingsWereWritten) {
  const std::vector<std::string> tree = {"w/a/.git/hooks/h", "w/b/.git/config", "w/s/x/", "w/h/r/",
                                         "w/c.key",          "w/d.key",         "w-2/p/"};
  Rules writes = {"w", "w/s/x", "w-2"};
  Rules hides = {"w/h", "w/*.key", "**/d.key"};
  Rules protects = {"w-2/p", "w/b"};
  std::mt19937 random(7);  // NOLINT: the same every time
  Words first;
  for (int i = 0; i < 20; ++i) {
    const TestFolder folder;
    std::vector<std::string> order = tree;
    for (auto* list : {&order, &writes, &hides, &protects}) {
      std::shuffle(list->begin(), list->end(), random);
    }
    make_tree(folder, order);
    const Planned planned = plan_files(
        files_below(folder.path(),
                    {writes, {"w/h/r"}, hides, protects, {".git/hooks", ".git/config"}, {"w/s"}}));
    ASSERT_TRUE(planned.plan.ok()) << planned.plan.error().message;
    const Words words = words_of(planned.plan.value(), folder.path());
    if (first.empty()) first = words;
    EXPECT_EQ(words, first);
  }
}

TEST(PlanMountsSteps, CarryNoSuidNoDevAndTheirSources) {
  const TestFolder folder;
  make_tree(folder, {"w/p/", "w/h/r/f", "f", "s/"});
  const Planned planned = plan_files(files_below(folder.path(), {.write = {"w", "f"},
                                                                 .read = {"w/h/r"},
                                                                 .hide = {"w/h"},
                                                                 .protect = {"w/p"},
                                                                 .scratch = {"s"}}));
  ASSERT_TRUE(planned.plan.ok()) << planned.plan.error().message;
  const MountPlan& plan = planned.plan.value();
  EXPECT_EQ(plan.private_bytes, 1u << 20);
  std::size_t placed = 0;
  for (const MountStep& step : plan.steps) {
    EXPECT_FALSE(step.trusted) << step.target;
    EXPECT_FALSE(step.why.empty()) << step.target;
    EXPECT_EQ(step.source.has_value(), step.op == MountOp::kPlace) << step.target;
    if (step.op == MountOp::kMakeDir || step.op == MountOp::kHideDir) continue;
    const std::uint64_t always = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
    EXPECT_EQ(step.attributes & always, always) << step.target;
    if (!step.source.has_value()) continue;
    EXPECT_EQ(*step.source, placed++);
    const MountSource& source = plan.sources.at(*step.source);
    EXPECT_EQ(source.path, step.target);
    EXPECT_EQ(source.attributes, step.attributes);
    EXPECT_EQ(source.recursive, std::filesystem::is_directory(step.target));
    EXPECT_FALSE(source.trusted);
  }
  EXPECT_EQ(placed, plan.sources.size()) << "sources only for what is placed";
}

TEST(PlanMountsSteps, MakeNoScratchOfAFolderThatKeepsTheUserOut) {
  const sys::AsOrdinaryUser user;
  const TestFolder folder;
  make_tree(folder, {"locked/s/f"});
  folder.dir("locked", 0);
  const Planned planned = plan_files(files_below(folder.path(), {.scratch = {"locked/s"}}));
  ASSERT_TRUE(planned.plan.ok()) << planned.plan.error().message;
  EXPECT_EQ(words_of(planned.plan.value(), folder.path()), Words());
}

TEST(PlanMountsNotes, TellOfFilesThatCannotBeReplacedAndOfProtectionOfNothing) {
  const TestFolder folder;
  make_tree(folder, {"w/f\x1b[2J"});
  const Planned planned = plan_files(files_below(
      folder.path(), {.write = {"w", "w/f\x1b[2J"}, .protect = {"w/later", "elsewhere/later"}}));
  ASSERT_TRUE(planned.plan.ok());
  ASSERT_EQ(planned.notes.size(), 2u);
  EXPECT_TRUE(names(planned.notes[0], "is a single file"));
  EXPECT_TRUE(names(planned.notes[1], folder.path("w/later") + " does not exist yet"));
  for (const std::string& note : planned.notes) {
    EXPECT_FALSE(sys::has_control_characters(note)) << note;
  }
}

}  // namespace
}  // namespace carrel::plan
