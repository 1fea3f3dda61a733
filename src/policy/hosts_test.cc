#include "policy/hosts.h"

#include <gtest/gtest.h>

#include <ostream>
#include <random>

namespace carrel::policy {
namespace {

HostName name(std::string_view text) { return HostName::parse(text).value(); }
IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }
Cidr network(std::string_view text) { return Cidr::parse(text).value(); }
std::string rule(std::string_view text, HostRule::Any any = HostRule::Any::kRefused) {
  const Result<HostRule> parsed = HostRule::parse(text, any);
  return parsed.ok() ? parsed.value().text() : "refused: " + parsed.error().message;
}

TEST(HostName, HasOneSpelling) {
  EXPECT_EQ(name("Example.COM").text(), "example.com");
  EXPECT_EQ(name("example.com.").text(), "example.com");
  EXPECT_EQ(name("localhost").text(), "localhost");
  EXPECT_EQ(name("_dmarc.a-b.x1").text(), "_dmarc.a-b.x1");
  EXPECT_EQ(name("xn--bcher-kva.example").text(), "xn--bcher-kva.example");
  EXPECT_EQ(name("3com").text(), "3com");
  EXPECT_EQ(name("1.2.3.4.example").text(), "1.2.3.4.example");
  EXPECT_EQ(name(std::string(63, 'a') + ".b").text().size(), 65u);
}

TEST(HostName, RefusesAddressesInEverySpellingThatResolversRead) {
  for (const char* text :
       {"127.0.0.1", "127.1", "127.0.0.1.", "0x7f000001", "0X7F.1", "0177.0.0.1", "2130706433",
        "1.2.3.4.5", "a.1", "a.0x", "a.0xff", "08", "[::1]", "[::1", "999.999.999.999"}) {
    const auto parsed = HostName::parse(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.error().message, "'" + std::string(text) + "' is an IP address, not a name");
  }
}

TEST(HostName, RefusesWhatIsNoName) {
  const std::string long_name = std::string(63, 'a') + "." + std::string(63, 'b') + "." +
                                std::string(63, 'c') + "." + std::string(62, 'd');
  EXPECT_FALSE(HostName::parse(long_name).ok());
  EXPECT_TRUE(HostName::parse(long_name.substr(1)).ok());
  EXPECT_FALSE(HostName::parse(std::string(64, 'a') + ".b").ok());
  EXPECT_FALSE(HostName::parse(std::string_view("evil\0.allowed.com", 17)).ok());
  for (const char* text : {"",    ".",    "..",   "a..b", ".a",  "a b",      "a\tb", "a\r\nb", "-a",
                           "a-",  "a.-b", "a:80", "a/b",  "u@h", "http://a", "a%b",  "a\\b",   "*",
                           "*.a", "a.*",  "a?",   "::1",  "a,b", "a#b",      "\x7f", "a\xff"}) {
    EXPECT_FALSE(HostName::parse(text).ok()) << text;
  }
}

TEST(HostName, IsBelowItsParentsByWholeLabels) {
  EXPECT_TRUE(name("a.x.y").is_below(name("x.y")));
  EXPECT_TRUE(name("b.a.x.y").is_below(name("x.y")));
  EXPECT_FALSE(name("x.y").is_below(name("x.y")));
  EXPECT_FALSE(name("ax.y").is_below(name("x.y")));
  EXPECT_FALSE(name("x.y.z").is_below(name("x.y")));
}

TEST(IpAddress, HasOneSpelling) {
  for (const char* text :
       {"127.0.0.1", "127.1", "0x7f000001", "0x7F.0.0.1", "0177.0.0.1", "2130706433",
        "::ffff:127.0.0.1", "::ffff:7f00:1", "[::ffff:7f00:1]", "127.0.0.1.", "0000177.1"}) {
    const auto parsed = IpAddress::parse(text);
    ASSERT_TRUE(parsed.ok()) << text;
    EXPECT_EQ(parsed.value().text(), "127.0.0.1") << text;
    EXPECT_TRUE(parsed.value().is_v4());
  }
  EXPECT_EQ(address("2001:DB8:0:0:0:0:0:1").text(), "2001:db8::1");
  EXPECT_EQ(address("[2001:db8::0:1]").text(), "2001:db8::1");
  EXPECT_EQ(address("::").text(), "::");
  EXPECT_EQ(address("1:0:0:2:0:0:0:3").text(), "1:0:0:2::3");
}

TEST(IpAddress, RefusesEverythingElse) {
  for (const char* text : {"",
                           "1.2.3.4.5",
                           "256.1.1.1",
                           "1.2.3.4 ",
                           " 1.2.3.4",
                           "1.2.3.4 x",
                           "08.1.1.1",
                           "0x",
                           "1..2",
                           "fe80::1%eth0",
                           "[fe80::1%25eth0]",
                           "::1]",
                           "[::1",
                           "[1.2.3.4]",
                           ":::",
                           "1:2",
                           "12345::",
                           "example.com",
                           "4294967296",
                           "-1",
                           "+1",
                           "1.2.3.4\n",
                           "beef"}) {
    EXPECT_FALSE(IpAddress::parse(text).ok()) << text;
  }
  EXPECT_FALSE(IpAddress::parse(std::string_view("1.2.3.4\0", 8)).ok());
  EXPECT_FALSE(IpAddress::parse(std::string_view("::1\0x", 5)).ok());
}

TEST(IpAddress, TextReadsBackAsTheSameAddress) {
  std::mt19937 random(6);
  for (int round = 0; round < 20000; ++round) {
    std::array<std::uint8_t, 16> bytes{};
    for (auto& byte : bytes) byte = random() % 3 == 0 ? static_cast<std::uint8_t>(random()) : 0;
    const IpAddress v6 = IpAddress::v6(bytes);
    ASSERT_EQ(address(v6.text()), v6) << v6.text();
    const IpAddress v4 = IpAddress::v4({bytes[0], bytes[1], bytes[2], bytes[3]});
    ASSERT_EQ(address(v4.text()), v4) << v4.text();
  }
}

TEST(Cidr, ContainsItsAddressesAndNoOthers) {
  EXPECT_TRUE(network("10.0.0.0/8").contains(address("10.255.255.255")));
  EXPECT_FALSE(network("10.0.0.0/8").contains(address("11.0.0.0")));
  EXPECT_TRUE(network("10.1.2.0/23").contains(address("10.1.3.255")));
  EXPECT_FALSE(network("10.1.2.0/23").contains(address("10.1.4.0")));
  EXPECT_TRUE(network("0.0.0.0/0").contains(address("8.8.8.8")));
  EXPECT_FALSE(network("0.0.0.0/0").contains(address("2001:db8::1")));
  EXPECT_TRUE(network("fc00::/7").contains(address("fdff::1")));
  EXPECT_FALSE(network("::/0").contains(address("8.8.8.8")));
  EXPECT_TRUE(network("192.0.2.1").contains(address("192.0.2.1")));
  EXPECT_TRUE(network("192.0.2.1").contains(address("::ffff:192.0.2.1")));
  EXPECT_TRUE(network("::ffff:10.0.0.0/104").contains(address("10.9.9.9")));
}

TEST(Cidr, HasOneSpelling) {
  EXPECT_EQ(network("10.0.0.0/8").text(), "10.0.0.0/8");
  EXPECT_EQ(network("10.0.0.1/32").text(), "10.0.0.1");
  EXPECT_EQ(network("[FC00::]/7").text(), "fc00::/7");
  EXPECT_EQ(network("::ffff:10.0.0.0/104").text(), "10.0.0.0/8");
}

TEST(Cidr, RefusesEverythingElse) {
  for (const char* text :
       {"10.1.0.0/8", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/08", "10.0.0.0/-1",
        "10.0.0.0/8/8", "/8", "fc00::1/7", "::ffff:0:0/95", "10/8"}) {
    EXPECT_FALSE(Cidr::parse(text).ok()) << text;
  }
}

TEST(HostRule, HasOneSpelling) {
  EXPECT_EQ(rule("Example.COM."), "example.com");
  EXPECT_EQ(rule("example.com:443"), "example.com:443");
  EXPECT_EQ(rule("*.Example.com:443"), "*.example.com:443");
  EXPECT_EQ(rule("127.1:80"), "127.0.0.1:80");
  EXPECT_EQ(rule("0x7f000001"), "127.0.0.1");
  EXPECT_EQ(rule("[::1]"), "[::1]");
  EXPECT_EQ(rule("[0:0::1]:443"), "[::1]:443");
  EXPECT_EQ(rule("[::ffff:127.0.0.1]:1"), "127.0.0.1:1");
  EXPECT_EQ(rule("10.0.0.0/8:22"), "10.0.0.0/8:22");
  EXPECT_EQ(rule("192.0.2.1/32"), "192.0.2.1");
  EXPECT_EQ(rule("fc00::/7"), "[fc00::]/7");
  EXPECT_EQ(rule("[fc00::]/7:22"), "[fc00::]/7:22");
  EXPECT_EQ(rule("localhost:65535"), "localhost:65535");
}

TEST(HostRule, TakesEveryHostOnlyWhereItIsDenied) {
  EXPECT_EQ(rule("*", HostRule::Any::kAccepted), "*");
  EXPECT_EQ(rule("*:22", HostRule::Any::kAccepted), "*:22");
  EXPECT_EQ(rule("0.0.0.0/0", HostRule::Any::kAccepted), "0.0.0.0/0");
  EXPECT_EQ(rule("*"), "refused: '*' would allow every host; name the hosts that are needed");
  EXPECT_EQ(rule("*:443"), "refused: '*' would allow every host; name the hosts that are needed");
  EXPECT_EQ(rule("0.0.0.0/0"),
            "refused: '0.0.0.0/0' would allow every address; name the networks that are needed");
}

TEST(HostRule, RefusesSubdomainsOfAPublicSuffix) {
  for (const char* text :
       {"*.com", "*.co.uk", "*.COM.", "*.github.io", "*.s3.amazonaws.com", "*.kawasaki.jp",
        "*.xn--p1ai", "*.xn--55qx5d.cn", "*.localhost", "*.no-such-suffix", "*.uk"}) {
    for (const auto any : {HostRule::Any::kRefused, HostRule::Any::kAccepted}) {
      EXPECT_NE(rule(text, any).find("covers names that anyone can register"), std::string::npos)
          << text;
    }
  }
}

TEST(HostRule, AcceptsSubdomainsOfWhatHasAnOwner) {
  for (const char* text :
       {"*.example.com", "*.npmjs.org", "*.bbc.co.uk", "*.me.github.io", "*.city.kawasaki.jp",
        "*.githubusercontent.com", "*.svc.cluster.local"}) {
    EXPECT_EQ(rule(text), text);
  }
}

struct Fault {
  const char* text;
  const char* message;
};

void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.text; }

