#include "egress/socks_message.h"

#include <gtest/gtest.h>

namespace carrel::egress {
namespace {

std::string bytes(std::initializer_list<int> values) {
  std::string out;
  for (const int value : values) out += static_cast<char>(value);
  return out;
}
std::string named(const std::string& name, int command = 1) {
  return bytes({5, command, 0, 3, static_cast<int>(name.size())}) + name + bytes({1, 187});
}

TEST(SocksMessage, ReadsMethods) {
  EXPECT_TRUE(read_socks5_methods(bytes({5, 1, 0})).offers_none);
  EXPECT_TRUE(read_socks5_methods(bytes({5, 3, 2, 1, 0})).offers_none);
  EXPECT_FALSE(read_socks5_methods(bytes({5, 2, 1, 2})).offers_none);
  EXPECT_EQ(read_socks5_methods(bytes({5, 2, 0, 2, 99})).size, 4u);
  EXPECT_EQ(read_socks5_methods(bytes({5, 2, 0})).state, SocksState::kIncomplete);
  EXPECT_EQ(read_socks5_methods(bytes({5, 0})).state, SocksState::kMalformed);
  EXPECT_EQ(read_socks5_methods(bytes({6})).state, SocksState::kMalformed);
}

TEST(SocksMessage, ReadsEveryKindOfAddress) {
  const SocksRequest name = read_socks5_request(named("A.Test.") + "rest");
  EXPECT_EQ(name.state, SocksState::kComplete);
  EXPECT_EQ(name.size, named("A.Test.").size());
  EXPECT_EQ(name.destination().value().text(), "a.test:443");
  EXPECT_EQ(
      read_socks5_request(bytes({5, 1, 0, 1, 127, 0, 0, 1, 0, 80})).destination().value().text(),
      "127.0.0.1:80");
  EXPECT_EQ(read_socks5_request(
                bytes({5, 1, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 80}))
                .destination()
                .value()
                .text(),
            "[::1]:80");
  EXPECT_EQ(read_socks5_request(
                bytes({5, 1, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 1, 0, 80}))
                .destination()
                .value()
                .text(),
            "10.0.0.1:80");
  // Of the length of an address, and none.
  EXPECT_EQ(read_socks5_request(named("abc")).destination().value().text(), "abc:443");
  EXPECT_EQ(read_socks5_request(named("abcdefghijklm.n")).destination().value().text(),
            "abcdefghijklm.n:443");
  EXPECT_FALSE(read_socks5_request(bytes({5, 1, 0, 9, 1})).known_address_type);
}

TEST(SocksMessage, WantsMoreAtEveryCut) {
  const std::string whole = named("a.test");
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    EXPECT_EQ(read_socks5_request(whole.substr(0, cut)).state, SocksState::kIncomplete) << cut;
  }
}

TEST(SocksMessage, RefusesNamesThatAreNone) {
  for (const std::string& name :
       {std::string(), std::string("evil.test\0.a.test", 17), std::string("a.test\r\nX: y"),
        std::string("a test"), std::string("a.test "), std::string("\xff.test"), std::string("a/b"),
        std::string("a.test:80"), std::string("u@a.test"), std::string(255, 'a')}) {
    EXPECT_FALSE(read_socks5_request(named(name)).destination().ok()) << name;
  }
  std::string port0 = named("a.test");
  port0[port0.size() - 1] = port0[port0.size() - 2] = '\0';
  EXPECT_FALSE(read_socks5_request(port0).destination().ok());
}

TEST(SocksMessage, TakesANameThatIsAnAddressForOne) {
  for (const char* name :
       {"127.1", "0x7f000001", "2130706433", "::ffff:127.0.0.1", "[::ffff:7f00:1]"}) {
    EXPECT_EQ(read_socks5_request(named(name)).destination().value().text(), "127.0.0.1:443")
        << name;
  }
}

TEST(SocksMessage, KnowsOnlyConnect) {
  EXPECT_EQ(read_socks5_request(named("a.test", 1)).command, SocksCommand::kConnect);
  for (const int command : {0, 2, 3, 4, 255}) {
    EXPECT_EQ(read_socks5_request(named("a.test", command)).command, SocksCommand::kOther);
  }
  EXPECT_EQ(read_socks4_request(bytes({4, 2, 0, 80, 1, 2, 3, 4, 0})).command, SocksCommand::kOther);
  EXPECT_EQ(read_socks5_request(bytes({5, 1, 1, 1, 1, 2, 3, 4, 0, 80})).state,
            SocksState::kMalformed);
}

TEST(SocksMessage, ReadsVersion4And4A) {
  const SocksRequest plain = read_socks4_request(bytes({4, 1, 0, 80, 1, 2, 3, 4, 'm', 'e', 0}));
  EXPECT_EQ(plain.destination().value().text(), "1.2.3.4:80");
  EXPECT_EQ(plain.size, 11u);
  const std::string named4 = bytes({4, 1, 0, 80, 0, 0, 0, 1, 'm', 'e', 0}) + "a.test" + bytes({0});
  EXPECT_EQ(read_socks4_request(named4).destination().value().text(), "a.test:80");
  for (std::size_t cut = 0; cut < named4.size(); ++cut) {
    EXPECT_EQ(read_socks4_request(named4.substr(0, cut)).state, SocksState::kIncomplete) << cut;
  }
  EXPECT_EQ(read_socks4_request(bytes({4, 1, 0, 80, 0, 0, 0, 0, 0})).destination().value().text(),
            "0.0.0.0:80");
  EXPECT_EQ(read_socks4_request(bytes({4, 1, 0, 80, 1, 2, 3, 4}) + std::string(2000, 'u')).state,
            SocksState::kMalformed);
}

TEST(SocksMessage, AnswersInTheClientsVersion) {
  EXPECT_EQ(socks_reply(SocksVersion::k5, SocksReply::kNotAllowed),
            bytes({5, 2, 0, 1, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(socks_reply(SocksVersion::k4, SocksReply::kSucceeded),
            bytes({0, 90, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(socks_reply(SocksVersion::k4, SocksReply::kNotAllowed),
            bytes({0, 91, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(socks5_method_reply(false), bytes({5, 255}));
}

}  // namespace
}  // namespace carrel::egress
