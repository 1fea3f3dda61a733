#include "policy/from_settings.h"

#include <gtest/gtest.h>

#include <ostream>

#include "policy/profile.h"
#include "policy/settings_keys.h"

namespace carrel::policy {
namespace {

const PathContext kContext{"/home/ann", "/home/ann/work"};

Policy settings(std::string_view text, const PathContext& context = kContext) {
  Result<Policy> parsed = from_settings(text, "s.json", context);
  EXPECT_TRUE(parsed.ok()) << parsed.error().message << "\n" << text;
  if (parsed.ok()) EXPECT_TRUE(check(parsed.value()).ok());
  return std::move(parsed).value();
}

FilesPolicy files(std::string_view filesystem, const PathContext& context = kContext) {
  return settings("{\"filesystem\":" + std::string(filesystem) + "}", context).files;
}

std::string fault(std::string_view text) {
  const Result<Policy> parsed = from_settings(text, "s.json", kContext);
  return parsed.ok() ? "accepted" : parsed.error().message;
}

Glob glob(std::string_view text) { return Glob::parse(text).value(); }
HostRule rule(std::string_view text) {
  return HostRule::parse(text, HostRule::Any::kAccepted).value();
}

using Paths = std::set<std::string>;
using Globs = std::set<Glob>;

TEST(FromSettings, WritesNothingAndHidesNothingByItself) {
  const Policy base = profile("default", kContext).value();
  const Policy p = settings("{}");
  EXPECT_TRUE(p.files.write.empty());
  EXPECT_TRUE(p.files.hide.empty());
  EXPECT_EQ(p.files.scratch, base.files.scratch);
  EXPECT_EQ(p.files.protect_names, base.files.protect_names);
  EXPECT_EQ(p.files.dependencies, base.files.dependencies);
  EXPECT_EQ(p.environment.pass, base.environment.pass);
  EXPECT_EQ(p.limits, base.limits);
  EXPECT_EQ(p.network, NetworkPolicy{});
  EXPECT_EQ(p.environment.set.at("SANDBOX_RUNTIME"), "1");
}

TEST(FromSettings, SuitsEveryWorkingDirectory) {
  for (const char* folder : {"/", "/tmp", "/home/ann", "/home/ann/.ssh", "/dev/shm"}) {
    settings("{}", {"/home/ann", folder});
    settings("{}", {"", folder});
  }
  EXPECT_EQ(files(R"({"allowWrite":["."]})", {"/home/ann", "/tmp"}).scratch,
            (Paths{"/dev/shm", "/var/tmp"}));
}

TEST(FromSettings, ReadsAnOrdinaryFile) {
  const Policy p = settings(R"({
    "network": {
      "allowedDomains": ["github.com", "*.npmjs.org", "api.example.com:443", "[::1]:8080"],
      "deniedDomains": ["gist.github.com", "*:22"],
      "deniedDomainReasons": {"*:22": "use https", "other.org": "never used"},
      "allowAllUnixSockets": true,
      "allowLocalBinding": true
    },
    "filesystem": {
      "denyRead": ["~/.ssh", "**/.env"],
      "allowRead": ["~/.ssh/known_hosts"],
      "allowWrite": [".", "src/", "/var/cache/x/**"],
      "denyWrite": [".env", "config/*.json"]
    },
    "ignoreViolations": {"*": ["/usr/bin"]},
    "enableWeakerNestedSandbox": false,
    "mandatoryDenySearchDepth": 5
  })");
  HostRule no_ssh = rule("*:22");
  no_ssh.reason = "use https";
  EXPECT_EQ(p.network.allow, (std::set<HostRule>{rule("github.com"), rule("*.npmjs.org"),
                                                 rule("api.example.com:443"), rule("[::1]:8080")}));
  EXPECT_EQ(p.network.deny, (std::set<HostRule>{rule("gist.github.com"), no_ssh}));
  EXPECT_EQ(p.network.unix_sockets, UnixSockets::kAll);
  EXPECT_EQ(p.files.write, (Paths{"/home/ann/work", "/home/ann/work/src", "/var/cache/x"}));
  EXPECT_EQ(p.files.read, Paths{"/home/ann/.ssh/known_hosts"});
  EXPECT_EQ(p.files.hide, (Globs{glob("/home/ann/.ssh"), glob("/home/ann/work/**/.env")}));
  EXPECT_EQ(p.files.protect,
            (Globs{glob("/home/ann/work/.env"), glob("/home/ann/work/config/*.json")}));
}

TEST(FromSettings, AllowReadWinsAtTheSamePlaceAndAMoreSpecificDenyStays) {
  const FilesPolicy same = files(R"({"denyRead":["~/a","~/b/**"],"allowRead":["~/a/","~/b"]})");
  EXPECT_TRUE(same.hide.empty());
  const FilesPolicy nested =
      files(R"({"denyRead":["/home","**/.env","./secrets"],"allowRead":["."]})");
  EXPECT_EQ(nested.read, Paths{"/home/ann/work"});
  EXPECT_EQ(nested.hide,
            (Globs{glob("/home"), glob("/home/ann/work/**/.env"), glob("/home/ann/work/secrets")}));
}

TEST(FromSettings, AGrantToWriteOpensTheSamePlaceForReading) {
  const FilesPolicy f = files(R"({"denyRead":["~/out","/home"],"allowWrite":["~/out"]})");
  EXPECT_EQ(f.write, Paths{"/home/ann/out"});
  EXPECT_EQ(f.hide, Globs{glob("/home")});
}

TEST(FromSettings, DenyWriteWinsAtItsPlaceAndBelow) {
  const FilesPolicy f = files(R"({"allowWrite":["a","a/b","c","d/e"],"denyWrite":["a","d/*"]})");
  EXPECT_EQ(f.write, Paths{"/home/ann/work/c"});
  EXPECT_EQ(f.read, (Paths{"/home/ann/work/a", "/home/ann/work/a/b", "/home/ann/work/d/e"}));
  const FilesPolicy above = files(R"({"allowWrite":["a"],"denyWrite":["/"]})");
  EXPECT_TRUE(above.write.empty());
  const FilesPolicy inside = files(R"({"allowWrite":["."],"denyWrite":["vendor/**"]})");
  EXPECT_EQ(inside.write, Paths{"/home/ann/work"});
  EXPECT_EQ(inside.protect, Globs{glob("/home/ann/work/vendor")});
}

TEST(FromSettings, DenyingTheRootHidesEverythingInIt) {
  EXPECT_EQ(files(R"({"denyRead":["/"]})").hide, Globs{glob("/*")});
  EXPECT_EQ(files(R"({"denyRead":["/"],"allowRead":["/usr"]})").read, Paths{"/usr"});
  const FilesPolicy nothing = files(R"({"denyRead":["/"],"allowRead":["/"]})");
  EXPECT_TRUE(nothing.hide.empty());
  EXPECT_TRUE(nothing.read.empty());
}

TEST(FromSettings, TemporaryFoldersArePrivateUnlessGranted) {
  EXPECT_TRUE(files(R"({"allowWrite":["."]})").scratch.contains("/tmp"));
  const FilesPolicy granted = files(R"({"allowWrite":["/tmp"]})");
  EXPECT_FALSE(granted.scratch.contains("/tmp"));
  EXPECT_TRUE(granted.write.contains("/tmp"));
  const FilesPolicy own = files(R"({"allowWrite":["/tmp/claude","/dev/null","/dev/stdout"]})");
  EXPECT_TRUE(own.write.empty());
  EXPECT_TRUE(files(R"({"denyRead":["/tmp"],"denyWrite":["/tmp"]})").hide.empty());
}

TEST(FromSettings, RepetitionChangesNothing) {
  EXPECT_EQ(settings(R"({"filesystem":{"allowWrite":[".","./","."],"denyRead":["a","a/"]},
                         "network":{"allowedDomains":["a.org","A.org."]}})"),
            settings(R"({"network":{"allowedDomains":["a.org"]},
                         "filesystem":{"denyRead":["a"],"allowWrite":["."]}})"));
}

TEST(FromSettings, ADeniedDomainWinsOverTheSameAllowedOne) {
  const NetworkPolicy n = settings(R"({"network":{"allowedDomains":["a.org","b.org"],
                                       "deniedDomains":["A.org."]}})")
                              .network;
  EXPECT_EQ(n.allow, std::set<HostRule>{rule("b.org")});
  EXPECT_EQ(n.deny, std::set<HostRule>{rule("a.org")});
}

TEST(FromSettings, TwoSpellingsOfADeniedDomainKeepOneReasonInAnyOrder) {
  const Policy ab = settings(R"({"network":{"deniedDomains":["a.org","A.org"],
                                 "deniedDomainReasons":{"a.org":"one","A.org":"two"}}})");
  const Policy ba = settings(R"({"network":{"deniedDomains":["A.org","a.org"],
                                 "deniedDomainReasons":{"A.org":"two","a.org":"one"}}})");
  EXPECT_EQ(ab, ba);
  EXPECT_EQ(ab.network.deny.size(), 1u);
}

TEST(FromSettings, DeniesAddressesThatNamesMustNotResolveTo) {
  const NetworkPolicy n = settings(R"({"network":{"deniedResolvedAddresses":
      ["10.0.0.0/8","fc00::/7","169.254.169.254"]}})")
                              .network;
  EXPECT_EQ(n.deny,
            (std::set<HostRule>{rule("10.0.0.0/8"), rule("fc00::/7"), rule("169.254.169.254")}));
}

TEST(FromSettings, AllowGitConfigOpensTheConfigurationAndNotTheHooks) {
  const FilesPolicy f = files(R"({"allowGitConfig":true})");
  EXPECT_FALSE(f.protect_names.contains(glob(".git/config")));
  EXPECT_TRUE(f.protect_names.contains(glob(".git/hooks")));
  EXPECT_TRUE(f.protect_names.contains(glob(".git/config.worktree")));
  EXPECT_TRUE(files(R"({"allowGitConfig":false})").protect_names.contains(glob(".git/config")));
}

TEST(FromSettings, NamesFoldersThatGitMayTrust) {
  const auto set =
      settings(R"({"git":{"safeDirectories":["/srv/b",".","/srv/b/"]}})").environment.set;
  EXPECT_EQ(set.at("GIT_CONFIG_COUNT"), "2");
  EXPECT_EQ(set.at("GIT_CONFIG_KEY_1"), "safe.directory");
  EXPECT_EQ(set.at("GIT_CONFIG_VALUE_0"), "/home/ann/work");
  EXPECT_EQ(set.at("GIT_CONFIG_VALUE_1"), "/srv/b");
}

TEST(FromSettings, AcceptsKeysThatSayNothingOnLinux) {
  settings(R"({"allowAppleEvents":true,"allowPty":true,"enableWeakerNetworkIsolation":true,
               "windows":{"proxyPortRange":[60080,60089]},"ripgrep":{"command":"rg"},
               "seccomp":{},"bwrapPath":"/usr/bin/bwrap","socatPath":"/usr/bin/socat",
               "javaAgentJarPath":"/x.jar",
               "network":{"allowMachLookup":["com.apple.*"],"strictAllowlist":true}})");
}

TEST(FromSettings, AcceptsARefusedKeyThatAsksForNothing) {
  settings(R"({"credentials":{},"enableWeakerNestedSandbox":false,
               "network":{"allowUnixSockets":[]},"filesystem":{"disabled":false}})");
}

TEST(FromSettings, RefusesByNameWhatItDoesNotTakeOver) {
  for (const auto& [key, value] : std::vector<std::pair<std::string, std::string>>{
           {"credentials", "{\"files\":[]}"}, {"enableWeakerNestedSandbox", "true"}}) {
    const std::string message = fault("{\n\"" + key + "\": " + value + "}");
    EXPECT_EQ(message.rfind("s.json:2:1: '" + key + "' is not taken over: ", 0), 0u) << message;
    EXPECT_NE(message.find(';'), std::string::npos) << message;
  }
  for (const auto& [key, value] : std::vector<std::pair<std::string, std::string>>{
           {"allowUnixSockets", "[\"/run/x.sock\"]"},
           {"httpProxyPort", "1"},
           {"socksProxyPort", "1"},
           {"mitmProxy", "{\"socketPath\":\"x\"}"},
           {"parentProxy", "{\"http\":\"x\"}"},
           {"tlsTerminate", "{\"caCertPath\":\"x\"}"}}) {
    const std::string message = fault("{\"network\":{\"" + key + "\": " + value + "}}");
    EXPECT_EQ(message.rfind("s.json:1:13: '" + key + "' is not taken over: ", 0), 0u) << message;
    EXPECT_NE(message.find(';'), std::string::npos) << message;
  }
  EXPECT_EQ(fault(R"({"filesystem":{"disabled":true}})"),
            "s.json:1:16: 'disabled' is not taken over: a sandbox always confines files; remove "
            "it, and name what may be written in allowWrite");
}

struct Fault {
  const char* name;
  const char* text;
  const char* message;
};

void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.text; }

class FromSettingsRefuses : public testing::TestWithParam<Fault> {};

TEST_P(FromSettingsRefuses, AndSaysWhereAndWhatToDo) {
  EXPECT_EQ(fault(GetParam().text), GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    , FromSettingsRefuses,
    testing::Values(
        Fault{"AnEmptyFile", "", "s.json:1:1: the file is empty; write at least {}"},
        Fault{"AnUnknownKey", "{\"filesytem\":{}}",
              "s.json:1:2: unknown key 'filesytem' at the top level; did you mean 'filesystem'?"},
        Fault{"AnUnknownNetworkKey", "{\"network\":{\n \"allowDomains\":[]}}",
              "s.json:2:2: unknown key 'allowDomains' in network; did you mean 'allowedDomains'?"},
        Fault{"AnUnknownFilesystemKey", R"({"filesystem":{"readDeny":[]}})",
              "s.json:1:16: unknown key 'readDeny' in filesystem; it can be denyRead, allowRead, "
              "allowWrite, denyWrite, allowGitConfig, disabled"},
        Fault{"AnUnknownGitKey", R"({"git":{"safe":[]}})",
              "s.json:1:9: unknown key 'safe' in git; it can be safeDirectories"},
        Fault{"ADuplicateKey", R"({"filesystem":{},"filesystem":{}})",
              "s.json:1:18: the key 'filesystem' is here twice; remove one of them"},
        Fault{"AListThatIsNone", R"({"filesystem":{"allowWrite":"."}})",
              "s.json:1:29: 'allowWrite' is a string; it must be a list"},
        Fault{"AnElementOfAnotherType", R"({"filesystem":{"allowWrite":[".",null]}})",
              "s.json:1:34: 'allowWrite' is null; it must be a string"},
        Fault{"ABooleanInAString", R"({"network":{"allowAllUnixSockets":"yes"}})",
              "s.json:1:35: 'allowAllUnixSockets' is a string; it must be true or false"},
        Fault{"NullForAnObject", R"({"network":null})",
              "s.json:1:12: 'network' is null; it must be an object"},
        Fault{"AReasonOfAnotherType", R"({"network":{"deniedDomainReasons":{"a":1}}})",
              "s.json:1:40: 'a' is an integer; it must be a string"},
        Fault{"AnEmptyReason", R"({"network":{"deniedDomainReasons":{"a":""}}})",
              "s.json:1:40: a reason is one line of printable text; write what to do instead"},
        Fault{"AnEmptyPath", R"({"filesystem":{"denyRead":[""]}})",
              "s.json:1:28: a path is empty; write '.' for the working directory"},
        Fault{"WritingEverything", R"({"filesystem":{"allowWrite":["/"]}})",
              "s.json:1:30: allowWrite: '/' in files.write is the whole file system; name the "
              "folders that are needed"},
        Fault{"AWildcardInAllowWrite", R"({"filesystem":{"allowWrite":["src/**/*.ts"]}})",
              "s.json:1:30: the wildcards of 'src/**/*.ts' have no meaning in allowWrite; name the "
              "folder, all below it is included"},
        Fault{
            "AWildcardInAllowRead", R"({"filesystem":{"allowRead":["a?"]}})",
            "s.json:1:29: the wildcards of 'a?' have no meaning in allowRead; name the folder, all "
            "below it is included"},
        Fault{"AnyDomain", R"({"network":{"allowedDomains":["*"]}})",
              "s.json:1:31: '*' would allow every host; name the hosts that are needed"},
        Fault{
            "APublicSuffix", R"({"network":{"allowedDomains":["a.org","*.co.uk"]}})",
            "s.json:1:39: '*.co.uk' covers names that anyone can register; name the hosts that are "
            "needed, as in 'example.co.uk'"},
        Fault{"AUrl", R"({"network":{"deniedDomains":["https://a.org/"]}})",
              "s.json:1:30: 'https://a.org/' is a URL; write the host and port alone: 'a.org:443'"},
        Fault{"AnAddressThatIsNone", R"({"network":{"deniedResolvedAddresses":["ten"]}})",
              "s.json:1:40: 'ten' is not an IP address; write it as 192.0.2.1 or [2001:db8::1]"}),
    [](const auto& fault) { return std::string(fault.param.name); });

TEST(SettingsKeys, AreInOneTableEach) {
  for (const auto& keys :
       {settings_root_keys(), settings_network_keys(), settings_filesystem_keys()}) {
    std::set<std::string_view> names;
    for (const SettingsKey& key : keys) {
      EXPECT_TRUE(names.insert(key.name).second) << key.name;
      EXPECT_TRUE(key.refused.empty() || key.refused.find(';') != std::string_view::npos)
          << key.name << ": a reason and a fix";
    }
  }
}

}  // namespace
}  // namespace carrel::policy
