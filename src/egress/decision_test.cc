#include "egress/decision.h"

#include <gtest/gtest.h>

#include "egress/own_address.h"
#include "egress/special_address.h"

namespace carrel::egress {
namespace {

using policy::HostName;
using policy::HostRule;
using policy::IpAddress;
using policy::NetworkPolicy;

HostName name(std::string_view text) { return HostName::parse(text).value(); }
IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }

NetworkPolicy policy(std::initializer_list<const char*> allow,
                     std::initializer_list<const char*> deny = {}) {
  NetworkPolicy made;
  for (const char* rule : allow) made.allow.insert(HostRule::parse(rule).value());
  for (const char* rule : deny) {
    made.deny.insert(HostRule::parse(rule, HostRule::Any::kAccepted).value());
  }
  return made;
}

bool allows(const NetworkPolicy& p, std::string_view host, std::uint16_t port) {
  const Host parsed = parse_host(host).value();
  if (const auto* n = std::get_if<HostName>(&parsed)) return decide(p, *n, port).allowed();
  return decide(p, std::get<IpAddress>(parsed), port, Owner::kOther).allowed();
}

bool leads(const NetworkPolicy& p, std::string_view to, Owner owner = Owner::kOther) {
  return decide_answer(p, name("a.test"), address(to), 443, owner).allowed();
}

TEST(Decision, AllowsNothingByDefault) {
  for (const char* host : {"example.com", "localhost", "127.0.0.1", "8.8.8.8", "::1"}) {
    EXPECT_FALSE(allows({}, host, 443)) << host;
  }
}

TEST(Decision, ObeysHostAndPort) {
  const NetworkPolicy p = policy({"a.test:443", "b.test", "*.x.y.org:80"});
  EXPECT_TRUE(allows(p, "a.test", 443));
  EXPECT_FALSE(allows(p, "a.test", 80));
  EXPECT_TRUE(allows(p, "b.test", 1));
  EXPECT_FALSE(allows(p, "sub.b.test", 1));
  EXPECT_TRUE(allows(p, "a.x.y.org", 80));
  EXPECT_TRUE(allows(p, "b.a.x.y.org", 80));
  EXPECT_FALSE(allows(p, "x.y.org", 80));
  EXPECT_FALSE(allows(p, "ax.y.org", 80));
  EXPECT_FALSE(allows(p, "x.y.org.evil.test", 80));
}

TEST(Decision, SpellingDoesNotMatter) {
  const NetworkPolicy p = policy({"a.test", "127.0.0.1", "[2001:db8::1]"});
  for (const char* host : {"A.TEST", "a.test.", "127.1", "0x7f000001", "0177.0.0.1", "2130706433",
                           "127.0.0.1.", "::ffff:127.0.0.1", "[::ffff:7f00:1]", "[2001:DB8::1]",
                           "2001:db8:0:0::0:1", "0x7f.1", "017700000001"}) {
    EXPECT_TRUE(allows(p, host, 443)) << host;
  }
  for (const char* host : {"127.2", "::1", "a.test.a.test", "2001:db8::2"}) {
    EXPECT_FALSE(allows(p, host, 443)) << host;
  }
}

TEST(Decision, NoNameRuleReachesAnAddress) {
  const NetworkPolicy p = policy({"*.a.test", "*.example.com"});
  for (const char* host : {"1.2.3.4", "127.1", "::1"}) EXPECT_FALSE(allows(p, host, 80)) << host;
}

TEST(ParseHost, RefusesWhatIsNeitherNameNorAddress) {
  for (const std::string_view text : {std::string_view(""),
                                      std::string_view("."),
                                      std::string_view("evil.test\0.a.test", 17),
                                      std::string_view("a.test\r\nX: y"),
                                      std::string_view("a test"),
                                      std::string_view(" a.test"),
                                      std::string_view("a.test "),
                                      std::string_view("fe80::1%eth0"),
                                      std::string_view("[::1%lo]"),
                                      std::string_view("u@a.test"),
                                      std::string_view("a.test/x"),
                                      std::string_view("a.test\\x"),
                                      std::string_view("\xc3\xa4.test"),
                                      std::string_view("[a.test]"),
                                      std::string_view("a..test"),
                                      std::string_view("-a.test"),
                                      std::string_view("127.0.0.1\0", 10),
                                      std::string_view("256.1.1.1"),
                                      std::string_view("1.2.3.4.5"),
                                      std::string_view("*.test")}) {
    EXPECT_FALSE(parse_host(text).ok()) << text;
  }
}

TEST(ParseAuthority, TakesAPortAndBrackets) {
  EXPECT_EQ(parse_authority("A.test:443").value().text(), "a.test:443");
  EXPECT_EQ(parse_authority("[::1]:22").value().text(), "[::1]:22");
  EXPECT_EQ(parse_authority("[::1]", 80).value().text(), "[::1]:80");
  EXPECT_EQ(parse_authority("[::1]", 80).value().authority(), "[::1]");
  EXPECT_EQ(parse_authority("a.test", 80).value().authority(), "a.test");
  EXPECT_EQ(parse_authority("a.test:8080", 80).value().authority(), "a.test:8080");
  for (const char* text :
       {"a.test", "a.test:", "a.test:0", "a.test:65536", "a.test:+1", "a.test:1 ", "a.test:1:2",
        "::1:443", "[::1", "[::1]x:1", ":443", "a.test:0x50"}) {
    EXPECT_FALSE(parse_authority(text).ok()) << text;
  }
}

TEST(Decision, DenyWinsOverAllow) {
  const NetworkPolicy p =
      policy({"a.test", "*.b.test:443", "10.0.0.0/8"}, {"a.test:22", "x.b.test", "10.1.0.0/16"});
  EXPECT_TRUE(allows(p, "a.test", 443));
  EXPECT_FALSE(allows(p, "a.test", 22));
  EXPECT_TRUE(allows(p, "y.b.test", 443));
  EXPECT_FALSE(allows(p, "x.b.test", 443));
  EXPECT_TRUE(allows(p, "10.0.0.1", 80));
  EXPECT_FALSE(allows(p, "10.1.0.1", 80));
  EXPECT_FALSE(allows(policy({"a.test", "1.2.3.4"}, {"*"}), "a.test", 443));
  EXPECT_FALSE(allows(policy({"a.test", "1.2.3.4"}, {"*"}), "1.2.3.4", 443));
  EXPECT_FALSE(allows(policy({"a.test:443"}, {"*:443"}), "a.test", 443));
}

constexpr const char* kSpecial[] = {"127.0.0.1",
                                    "127.255.255.254",
                                    "0.0.0.0",
                                    "0.1.2.3",
                                    "10.0.0.1",
                                    "172.16.0.1",
                                    "172.31.255.255",
                                    "192.168.1.1",
                                    "169.254.169.254",
                                    "169.254.1.1",
                                    "100.64.0.1",
                                    "100.100.100.200",
                                    "192.0.0.192",
                                    "192.0.2.1",
                                    "198.18.0.1",
                                    "198.51.100.1",
                                    "203.0.113.1",
                                    "224.0.0.1",
                                    "240.0.0.1",
                                    "255.255.255.255",
                                    "168.63.129.16",
                                    "::",
                                    "::1",
                                    "::7f00:1",
                                    "::ffff:127.0.0.1",
                                    "::ffff:169.254.169.254",
                                    "64:ff9b::127.0.0.1",
                                    "64:ff9b::a9fe:a9fe",
                                    "64:ff9b::10.0.0.1",
                                    "64:ff9b:1::1",
                                    "2002:7f00:1::",
                                    "2002:a9fe:a9fe::1",
                                    "2002:0808:0808::",
                                    "2001:0:1::",
                                    "2001:db8::1",
                                    "fc00::1",
                                    "fd00:ec2::254",
                                    "fd20:ce::254",
                                    "fe80::1",
                                    "fec0::1",
                                    "ff02::1",
                                    "100::1",
                                    "3fff::1",
                                    "4000::1",
                                    "5f00::1",
                                    "fe00::1"};

TEST(DecisionOnAnswers, NameNeverLeadsToASpecialAddress) {
  const NetworkPolicy p = policy({"a.test"});
  for (const char* text : kSpecial) EXPECT_FALSE(leads(p, text)) << text;
}

TEST(DecisionOnAnswers, NameLeadsToPublicAddresses) {
  const NetworkPolicy p = policy({"a.test"});
  for (const char* text : {"1.1.1.1", "8.8.8.8", "172.15.255.255", "172.32.0.1", "9.255.255.255",
                           "11.0.0.0", "169.253.0.1", "100.63.255.255", "100.128.0.0", "223.1.1.1",
                           "2606:4700::1111", "2a00:1450::1", "64:ff9b::8.8.8.8", "2003::1"}) {
    EXPECT_TRUE(leads(p, text)) << text;
  }
}

TEST(DecisionOnAnswers, SpecialAddressIsReachedWhereItIsAllowedAsWell) {
  for (const char* text : kSpecial) {
    NetworkPolicy p = policy({"a.test"});
    p.allow.insert(HostRule{
        policy::Cidr{address(text), static_cast<std::uint8_t>(address(text).is_v4() ? 32 : 128)},
        std::nullopt,
        {}});
    EXPECT_TRUE(leads(p, text)) << text;
    EXPECT_TRUE(leads(p, text, Owner::kThisMachine)) << text;
    EXPECT_FALSE(decide_answer(p, name("b.test"), address(text), 443, Owner::kOther).allowed());
  }
  EXPECT_TRUE(leads(policy({"a.test", "10.0.0.0/8"}), "10.2.3.4"));
  EXPECT_TRUE(leads(policy({"a.test", "127.0.0.0/8"}), "127.2.3.4", Owner::kThisMachine));
  EXPECT_FALSE(leads(policy({"a.test", "10.0.0.0/8:80"}), "10.2.3.4"));
}

TEST(DecisionOnAnswers, WideNetworkDoesNotMeanWhatIsSpecialInIt) {
  const NetworkPolicy p = policy({"a.test", "0.0.0.0/1", "128.0.0.0/1", "::/1"});
  for (const char* text : kSpecial) {
    EXPECT_FALSE(leads(p, text)) << text;
    EXPECT_FALSE(decide(p, address(text), 443, Owner::kOther).allowed()) << text;
  }
  EXPECT_TRUE(decide(p, address("8.8.8.8"), 443, Owner::kOther).allowed());
}

TEST(DecisionOnAnswers, AddressOfThisMachineMustBeNamedItself) {
  const NetworkPolicy p = policy({"a.test", "10.0.0.0/8", "8.8.8.0/24"});
  EXPECT_TRUE(leads(p, "8.8.8.8"));
  EXPECT_FALSE(leads(p, "8.8.8.8", Owner::kThisMachine));
  EXPECT_FALSE(leads(p, "10.0.0.1", Owner::kThisMachine));
  EXPECT_FALSE(decide(p, address("10.0.0.1"), 1, Owner::kThisMachine).allowed());
  EXPECT_TRUE(leads(policy({"a.test", "10.0.0.1"}), "10.0.0.1", Owner::kThisMachine));
}

TEST(DecisionOnAnswers, DeniedNetworkIsDeniedBehindAName) {
  const NetworkPolicy p = policy({"a.test"}, {"8.8.0.0/16"});
  EXPECT_FALSE(leads(p, "8.8.8.8"));
  EXPECT_FALSE(leads(p, "64:ff9b::8.8.8.8"));
  EXPECT_TRUE(leads(p, "8.9.8.8"));
}

TEST(DecisionOnTlsNames, MustBeTheTunnels) {
  const Host host = name("a.test");
  EXPECT_TRUE(decide_tls_name({}, host, name("a.test"), 443).allowed());
  EXPECT_FALSE(decide_tls_name({}, host, name("b.a.test"), 443).allowed());
  EXPECT_FALSE(decide_tls_name(policy({"b.test"}), host, name("b.test"), 443).allowed());
  const Host literal = address("1.2.3.4");
  EXPECT_TRUE(decide_tls_name({}, literal, name("b.test"), 443).allowed());
  EXPECT_FALSE(decide_tls_name(policy({}, {"b.test"}), literal, name("b.test"), 443).allowed());
}

TEST(Decision, NamesTheNarrowestRule) {
  const NetworkPolicy p =
      policy({"a.b.test", "a.b.test:443", "*.b.test"}, {"*:1", "*.b.test:1", "a.b.test:1"});
  EXPECT_EQ(decide(p, name("a.b.test"), 443).rule, "a.b.test:443");
  EXPECT_EQ(decide(p, name("a.b.test"), 2).rule, "a.b.test");
  EXPECT_EQ(decide(p, name("c.b.test"), 2).rule, "*.b.test");
  EXPECT_EQ(decide(p, name("a.b.test"), 1).rule, "a.b.test:1");
}

TEST(Decision, SaysWhyAndWhatToDo) {
  NetworkPolicy p = policy({"a.test:443"});
  p.deny.insert(HostRule{name("bad.test"), std::nullopt, "not\x1b[31m wanted"});
  const auto text = [&](std::string_view host, std::uint16_t port) {
    return refusal_text(std::string(host), decide(p, name(host), port));
  };
  EXPECT_EQ(text("a.test", 80),
            "a.test is not reachable: the policy allows port 443 of it, not this one. To allow it, "
            "run carrel with --allow a.test:80, or add \"a.test:80\" to `allow` under [network] in "
            "the policy.");
  EXPECT_EQ(text("bad.test", 1),
            "bad.test is not reachable: the rule 'bad.test' denies it (not\\x1b[31m wanted).");
  EXPECT_EQ(decide({}, name("a.test"), 1).reason, "the policy allows no host");
  EXPECT_EQ(decide_answer(p, name("a.test"), address("127.0.0.1"), 443, Owner::kThisMachine).reason,
            "it leads to 127.0.0.1, and 127.0.0.1 is a loopback address, which a name reaches only "
            "where the address is allowed as well");
}

TEST(OwnerOf, KnowsLoopbackAndNothingElseOfTheInternet) {
  EXPECT_EQ(owner_of(address("127.0.0.1")), Owner::kThisMachine);
  EXPECT_EQ(owner_of(address("127.5.6.7")), Owner::kThisMachine);
  EXPECT_EQ(owner_of(address("192.0.2.1")), Owner::kOther);
}

}  // namespace
}  // namespace carrel::egress
