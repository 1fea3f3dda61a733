#include "policy/policy.h"

#include <gtest/gtest.h>

#include <ostream>

namespace carrel::policy {
namespace {

const PathContext kContext{"/home/ann", "/home/ann/work"};

std::string absolute(std::string_view path) { return absolute_path(path, kContext).value(); }
Glob glob(std::string_view text) { return Glob::parse(text).value(); }
HostRule rule(std::string_view text) {
  return HostRule::parse(text, HostRule::Any::kAccepted).value();
}

TEST(AbsolutePath, KnowsHomeAndTheWorkingDirectory) {
  EXPECT_EQ(absolute("."), "/home/ann/work");
  EXPECT_EQ(absolute("src/"), "/home/ann/work/src");
  EXPECT_EQ(absolute("./a/../b"), "/home/ann/work/b");
  EXPECT_EQ(absolute(".."), "/home/ann");
  EXPECT_EQ(absolute("~"), "/home/ann");
  EXPECT_EQ(absolute("~/"), "/home/ann");
  EXPECT_EQ(absolute("~/x"), "/home/ann/x");
  EXPECT_EQ(absolute("~//x"), "/home/ann/x");
  EXPECT_EQ(absolute("/etc//ssh/"), "/etc/ssh");
  EXPECT_EQ(absolute("a/~"), "/home/ann/work/a/~");
  EXPECT_EQ(absolute("./$x"), "/home/ann/work/$x");
  EXPECT_EQ(absolute("./~"), "/home/ann/work/~");
  EXPECT_EQ(absolute("app/[id]"), "/home/ann/work/app/[id]");
}

TEST(AbsolutePath, RefusesWhatCanOnlyBeAMistake) {
  for (const std::string path :
       {"", "~bob/x", "~bob", "$HOME/.ssh", "a\nb", "a\x7f", "src/*", "a?"}) {
    const auto parsed = absolute_path(path, kContext);
    EXPECT_FALSE(parsed.ok()) << path;
    EXPECT_FALSE(absolute_path(std::string("a\0b", 3), kContext).ok());
  }
  EXPECT_EQ(absolute_path("~/x", {"", "/"}).error().message,
            "'~/x' needs a home directory and there is none; set HOME, or write the full path");
}

TEST(AbsoluteGlob, KeepsWildcardsAndAnchorsThem) {
  EXPECT_EQ(absolute_glob("**/.env", kContext).value().text(), "/home/ann/work/**/.env");
  EXPECT_EQ(absolute_glob("~/.config/*", kContext).value().text(), "/home/ann/.config/*");
  EXPECT_EQ(absolute_glob("../*.pem", kContext).value().text(), "/home/ann/*.pem");
  EXPECT_EQ(absolute_glob("/etc/ssh", kContext).value().literal(), "/etc/ssh");
  EXPECT_EQ(absolute_glob("/", kContext).value().literal(), "/");
  EXPECT_EQ(absolute_glob("~", kContext).value().literal(), "/home/ann");
}

TEST(AbsoluteGlob, TakesTheFoldersItStandsInLiterally) {
  const PathContext odd{"/home/[a]*", "/srv/?x"};
  EXPECT_TRUE(absolute_glob("*.key", odd).value().matches("/srv/?x/a.key"));
  EXPECT_FALSE(absolute_glob("*.key", odd).value().matches("/srv/ax/a.key"));
  EXPECT_EQ(absolute_glob("~/.ssh", odd).value().literal(), "/home/[a]*/.ssh");
}

TEST(AbsoluteGlob, RefusesParentsWithoutOneMeaning) {
  EXPECT_FALSE(absolute_glob("*/../x", kContext).ok());
  EXPECT_FALSE(absolute_glob("../../../../*", kContext).ok());
  EXPECT_FALSE(absolute_glob("", kContext).ok());
  EXPECT_FALSE(absolute_glob("a[", kContext).ok());
}

TEST(SetLimit, SetsTheNamedLimitOnly) {
  LimitsPolicy limits;
  ASSERT_TRUE(set_limit(limits, "memory", "2GiB").ok());
  ASSERT_TRUE(set_limit(limits, "cpus", "1.5").ok());
  ASSERT_TRUE(set_limit(limits, "processes", "512").ok());
  ASSERT_TRUE(set_limit(limits, "open_files", "1024").ok());
  ASSERT_TRUE(set_limit(limits, "file_size", "1GB").ok());
  ASSERT_TRUE(set_limit(limits, "scratch", "64k").ok());
  ASSERT_TRUE(set_limit(limits, "wall_time", "1h30m").ok());
  const LimitsPolicy expected{
      2ull << 30, 150, 512, 1024, 1'000'000'000, 65536, std::chrono::minutes(90), false};
  EXPECT_EQ(limits, expected);
}

TEST(SetLimit, RefusesWhatIsTooLittleAndChangesNothing) {
  LimitsPolicy limits;
  for (const auto& [name, value] :
       std::vector<std::pair<const char*, const char*>>{{"memory", "1023KiB"},
                                                        {"processes", "1"},
                                                        {"open_files", "15"},
                                                        {"file_size", "0"},
                                                        {"scratch", "63KiB"},
                                                        {"cpus", "0"},
                                                        {"wall_time", "0s"}}) {
    EXPECT_FALSE(set_limit(limits, name, value).ok()) << name;
  }
  EXPECT_EQ(limits, LimitsPolicy{});
  EXPECT_EQ(set_limit(limits, "processes", "1").error().message,
            "processes is 1, which is too little to run anything; write at least 2");
}

TEST(SetLimit, SuggestsTheNameThatWasMeant) {
  LimitsPolicy limits;
  EXPECT_EQ(set_limit(limits, "memroy", "1G").error().message,
            "unknown limit 'memroy'; did you mean 'memory'?");
  EXPECT_EQ(set_limit(limits, "memory", "big").error().message,
            "memory: 'big' is not a size; write it as '512MiB' or '1.5GiB'");
}

TEST(Overlay, AddsToEveryList) {
  FilesPolicy base;
  base.write = {"/a"};
  base.hide = {glob("/h")};
  FilesPolicy over;
  over.write = {"/b"};
  over.hide = {glob("/i/*")};
  over.protect_names = {glob(".x")};
  over.dependencies = {"d"};
  const FilesPolicy both = overlay(base, over);
  EXPECT_EQ(both.write, (std::set<std::string>{"/a", "/b"}));
  EXPECT_EQ(both.hide, (std::set<Glob>{glob("/h"), glob("/i/*")}));
  EXPECT_EQ(both.protect_names, (std::set<Glob>{glob(".x")}));
  EXPECT_EQ(both.dependencies, std::set<std::string>{"d"});
}

TEST(Overlay, LetsAnEntryTakeItsPathOutOfContradictingLists) {
  FilesPolicy base;
  base.write = {"/w1", "/w2", "/w3", "/w4"};
  base.hide = {glob("/h1"), glob("/h2"), glob("/h3"), glob("/h*")};
  base.read = {"/r1"};
  base.scratch = {"/s1", "/s2"};
  base.protect = {glob("/p1")};
  FilesPolicy over;
  over.write = {"/h1", "/s1", "/p1", "/r1"};
  over.read = {"/h2", "/w1"};
  over.hide = {glob("/w2"), glob("/s2")};
  over.protect = {glob("/w3")};
  over.scratch = {"/h3"};
  const FilesPolicy both = overlay(base, over);
  EXPECT_EQ(both.write, (std::set<std::string>{"/h1", "/s1", "/p1", "/r1", "/w4"}));
  EXPECT_EQ(both.read, (std::set<std::string>{"/h2", "/w1"}));
  EXPECT_EQ(both.hide, (std::set<Glob>{glob("/h*"), glob("/w2"), glob("/s2")}));
  EXPECT_EQ(both.protect, (std::set<Glob>{glob("/w3")}));
  EXPECT_EQ(both.scratch, (std::set<std::string>{"/h3"}));
  Policy policy;
  policy.files = both;
  EXPECT_TRUE(check(policy).ok()) << check(policy).error().message;
}

TEST(Overlay, DoesNotOpenWhatIsHiddenByProtectingIt) {
  FilesPolicy base;
  base.hide = {glob("/home/ann/.ssh")};
  FilesPolicy over;
  over.protect = {glob("/home/ann/.ssh")};
  EXPECT_EQ(overlay(base, over).hide, base.hide);
}

TEST(Overlay, MovesARuleBetweenAllowAndDeny) {
  NetworkPolicy base;
  base.allow = {rule("a.org"), rule("b.org:443")};
  base.deny = {rule("c.org")};
  base.unix_sockets = UnixSockets::kAll;
  NetworkPolicy over;
  over.allow = {rule("c.org")};
  over.deny = {rule("b.org:443"), rule("a.org:22")};
  const NetworkPolicy both = overlay(base, over);
  EXPECT_EQ(both.allow, (std::set<HostRule>{rule("a.org"), rule("c.org")}));
  EXPECT_EQ(both.deny, over.deny);
  EXPECT_EQ(both.unix_sockets, UnixSockets::kAll);
}

struct Bad {
  const char* name;
  void (*spoil)(Policy&);
  const char* message;
};

void PrintTo(const Bad& bad, std::ostream* out) { *out << bad.name; }

class CheckRefuses : public testing::TestWithParam<Bad> {};

TEST_P(CheckRefuses, AndNamesTheEntries) {
  Policy policy;
  ASSERT_TRUE(check(policy).ok());
  GetParam().spoil(policy);
  const Status checked = check(policy);
  ASSERT_FALSE(checked.ok());
  EXPECT_EQ(checked.error().code, Errc::kInvalid);
  EXPECT_EQ(checked.error().message, GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    , CheckRefuses,
    testing::Values(
        Bad{"WritingEverything", [](Policy& p) { p.files.write = {"/"}; },
            "'/' in files.write is the whole file system; name the folders that are needed"},
        Bad{"WritingProc", [](Policy& p) { p.files.write = {"/proc/sys"}; },
            "'/proc/sys' in files.write lies in /proc, which a sandbox has of its own; remove it"},
        Bad{"WritingDevices", [](Policy& p) { p.files.write = {"/dev/shm"}; },
            "'/dev/shm' in files.write lies in /dev, which a sandbox has of its own; remove it"},
        Bad{"WritingSys", [](Policy& p) { p.files.write = {"/sys"}; },
            "'/sys' in files.write lies in /sys, which a sandbox has of its own; remove it"},
        Bad{"ScratchOverEverything", [](Policy& p) { p.files.scratch = {"/"}; },
            "'/' in files.scratch is the whole file system; name the folders that are needed"},
        Bad{"ScratchInProc", [](Policy& p) { p.files.scratch = {"/proc/x"}; },
            "'/proc/x' in files.scratch lies in /proc, which a sandbox has of its own; remove it"},
        Bad{"WriteAndHide",
            [](Policy& p) {
              p.files.write = {"/a"};
              p.files.hide = {glob("/a")};
            },
            "'/a' is in files.write and in files.hide, which contradict each other; remove it from "
            "one of them"},
        Bad{"WriteAndProtect",
            [](Policy& p) {
              p.files.write = {"/a"};
              p.files.protect = {glob("/a")};
            },
            "'/a' is in files.write and in files.protect, which contradict each other; remove it "
            "from one of them"},
        Bad{"WriteAndScratch",
            [](Policy& p) {
              p.files.write = {"/a"};
              p.files.scratch = {"/a"};
            },
            "'/a' is in files.write and in files.scratch, which contradict each other; remove it "
            "from one of them"},
        Bad{"ReadAndHide",
            [](Policy& p) {
              p.files.read = {"/a[1]"};
              p.files.hide = {glob("/a\\[1]")};
            },
            "'/a[1]' is in files.read and in files.hide, which contradict each other; remove it "
            "from one of them"},
        Bad{"ReadAndScratch",
            [](Policy& p) {
              p.files.read = {"/a"};
              p.files.scratch = {"/a"};
            },
            "'/a' is in files.read and in files.scratch, which contradict each other; remove it "
            "from one of them"},
        Bad{"ScratchAndHide",
            [](Policy& p) {
              p.files.scratch = {"/a"};
              p.files.hide = {glob("/a")};
            },
            "'/a' is in files.scratch and in files.hide, which contradict each other; remove it "
            "from one of them"},
        Bad{"WriteInsideProtect",
            [](Policy& p) {
              p.files.write = {"/a/b/c"};
              p.files.protect = {glob("/a")};
            },
            "'/a/b/c' in files.write lies inside '/a' in files.protect, which is never written; "
            "remove one of them"},
        Bad{"AnAbsoluteName", [](Policy& p) { p.files.protect_names = {glob("/etc")}; },
            "'/etc' in files.protect_names is absolute; names are relative, absolute paths go into "
            "files.protect"}),
    [](const auto& bad) { return std::string(bad.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Values, CheckRefuses,
    testing::Values(
        Bad{"AnEmptyHostname", [](Policy& p) { p.hostname = ""; },
            "'' is not a host name; use at most 64 letters, digits and '-'"},
        Bad{"ABadHostname", [](Policy& p) { p.hostname = "a b\x1b"; },
            "'a b\\x1b' is not a host name; use at most 64 letters, digits and '-'"},
        Bad{"PassingEverything", [](Policy& p) { p.environment.pass = {"*"}; },
            "'*' in environment.pass would pass every secret in the environment; name what is "
            "needed"},
        Bad{"AnInnerStar", [](Policy& p) { p.environment.pass = {"A*B"}; },
            "'A*B' in environment.pass is not the name of a variable; write letters, digits and "
            "'_'"},
        Bad{"AValueForAStar", [](Policy& p) { p.environment.set = {{"LC_*", "C"}}; },
            "'LC_*' in environment.set is not the name of a variable; write letters, digits and "
            "'_'"},
        Bad{"AnEqualsSign", [](Policy& p) { p.environment.set = {{"A=B", "C"}}; },
            "'A=B' in environment.set is not the name of a variable; write letters, digits and "
            "'_'"},
        Bad{"ANulInAValue", [](Policy& p) { p.environment.set = {{"A", std::string("\0", 1)}}; },
            "'A' in environment.set holds a NUL, which no variable can; remove it"},
        Bad{"TooLittleMemory", [](Policy& p) { p.limits.memory = 4096; },
            "memory is 4 KiB, which is too little to run anything; write at least 1 MiB"},
        Bad{"NoTime", [](Policy& p) { p.limits.wall_time = std::chrono::milliseconds(0); },
            "wall_time is 0 ms, which is too little to run anything; write at least 1 ms"},
        Bad{"AllowingEveryHost", [](Policy& p) { p.network.allow = {rule("*")}; },
            "'*' in network.allow would allow every host; name them"},
        Bad{"AllowAndDeny",
            [](Policy& p) {
              p.network.allow = {rule("a.org:443")};
              p.network.deny = {rule("A.org.:443")};
            },
            "'a.org:443' is in network.allow and in network.deny, which contradict each other; "
            "remove it from one of them"},
        Bad{"TwoReasons",
            [](Policy& p) {
              HostRule with_reason = rule("a.org");
              with_reason.reason = "why";
              p.network.deny = {rule("a.org"), with_reason};
            },
            "'a.org' in network.deny has two reasons; keep one"},
        Bad{"NoSystemCall", [](Policy& p) { p.system_calls.deny = {"sys-ptrace"}; },
            "'sys-ptrace' in system_calls.deny is not the name of a system call; write it as in "
            "'ptrace'"}),
    [](const auto& bad) { return std::string(bad.param.name); });

TEST(Check, AcceptsWhatOnlyLooksLikeAContradiction) {
  Policy policy;
  policy.files.write = {"/a", "/a/b/c", "/development"};
  policy.files.hide = {glob("/a/b"), glob("/a/*")};
  policy.files.protect = {glob("/a/x"), glob("/**/y")};
  policy.files.read = {"/a"};
  policy.files.scratch = {"/tmp", "/dev/shm"};
  policy.network.allow = {rule("a.org")};
  policy.network.deny = {rule("a.org:22"), rule("*.a.org"), rule("*")};
  EXPECT_TRUE(check(policy).ok()) << check(policy).error().message;
}

}  // namespace
}  // namespace carrel::policy