class HostRuleRefuses : public testing::TestWithParam<Fault> {};

TEST_P(HostRuleRefuses, AndSaysWhatToWrite) {
  EXPECT_EQ(rule(GetParam().text), "refused: " + std::string(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    , HostRuleRefuses,
    testing::Values(
        Fault{"https://example.com/a",
              "'https://example.com/a' is a URL; write the host and port alone: 'example.com:443'"},
        Fault{"http://u:p@example.com:8080",
              "'http://u:p@example.com:8080' is a URL; write the host and port alone: "
              "'example.com:8080'"},
        Fault{"ssh://git@example.com",
              "'ssh://git@example.com' is a URL; write the host and port alone: 'example.com'"},
        Fault{"example.com/a", "'example.com/a' has a path; write the host alone: 'example.com'"},
        Fault{"u@example.com", "'u@example.com' holds a user name; write 'example.com'"},
        Fault{"a.*.com",
              "'*' in 'a.*.com' can only stand for whole labels in front, as in '*.example.com'"},
        Fault{"*example.com",
              "'*' in '*example.com' can only stand for whole labels in front, as in "
              "'*.example.com'"},
        Fault{"*.*.example.com",
              "'*' in '*.example.com' can only stand for whole labels in front, as in "
              "'*.example.com'"},
        Fault{"exa mple.com", "'exa mple.com' holds a space; remove it"},
        Fault{" example.com", "' example.com' holds a space; remove it"},
        Fault{"example.com\r\n", "'example.com\\x0d\\x0a' holds a control character; remove it"},
        Fault{"bücher.example",
              "'bücher.example' holds characters beyond ASCII, which can look like others; write "
              "'xn--bcher-kva.example'"},
        Fault{"*.公司.cn",
              "'公司.cn' holds characters beyond ASCII, which can look like others; write "
              "'xn--55qx5d.cn'"},
        Fault{"\xff.com", "'\\xff.com' is not a name that DNS can hold; write its xn-- form"},
        Fault{"::1",
              "'::1' could be an address or end in a port; write the address in brackets, as in "
              "'[::1]:443'"},
        Fault{"[::1", "'[::1' has a '[' without ']'; write it as '[::1]:443'"},
        Fault{"[fe80::1%eth0]",
              "'[fe80::1%eth0]' has a zone, which means nothing in a sandbox; remove it from the "
              "'%' on"},
        Fault{"example.com:", "port '' is not a number from 1 to 65535"},
        Fault{"example.com:0", "port '0' is not a number from 1 to 65535"},
        Fault{"example.com:65536", "port '65536' is not a number from 1 to 65535"},
        Fault{"example.com:+1", "port '+1' is not a number from 1 to 65535"},
        Fault{"example.com:0443", "port '0443' is not a number from 1 to 65535"},
        Fault{"example.com:443 ", "port '443 ' is not a number from 1 to 65535"},
        Fault{"1.2.3.4.5", "'1.2.3.4.5' is an IP address, not a name"},
        Fault{"10.1.0.0/8",
              "'10.1.0.0/8' has bits set below /8; write the first address of the network, or a "
              "longer length"},
        Fault{":443", "the host name is empty; write one, as in 'example.com'"},
        Fault{"", "the host name is empty; write one, as in 'example.com'"},
        Fault{"*.", "the host name is empty; write one, as in 'example.com'"},
        Fault{"a..b", "'a..b' has an empty label; remove the extra dot"},
        Fault{"a_b!",
              "'a_b!' holds '!', which no host name has; use letters, digits, '-' and '.'"}));

TEST(HostRule, TextReadsBackAsTheSameRule) {
  std::mt19937 random(7);
  const std::vector<std::string> pieces = {"a",  "1",    "0x",  ".",  "-", ":",
                                           "[",  "]",    "/",   "*.", "8", "example.com",
                                           "::", "ffff", "127", "%",  "@"};
  unsigned accepted = 0;
  for (int round = 0; round < 200000; ++round) {
    std::string text;
    for (unsigned i = random() % 6 + 1; i > 0; --i) text += pieces[random() % pieces.size()];
    const auto parsed = HostRule::parse(text, HostRule::Any::kAccepted);
    if (!parsed.ok()) continue;
    ++accepted;
    const auto again = HostRule::parse(parsed.value().text(), HostRule::Any::kAccepted);
    ASSERT_TRUE(again.ok()) << text << " -> " << parsed.value().text();
    ASSERT_EQ(again.value(), parsed.value()) << text;
  }
  EXPECT_GT(accepted, 1000u);
}

}  // namespace
}  // namespace carrel::policy
