#include "policy/from_toml.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <ostream>
#include <random>
#include <sstream>

#include "policy/profile.h"

namespace carrel::policy {
namespace {

const PathContext kContext{"/home/ann", "/home/ann/work"};

Policy policy(std::string_view text) {
  Result<Policy> parsed = from_toml(text, "policy.toml", kContext);
  EXPECT_TRUE(parsed.ok()) << parsed.error().message << "\n" << text;
  return std::move(parsed).value();
}

Policy bare(std::string_view text) { return policy("profile = \"none\"\n" + std::string(text)); }

std::string fault(std::string_view text) {
  const Result<Policy> parsed = from_toml(text, "policy.toml", kContext);
  if (parsed.ok()) return "accepted";
  EXPECT_EQ(parsed.error().code, Errc::kInvalid);
  return parsed.error().message;
}

Glob glob(std::string_view text) { return Glob::parse(text).value(); }
HostRule rule(std::string_view text) {
  return HostRule::parse(text, HostRule::Any::kAccepted).value();
}

TEST(FromToml, AFileThatSaysNothingIsRefused) {
  for (const char* text : {"", "\n", "# nothing\n"}) {
    EXPECT_EQ(
        fault(text),
        "policy.toml:1:1: the file says nothing; a policy that is meant to be the default one "
        "says profile = \"default\"");
  }
}

TEST(FromToml, StartsFromTheProfileThatItNames) {
  EXPECT_EQ(policy("hostname = \"carrel\""), profile("default", kContext).value());
  EXPECT_EQ(policy("profile = \"strict\""), profile("strict", kContext).value());
}

TEST(FromToml, TheProfileNoneIsAnEmptyPolicy) { EXPECT_EQ(bare(""), Policy{}); }

TEST(FromToml, ReadsEveryKey) {
  const Policy p = bare(R"(
hostname = "box-1"
[files]
write = [".", "~/out"]
read = ["/srv/data"]
hide = ["/srv", "**/.env"]
protect = ["vendor", "src/*.lock"]
protect_names = [".git/hooks"]
dependencies = ["node_modules"]
scratch = ["/tmp"]
[environment]
pass = ["PATH", "LC_*"]
set = { A = "1", "B-C" = "" }
[limits]
memory = "2GiB"
cpus = 2
processes = 512
open_files = 1024
file_size = "1GiB"
scratch = "1GiB"
wall_time = "10m"
best_effort = true
[network]
allow = ["example.com:443"]
deny = ["*.example.com", { host = "*:22", reason = "use https" }]
unix_sockets = "all"
[system_calls]
deny = ["ptrace"]
)");
  EXPECT_EQ(p.hostname, "box-1");
  EXPECT_EQ(p.files.write, (std::set<std::string>{"/home/ann/out", "/home/ann/work"}));
  EXPECT_EQ(p.files.read, std::set<std::string>{"/srv/data"});
  EXPECT_EQ(p.files.hide, (std::set<Glob>{glob("/srv"), glob("/home/ann/work/**/.env")}));
  EXPECT_EQ(p.files.protect,
            (std::set<Glob>{glob("/home/ann/work/vendor"), glob("/home/ann/work/src/*.lock")}));
  EXPECT_EQ(p.files.protect_names, std::set<Glob>{glob(".git/hooks")});
  EXPECT_EQ(p.files.dependencies, std::set<std::string>{"node_modules"});
  EXPECT_EQ(p.files.scratch, std::set<std::string>{"/tmp"});
  EXPECT_EQ(p.environment.pass, (std::set<std::string>{"LC_*", "PATH"}));
  EXPECT_EQ(p.environment.set, (std::map<std::string, std::string>{{"A", "1"}, {"B-C", ""}}));
  EXPECT_EQ(p.limits, (LimitsPolicy{2ull << 30, 200, 512, 1024, 1ull << 30, 1ull << 30,
                                    std::chrono::minutes(10), true}));
  HostRule no_ssh = rule("*:22");
  no_ssh.reason = "use https";
  EXPECT_EQ(p.network.allow, std::set<HostRule>{rule("example.com:443")});
  EXPECT_EQ(p.network.deny, (std::set<HostRule>{rule("*.example.com"), no_ssh}));
  EXPECT_EQ(p.network.unix_sockets, UnixSockets::kAll);
  EXPECT_EQ(p.system_calls.deny, std::set<std::string>{"ptrace"});
}

TEST(FromToml, TakesNumbersWhereTheyAreClear) {
  EXPECT_EQ(bare("limits.cpus = 1.5").limits.cpu_percent, 150u);
  EXPECT_EQ(bare("limits.cpus = \"150%\"").limits.cpu_percent, 150u);
  EXPECT_EQ(bare("limits.memory = 2097152").limits.memory, 2097152u);
  EXPECT_EQ(bare("limits.wall_time = 90").limits.wall_time, std::chrono::seconds(90));
}

TEST(FromToml, AddsToTheProfile) {
  const Policy base = profile("default", kContext).value();
  Policy expected = base;
  expected.files.write.insert("/srv/x");
  expected.environment.pass.insert("NODE_ENV");
  expected.environment.set["TMPDIR"] = "/elsewhere";
  expected.limits.memory = 1 << 30;
  EXPECT_EQ(policy(R"(
files.write = ["/srv/x"]
environment = { pass = ["NODE_ENV", "PATH"], set = { TMPDIR = "/elsewhere" } }
limits.memory = "1GiB"
)"),
            expected);
}

TEST(FromToml, AnEntryOfTheFileWinsOverTheProfileForTheSamePath) {
  const Policy base = profile("default", kContext).value();
  ASSERT_TRUE(base.files.hide.contains(glob("/home/ann/.npmrc")));
  const Policy reads = policy("files.read = [\"~/.npmrc\"]");
  EXPECT_FALSE(reads.files.hide.contains(glob("/home/ann/.npmrc")));
  const Policy writes = policy("files.write = [\"~/.npmrc\", \"/tmp\"]");
  EXPECT_FALSE(writes.files.hide.contains(glob("/home/ann/.npmrc")));
  EXPECT_FALSE(writes.files.scratch.contains("/tmp"));
  EXPECT_TRUE(policy("files.read = [\".\"]").files.write.empty());
  EXPECT_TRUE(policy("files.hide = [\".\"]").files.write.empty());
  EXPECT_TRUE(policy("files.protect = [\".\"]").files.write.empty());
  const Policy host = policy("profile = \"cowork\"\nnetwork.deny = [\"github.com\"]");
  EXPECT_FALSE(host.network.allow.contains(rule("github.com")));
}

TEST(FromToml, InheritFalseStartsOneTableEmpty) {
  const Policy base = profile("default", kContext).value();
  const Policy files = policy("files = { inherit = false, read = [\".\"] }");
  FilesPolicy expected;
  expected.read = {"/home/ann/work"};
  EXPECT_EQ(files.files, expected);
  EXPECT_EQ(files.environment, base.environment);
  EXPECT_EQ(policy("environment.inherit = false").environment, EnvironmentPolicy{});
  EXPECT_EQ(policy("limits.inherit = false").limits, LimitsPolicy{});
  EXPECT_EQ(policy("profile = \"cowork\"\nnetwork.inherit = false").network, NetworkPolicy{});
  EXPECT_EQ(policy("profile = \"strict\"\nsystem_calls.inherit = false").system_calls,
            SystemCallsPolicy{});
  EXPECT_EQ(policy("files.inherit = true"), base);
}

TEST(FromToml, WhatMayBeWrittenMayBeRead) {
  EXPECT_EQ(bare("files = { write = [\"a\"], read = [\"a\"] }"), bare("files.write = [\"a\"]"));
}

TEST(FromToml, SpellingOfAnEntryDoesNotMatter) {
  EXPECT_EQ(bare("files = { write = [\"./a/../b/\"], hide = [\"x//y/\"] }"),
            bare("files = { write = [\"~/work/b\"], hide = [\"/home/ann/work/x/y\"] }"));
  EXPECT_EQ(bare("network.allow = [\"Example.COM.:443\", \"127.1\"]"),
            bare("network.allow = [\"example.com:443\", \"127.0.0.1\"]"));
  EXPECT_EQ(bare("limits.memory = \"2GiB\""), bare("limits.memory = \"2048 MiB\""));
}

// Statements that stand in any order, in tables or dotted, lists shuffled.
TEST(FromToml, OrderDoesNotMatter) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> lists = {
      {"files.write", {"'.'", "'/srv/a'", "'~/.npmrc'", "'/tmp'"}},
      {"files.read", {"'~/.ssh/known_hosts'", "'/opt/x'"}},
      {"files.hide", {"'/srv'", "'**/.env'", "'/opt'"}},
      {"files.protect", {"'vendor'", "'*.lock'"}},
      {"environment.pass", {"'A'", "'B_*'", "'PATH'"}},
      {"network.allow", {"'a.org'", "'*.b.org:443'", "'10.0.0.0/8'", "'[::1]:1'"}},
      {"network.deny", {"'c.org'", "{ host = '*:22', reason = 'no' }", "'x.b.org'"}},
      {"system_calls.deny", {"'ptrace'", "'kcmp'"}},
  };
  std::mt19937 random(8);
  const auto write = [&] {
    std::vector<std::string> lines = {"profile = 'default'",     "hostname = 'h'",
                                      "limits.memory = '1GiB'",  "limits.processes = 64",
                                      "environment.set.X = '1'", "environment.set.Y = '2'"};
    for (auto [key, entries] : lists) {
      std::shuffle(entries.begin(), entries.end(), random);
      std::string line = key + " = [";
      for (const std::string& entry : entries) line += entry + ",";
      lines.push_back(line + "]");
    }
    std::shuffle(lines.begin(), lines.end(), random);
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    return text;
  };
  const Policy first = policy(write());
  for (int round = 0; round < 200; ++round) {
    const std::string text = write();
    ASSERT_EQ(policy(text), first) << text;
  }
}

TEST(FromToml, OrderDoesNotDecideWhetherAPolicyIsRefused) {
  std::mt19937 random(9);
  std::vector<std::string> lines = {"files.write = ['a']", "files.hide = ['b']",
                                    "files.protect = ['a']", "files.read = ['c']"};
  for (int round = 0; round < 50; ++round) {
    std::shuffle(lines.begin(), lines.end(), random);
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    EXPECT_NE(fault(text).find("'/home/ann/work/a' is in files.write and in files.protect"),
              std::string::npos);
  }
}

struct Fault {
  const char* name;
  const char* text;
  const char* message;
};

void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.text; }

