#include "policy/read_requests.h"

#include <gtest/gtest.h>

#include "policy/from_toml.h"

namespace carrel::policy {
namespace {

const PathContext kContext{"/home/u", "/work"};

std::string fault_of(const std::string& text) {
  const Result<Policy> policy = from_toml(text, "p", kContext);
  return policy.ok() ? "" : policy.error().message;
}

NetworkPolicy network_of(const std::string& text) {
  const Result<Policy> policy = from_toml(text, "p", kContext);
  EXPECT_TRUE(policy.ok()) << policy.error().message;
  return policy.ok() ? policy.value().network : NetworkPolicy{};
}

const std::string kGateway = "[[gateway]]\nname = \"model\"\nurl = \"https://api.test/v1/\"\n";

TEST(ReadRequests, ReadsAGatewayWithItsBase) {
  const NetworkPolicy network = network_of(kGateway);
  ASSERT_EQ(network.gateways.size(), 1u);
  EXPECT_EQ(network.gateways.begin()->url(), "https://api.test/v1");
  EXPECT_EQ(network.gateways.begin()->grant().text(), "api.test:443");
  EXPECT_TRUE(has_network(network));
  EXPECT_EQ(network_of("[[gateway]]\nname = \"l\"\nurl = \"http://[::1]:8080\"\n")
                .gateways.begin()
                ->url(),
            "http://[::1]:8080");
}

TEST(ReadRequests, RefusesUrlsThatAreNoBase) {
  for (const char* url : {"api.test", "ftp://api.test", "https://u:p@api.test",
                          "https://api.test/?a", "https://api.test/#a", "https://api.test/a/../b",
                          "https://api.test/%2e", "https://api.test//a", "https://",
                          "https://api.test:0/", "https://api.test:99999/", "https://api test/"}) {
    const std::string fault =
        fault_of("[[gateway]]\nname = \"m\"\nurl = \"" + std::string(url) + "\"\n");
    EXPECT_EQ(fault.substr(0, 6), "p:3:7:") << url << ": " << fault;
  }
  for (const char* name : {"", "A", "a.b", "-a", "a_b"}) {
    EXPECT_NE(
        fault_of("[[gateway]]\nname = \"" + std::string(name) + "\"\nurl = \"https://a.test\"\n"),
        "")
        << name;
  }
  EXPECT_NE(fault_of(kGateway + kGateway).find("two gateways named 'model'"), std::string::npos);
}

TEST(ReadRequests, ReadsACredential) {
  const NetworkPolicy network =
      network_of(kGateway +
                 "[[credential]]\ngateway = \"model\"\nheader = \"Authorization\"\nscheme = "
                 "\"Bearer\"\nfile = \"~/key\"\nonly = true\nmethods = [\"POST\"]\npaths = "
                 "[\"/m/**\"]\nplaceholder_env = \"KEY\"\n");
  ASSERT_EQ(network.credentials.size(), 1u);
  const Credential& credential = *network.credentials.begin();
  EXPECT_EQ(credential.name, "model");
  EXPECT_EQ(credential.from, std::vector<std::string>{"/home/u/key"});
  EXPECT_TRUE(credential.only);
  EXPECT_EQ(place_text(credential), "header Authorization with the scheme Bearer");
  EXPECT_EQ(scope_text(credential.scope), "POST /m/** through the gateway model");
}

TEST(ReadRequests, HidesTheFileOfASecret) {
  const Result<Policy> policy = from_toml(
      kGateway + "[[credential]]\ngateway = \"model\"\nquery = \"key\"\nfile = \"/work/key\"\n",
      "p", kContext);
  ASSERT_TRUE(policy.ok()) << policy.error().message;
  EXPECT_TRUE(policy.value().files.hide.contains(Glob::of_literal("/work/key")));
}

TEST(ReadRequests, RefusesCredentialsThatCannotBe) {
  const std::string begin = kGateway + "[[credential]]\n";
  const std::string place = "header = \"x-key\"\n";
  const std::string source = "env = \"KEY\"\n";
  const std::string scope = "gateway = \"model\"\n";
  EXPECT_EQ(fault_of(begin + scope + place + source), "");
  for (const std::string& rest :
       {place + source, scope + source, scope + place, "gateway = \"other\"\n" + place + source,
        scope + "hosts = [\"a.test\"]\n" + place + source,
        scope + place + "query = \"k\"\n" + source, scope + place + source + "file = \"/k\"\n",
        scope + "header = \"a b\"\n" + source, scope + "query = \"a&b\"\n" + source,
        scope + "query = \"k\"\nscheme = \"B\"\n" + source,
        scope + place + source + "methods = []\n", scope + place + source + "methods = [\"get\"]\n",
        scope + place + source + "paths = [\"x\"]\n", scope + place + "command = []\n",
        scope + "basic = { user = \"a:b\" }\n" + source,
        scope + place + source + "secret = \"x\"\n", "hosts = [\"a.test\"]\n" + place + source}) {
    EXPECT_NE(fault_of(begin + rest), "") << rest;
  }
  EXPECT_NE(fault_of(begin + "hosts = [\"a.test\"]\n" + place + source).find("is not inspected"),
            std::string::npos);
}

TEST(ReadRequests, RefusesRulesThatSayNothing) {
  const std::string begin = "[network]\ninspect = [\"*.a.test\"]\n[[request]]\n";
  EXPECT_EQ(fault_of(begin + "hosts = [\"x.a.test\"]\naction = \"allow\"\nmax_request_bytes = "
                             "\"1KiB\"\n"),
            "");
  for (const char* rest : {"hosts = [\"x.a.test\"]\n", "action = \"allow\"\n",
                           "hosts = [\"a.test\"]\naction = \"allow\"\n",
                           "hosts = [\"x.a.test\"]\naction = \"maybe\"\n",
                           "hosts = [\"x.a.test\"]\naction = \"deny\"\nmax_request_bytes = 1\n",
                           "hosts = [\"x.a.test\"]\naction = \"allow\"\nreason = \"x\"\n"}) {
    EXPECT_NE(fault_of(begin + rest), "") << rest;
  }
}

}  // namespace
}  // namespace carrel::policy
