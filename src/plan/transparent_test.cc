#include "plan/transparent.h"

#include <gtest/gtest.h>

#include "plan/wire.h"

namespace carrel::plan {
namespace {

using policy::HostRule;
using policy::NetworkPolicy;

NetworkPolicy rules(std::initializer_list<const char*> allow,
                    std::initializer_list<const char*> deny = {}) {
  NetworkPolicy policy;
  for (const char* rule : allow) policy.allow.insert(HostRule::parse(rule).value());
  for (const char* rule : deny) policy.deny.insert(HostRule::parse(rule).value());
  return policy;
}

std::set<std::string> routes(const NetworkPolicy& policy) {
  std::set<std::string> texts;
  for (const policy::Cidr& network : transparent_routes(policy)) texts.insert(network.text());
  return texts;
}

TEST(TransparentRoutes, LeadNamesAndAllowedAddressesToTheProxy) {
  EXPECT_EQ(
      routes(rules({"a.test", "10.0.0.0/8:22", "10.0.0.0/8:80", "192.0.2.7", "[2001:db8::1]"})),
      (std::set<std::string>{"198.18.0.0/15", "10.0.0.0/8", "192.0.2.7", "2001:db8::1"}));
}

TEST(TransparentRoutes, LeaveTheSandboxItsOwnLoopback) {
  EXPECT_EQ(routes(rules({"127.0.0.1", "127.0.0.0/8", "[::1]", "0.0.0.0", "224.0.0.1", "[ff02::1]",
                          "[fe80::1]", "255.255.255.255"})),
            (std::set<std::string>{"198.18.0.0/15"}));
}

TEST(TransparentRoutes, AreBounded) {
  NetworkPolicy policy;
  for (int i = 0; i < 1000; ++i) {
    policy.allow.insert(
        HostRule::parse("10." + std::to_string(i / 250) + "." + std::to_string(i % 250) + ".1")
            .value());
  }
  EXPECT_EQ(transparent_routes(policy).size(), wire::kMaxRoutes);
}

TEST(TransparentPorts, AreThoseOfTheRules) {
  using Ports = std::vector<std::uint16_t>;
  EXPECT_EQ(transparent_ports(rules({"a.test:5432", "b.test:443"})), Ports({443, 5432}));
  EXPECT_EQ(transparent_ports(rules({"a.test", "b.test:6379"})), Ports({22, 80, 443, 6379}));
  EXPECT_EQ(transparent_ports(rules({"a.test:3128", "b.test:1080", "c.test:53"})), Ports());
  NetworkPolicy many;
  for (int i = 1; i < 100; ++i) {
    many.allow.insert(HostRule::parse("a.test:" + std::to_string(1000 + i)).value());
  }
  EXPECT_EQ(transparent_ports(many).size(), wire::kMaxTransparentPorts);
}

TEST(HostsInside, LoseTheNamesThatAreAskedFor) {
  const NetworkPolicy policy = rules({"a.test", "*.b.test"}, {"denied.b.test"});
  EXPECT_EQ(hosts_inside("127.0.0.1 localhost\n"
                         "192.0.2.1 a.test other.test # both\n"
                         "192.0.2.2\tA.test x.b.test\n"
                         "192.0.2.3 denied.b.test b.test\n"
                         "::1 a.test\n"
                         "nonsense a.test\n",
                         policy),
            "127.0.0.1 localhost\n"
            "192.0.2.1 other.test\n"
            "\n"
            "192.0.2.3 denied.b.test b.test\n"
            "::1 a.test\n"
            "nonsense a.test\n");
}

TEST(HostsInside, AreTheHostsWhereNothingHasToGo) {
  const NetworkPolicy policy = rules({"a.test"});
  for (const char* hosts : {"", "127.0.0.1 localhost\n", "192.0.2.1 other.test",
                            "# 192.0.2.1 a.test\n", "127.0.0.1 a.test\n"}) {
    EXPECT_FALSE(hosts_inside(hosts, policy)) << hosts;
  }
}

}  // namespace
}  // namespace carrel::plan