class FromTomlRefuses : public testing::TestWithParam<Fault> {};

TEST_P(FromTomlRefuses, AndSaysWhereAndWhatToDo) {
  EXPECT_EQ(fault(GetParam().text), GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    Shape, FromTomlRefuses,
    testing::Values(
        Fault{"AnUnknownKey", "hostnam = \"x\"",
              "policy.toml:1:1: unknown key 'hostnam' at the top level; did you mean 'hostname'?"},
        Fault{"AnUnknownKeyInATable", "[files]\n  wirte = []",
              "policy.toml:2:3: unknown key 'wirte' in [files]; did you mean 'write'?"},
        Fault{"AnUnknownTable", "\n[filez]\n",
              "policy.toml:2:2: unknown key 'filez' at the top level; did you mean 'files'?"},
        Fault{"AKeyThatIsNearNothing", "[network]\nproxy = 1",
              "policy.toml:2:1: unknown key 'proxy' in [network]; it can be inherit, allow, deny, "
              "host_ports, publish, unix_sockets, inspect, inspect_exclude"},
        Fault{"AKeyOfAnotherTable", "[limits]\nwrite = []",
              "policy.toml:2:1: unknown key 'write' in [limits]; it can be inherit, memory, cpus, "
              "processes, open_files, file_size, scratch, wall_time, best_effort"},
        Fault{"AnUnknownProfile", "profile = \"strickt\"",
              "policy.toml:1:11: there is no profile 'strickt'; did you mean 'strict'?"},
        Fault{"AProfileThatIsNoString", "profile = 1",
              "policy.toml:1:11: 'profile' is an integer; it must be a string"},
        Fault{"ATableThatIsNone", "files = true",
              "policy.toml:1:9: 'files' is a boolean; it must be a table"},
        Fault{"AListThatIsNone", "[files]\nwrite = \".\"",
              "policy.toml:2:9: 'write' is a string; it must be a list"},
        Fault{"AnElementThatIsNoString", "[files]\nwrite = [\".\", 1]",
              "policy.toml:2:15: 'write' is an integer; it must be a string"},
        Fault{"ADate", "hostname = 1979-05-27",
              "policy.toml:1:12: 'hostname' is a date; it must be a string"},
        Fault{"ANumberForASwitch", "[files]\ninherit = 0",
              "policy.toml:2:11: 'inherit' is an integer; it must be true or false"},
        Fault{"AVariableThatIsNoString", "[environment.set]\nA = 1",
              "policy.toml:2:5: 'A' is an integer; it must be a string"},
        Fault{"ABadHostname", "hostname = \"a b\"",
              "policy.toml:1:12: 'a b' is not a host name; use at most 64 letters, digits and "
              "'-'"}),
    [](const auto& fault) { return std::string(fault.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Files, FromTomlRefuses,
    testing::Values(
        Fault{"AnEmptyPath", "files.write = [\"\"]",
              "policy.toml:1:16: a path is empty; write '.' for the working directory"},
        Fault{"ANul", "files.write = [\"a\\u0000b\"]",
              "policy.toml:1:16: the path 'a\\x00b' holds a control character; remove it"},
        Fault{"AnEscapeSequence", "files.hide = [\"\\u001b[2J\"]",
              "policy.toml:1:15: the path '\\x1b[2J' holds a control character; remove it"},
        Fault{"AWildcardInWrite", "files.write = [\"src/*\"]",
              "policy.toml:1:16: wildcards have no meaning in 'src/*'; name the folder, all below "
              "it is included"},
        Fault{"AVariable", "files.hide = [\"$HOME/.ssh\"]",
              "policy.toml:1:15: variables such as '$HOME' are not expanded in a path; write '~' "
              "for your home, or './$...' for a file of that name"},
        Fault{"AnotherUser", "files.hide = [\"~bob/.ssh\"]",
              "policy.toml:1:15: '~bob/.ssh' names another user's home; write its full path"},
        Fault{"ABadPattern", "files.hide = [\"ok\", \"**.pem\"]",
              "policy.toml:1:21: '**.pem': '**' stands against other text; it must be a whole path "
              "component, as in 'a/**/b'"},
        Fault{"TheSameTwice", "files.write = [\n  \"a\",\n  \"./a/\"\n]",
              "policy.toml:3:3: './a/' is in files.write twice; remove one of them"},
        Fault{
            "WritingEverything", "files.write = [\"/\"]",
            "policy.toml:1:16: '/' in files.write is the whole file system; name the folders that "
            "are needed"},
        Fault{
            "WritingProc", "files.write = [\"/proc/1\"]",
            "policy.toml:1:16: '/proc/1' in files.write lies in /proc, which a sandbox has of its "
            "own; remove it"},
        Fault{"AContradiction", "[files]\nwrite = [\"a\"]\nhide = [\"b\", \"a\"]",
              "policy.toml:3:14: '/home/ann/work/a' is in files.write and in files.hide, which "
              "contradict each other; remove it from one of them"},
        Fault{"AContradictionInTheOtherOrder", "[files]\nhide = [\"b\", \"a\"]\nwrite = [\"a\"]",
              "policy.toml:3:10: '/home/ann/work/a' is in files.write and in files.hide, which "
              "contradict each other; remove it from one of them"},
        Fault{"AWriteInsideProtect", "[files]\nwrite = [\"a/b\"]\nprotect = [\"a\"]",
              "policy.toml:3:12: '/home/ann/work/a/b' in files.write lies inside "
              "'/home/ann/work/a' in files.protect, which is never written; remove one of them"},
        Fault{"AnInheritedWriteInsideProtect", "files.protect = [\"..\"]",
              "policy.toml:1:18: '/home/ann/work' in files.write lies inside '/home/ann' in "
              "files.protect, which is never written; remove one of them"},
        Fault{"AnAbsoluteName", "files.protect_names = [\"/etc\"]",
              "policy.toml:1:24: '/etc' in files.protect_names is absolute; names are relative, "
              "absolute paths go into files.protect"},
        Fault{"AFolderOfDependenciesByItsPath", "files.dependencies = [\"a/node_modules\"]",
              "policy.toml:1:23: 'a/node_modules' in files.dependencies is not the name of a "
              "folder; write one as in 'node_modules'"},
        Fault{"AParentInAName", "files.protect_names = [\"../x\"]",
              "policy.toml:1:24: '..' in a pattern; write the folder that is meant"}),
    [](const auto& fault) { return std::string(fault.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Rest, FromTomlRefuses,
    testing::Values(
        Fault{"AUnit", "limits.memory = \"2 apples\"",
              "policy.toml:1:17: memory: 'apples' is not a unit of size; use B, KiB, MiB, GiB or "
              "TiB"},
        Fault{"ANegativeSize", "limits.memory = -1",
              "policy.toml:1:17: memory: '-1' is not a size; write it as '512MiB' or '1.5GiB'"},
        Fault{"TooLittle", "limits.processes = 1",
              "policy.toml:1:20: processes is 1, which is too little to run anything; write at "
              "least 2"},
        Fault{"ACountInAString", "limits.processes = \"64\"",
              "policy.toml:1:20: 'processes' is a string; it must be an integer"},
        Fault{"AFractionOfMemory", "limits.memory = 1.5",
              "policy.toml:1:17: 'memory' is a number; it must be a string such as \"512MiB\""},
        Fault{"InfinitelyManyCpus", "limits.cpus = inf",
              "policy.toml:1:15: cpus: 'inf' is not a number of CPUs; write it as '2', '0.5' or "
              "'150%'"},
        Fault{"AListOfTimes", "limits.wall_time = [1]",
              "policy.toml:1:20: 'wall_time' is a list; it must be a string such as \"10m\""},
        Fault{"PassingEverything", "environment.pass = [\"A\", \"*\"]",
              "policy.toml:1:26: '*' in environment.pass would pass every secret in the "
              "environment; name what is needed"},
        Fault{"ABadVariable", "environment.set = { \"A=B\" = \"\" }",
              "policy.toml:1:21: 'A=B' in environment.set is not the name of a variable; write "
              "letters, digits and '_'"},
        Fault{"AllowingEveryHost", "network.allow = [\"*\"]",
              "policy.toml:1:18: '*' would allow every host; name the hosts that are needed"},
        Fault{
            "APublicSuffix", "[network]\nallow = [\"*.com\"]",
            "policy.toml:2:10: '*.com' covers names that anyone can register; name the hosts that "
            "are needed, as in 'example.com'"},
        Fault{"ADenyOfTheWrongType", "network.deny = [1]",
              "policy.toml:1:17: 'deny' is an integer; it must be a list of hosts or of { host, "
              "reason }"},
        Fault{"ADenyWithoutAHost", "network.deny = [{ reason = \"no\" }]",
              "policy.toml:1:17: the rule has no host; add host = \"...\""},
        Fault{"ADenyWithAnUnknownKey", "network.deny = [{ hots = \"a\" }]",
              "policy.toml:1:19: unknown key 'hots' in a rule of network.deny; did you mean "
              "'host'?"},
        Fault{"AnEmptyReason", "network.deny = [{ host = \"a\", reason = \"\" }]",
              "policy.toml:1:40: a reason is one line of printable text; write what to do instead"},
        Fault{"TwoReasonsForOneHost",
              "network.deny = [\"a.org\", { host = \"A.org\", reason = \"x\" }]",
              "policy.toml:1:26: 'a.org' is in network.deny twice; remove one of them"},
        Fault{"AllowAndDeny", "network.deny = [\"a.org\"]\nnetwork.allow = [\"a.org\"]",
              "policy.toml:2:18: 'a.org' is in network.allow and in network.deny, which contradict "
              "each other; remove it from one of them"},
        Fault{"AnUnknownChoice", "network.unix_sockets = \"some\"",
              "policy.toml:1:24: unknown choice 'some' of unix_sockets; it can be none, all"},
        Fault{"NoSystemCall", "system_calls.deny = [\"Ptrace\"]",
              "policy.toml:1:22: 'Ptrace' in system_calls.deny is not the name of a system call; "
              "write it as in 'ptrace'"}),
    [](const auto& fault) { return std::string(fault.param.name); });

TEST(FromToml, SaysThatAProfileDoesNotSuitTheFolderUnlessTheFileSettlesIt) {
  const PathContext ssh{"/home/ann", "/home/ann/.ssh"};
  EXPECT_EQ(from_toml("[files]", "p", ssh).error().message,
            "p:1:1: the profile does not suit this working directory: '/home/ann/.ssh' is in "
            "files.write and in files.hide, which contradict each other; start in another folder, "
            "or set files.inherit = false");
  EXPECT_TRUE(from_toml("files.write = [\".\"]", "p", ssh).ok());
}

TEST(FromToml, LeavesAWorkingDirectoryThatTheProfileHasPrivateUnlessTheFileSaysSo) {
  const PathContext tmp{"/home/ann", "/tmp"};
  EXPECT_TRUE(from_toml("[files]", "p", tmp).value().files.write.contains("/tmp"));
  EXPECT_FALSE(
      from_toml("files.scratch = [\"/tmp\"]", "p", tmp).value().files.write.contains("/tmp"));
  EXPECT_TRUE(from_toml("files.scratch = [\"/tmp\"]", "p", tmp).ok());
}

TEST(FromToml, RefusesBrokenToml) {
  for (const char* text :
       {"[files", "a = ", "files.write = [\"a\"", "x = 1\nx = 2", "[files]\n[files]", "\xff",
        "hostname = \"a\nb\"", "=", "files.write = ['a'] extra"}) {
    const std::string message = fault(text);
    EXPECT_TRUE(message.starts_with("policy.toml:")) << message;
    EXPECT_NE(message.find("; see https://toml.io"), std::string::npos) << message;
  }
  EXPECT_TRUE(fault("\n\nx = 1\nx = 2").starts_with("policy.toml:4:")) << fault("\n\nx = 1\nx = 2");
}

TEST(FromToml, SurvivesDeepNesting) {
  EXPECT_NE(fault("x = " + std::string(100000, '[')), "accepted");
}

TEST(FromToml, NamesTheSourceAsItWasGiven) {
  EXPECT_EQ(from_toml("x = 1", "dir/my policy.toml", kContext)
                .error()
                .message.rfind("dir/my policy.toml:1:1: ", 0),
            0u);
}

TEST(FromToml, ReadsEveryExampleOfTheManual) {
  const std::string page = CARREL_DOCS_DIR "/policy.md";
  std::ifstream file(page);
  ASSERT_TRUE(file.is_open()) << page;
  std::stringstream content;
  content << file.rdbuf();
  const std::string text = content.str();
  constexpr std::string_view kOpen = "```toml\n";
  std::size_t examples = 0;
  for (std::size_t at = text.find(kOpen); at != std::string::npos; at = text.find(kOpen, at)) {
    at += kOpen.size();
    policy(text.substr(at, text.find("```", at) - at));
    ++examples;
  }
  EXPECT_EQ(examples, 9u);
  EXPECT_NE(text.find(fault("[network]\nallow = [\"*.com\"]").substr(20)), std::string::npos);
}

}  // namespace
}  // namespace carrel::policy
