#include "plan/environment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace carrel::plan {
namespace {

using Variables = std::map<std::string, std::string>;

Variables plan(const policy::EnvironmentPolicy& policy, Variables host, std::uint32_t uid = 1000,
               const Proxies& proxies = {}) {
  Machine machine;
  machine.uid = uid;
  machine.environment = std::move(host);
  const auto list = plan_environment(policy, machine, proxies);
  EXPECT_TRUE(std::is_sorted(list.begin(), list.end()));
  const Variables variables(list.begin(), list.end());
  EXPECT_EQ(variables.size(), list.size()) << "a name stands twice";
  return variables;
}

TEST(PlanEnvironment, PassesNothingThatIsNotNamed) {
  const Variables host = {{"AWS_SECRET_ACCESS_KEY", "s"},
                          {"GITHUB_TOKEN", "s"},
                          {"SSH_AUTH_SOCK", "s"},
                          {"LD_PRELOAD", "s"},
                          {"BASH_ENV", "s"},
                          {"DBUS_SESSION_BUS_ADDRESS", "s"},
                          {"HTTP_PROXY", "s"},
                          {"PATH", "/bin"}};
  EXPECT_EQ(plan({}, host), Variables());
  EXPECT_EQ(plan({.pass = {"PATH"}, .set = {}}, host), Variables({{"PATH", "/bin"}}));
}

TEST(PlanEnvironment, PassesNamesAndPrefixesExactly) {
  const Variables host = {{"LC_ALL", "C"},  {"LC_", "x"},   {"LC", "x"},  {"XLC_ALL", "x"},
                          {"PATH", "/bin"}, {"PATHS", "x"}, {"path", "x"}};
  EXPECT_EQ(plan({.pass = {"LC_*", "PATH"}, .set = {}}, host),
            Variables({{"LC_", "x"}, {"LC_ALL", "C"}, {"PATH", "/bin"}}));
}

TEST(PlanEnvironment, DoesNotInventWhatTheCallerHasNot) {
  EXPECT_EQ(plan({.pass = {"TERM", "LC_*"}, .set = {}}, {}), Variables());
}

TEST(PlanEnvironment, WhatIsSetWinsOverWhatPasses) {
  EXPECT_EQ(plan({.pass = {"A", "B"}, .set = {{"A", "policy"}, {"C", ""}}},
                 {{"A", "host"}, {"B", "host"}, {"C", "host"}}),
            Variables({{"A", "policy"}, {"B", "host"}, {"C", ""}}));
}

TEST(PlanEnvironment, ValuesPassByteForByte) {
  const std::string value = "a=b\n\x1b[2J\xff '\"$(x)";
  EXPECT_EQ(plan({.pass = {"A"}, .set = {}}, {{"A", value}}).at("A"), value);
}

TEST(PlanEnvironment, TellsTarNotToRestoreOwnersForRootOnly) {
  EXPECT_EQ(plan({}, {}, 0), Variables({{"TAR_OPTIONS", "--no-same-owner"}}));
  EXPECT_EQ(plan({}, {}, 1000), Variables());
  EXPECT_EQ(plan({.pass = {}, .set = {{"TAR_OPTIONS", "mine"}}}, {}, 0).at("TAR_OPTIONS"), "mine");
}

TEST(PlanEnvironment, NamesTheProxiesInBothCases) {
  const Variables variables = plan({}, {}, 1000, {3128, 1080});
  for (const char* name : {"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"}) {
    EXPECT_EQ(variables.at(name), "http://localhost:3128") << name;
  }
  for (const char* name : {"ALL_PROXY", "all_proxy"}) {
    EXPECT_EQ(variables.at(name), "socks5h://localhost:1080") << name;
  }
  EXPECT_EQ(variables.at("NO_PROXY"), variables.at("no_proxy"));
  EXPECT_NE(variables.at("no_proxy").find("127.0.0.1"), std::string::npos);
  EXPECT_NE(variables.at("GIT_SSH_COMMAND").find("localhost:1080"), std::string::npos);
  EXPECT_NE(variables.at("JAVA_TOOL_OPTIONS").find("-Dhttps.proxyPort=3128"), std::string::npos);
}

// What the policy allows there must be reachable, and what it denies gets its reason.
TEST(PlanEnvironment, SendsAddressesOfTheHostsNetworkToTheProxy) {
  EXPECT_EQ(plan({}, {}, 1000, {3128, 1080}).at("NO_PROXY"), "localhost,127.0.0.1,::1");
}

TEST(PlanEnvironment, GivesSshTheHelperWhereThereIsOne) {
  EXPECT_EQ(
      plan({}, {}, 1000, {3128, 1080, "/dev/carrel"}).at("GIT_SSH_COMMAND"),
      "ssh -o ControlMaster=no -o ControlPath=none -o ProxyCommand='/dev/carrel connect %h %p'");
}

TEST(PlanEnvironment, NamesNoProxyWithoutListeners) {
  EXPECT_EQ(plan({}, {}, 1000, {}), Variables());
}

TEST(PlanEnvironment, WhatThePolicySetsWinsOverTheProxies) {
  const Variables variables =
      plan({.pass = {}, .set = {{"HTTP_PROXY", "mine"}, {"no_proxy", ""}}}, {}, 0, {1, 2});
  EXPECT_EQ(variables.at("HTTP_PROXY"), "mine");
  EXPECT_EQ(variables.at("no_proxy"), "");
  EXPECT_EQ(variables.at("http_proxy"), "http://localhost:1");
}

}  // namespace
}  // namespace carrel::plan
