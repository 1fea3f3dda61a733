#include "egress/dns.h"

#include <gtest/gtest.h>

namespace carrel::egress {
namespace {

using policy::HostName;
using policy::HostRule;
using policy::IpAddress;

std::string number(std::size_t value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value)};
}
std::string name(std::string_view dotted) {
  std::string out;
  while (!dotted.empty()) {
    const std::size_t size = std::min(dotted.find('.'), dotted.size());
    out += static_cast<char>(size);
    out += dotted.substr(0, size);
    dotted.remove_prefix(std::min(size + 1, dotted.size()));
  }
  return out + '\0';
}
std::string question(std::string_view dotted, std::size_t type = 1, std::size_t of_class = 1) {
  return name(dotted) + number(type) + number(of_class);
}
std::string header(std::size_t flags = 0x0100, std::size_t questions = 1,
                   std::size_t additional = 0) {
  return "\x12\x34" + number(flags) + number(questions) + number(0) + number(0) +
         number(additional);
}
std::string query(std::string_view dotted, std::size_t type = 1) {
  return header() + question(dotted, type);
}
std::string edns(std::size_t version = 0) {
  return std::string(1, '\0') + number(41) + number(4096) + std::string(1, '\0') +
         static_cast<char>(version) + number(0) + number(0);
}

policy::NetworkPolicy rules(std::initializer_list<const char*> allow,
                            std::initializer_list<const char*> deny = {}) {
  policy::NetworkPolicy policy;
  for (const char* rule : allow) policy.allow.insert(HostRule::parse(rule).value());
  for (const char* rule : deny) {
    policy.deny.insert(HostRule::parse(rule, HostRule::Any::kAccepted).value());
  }
  return policy;
}

class Dns : public testing::Test {
 protected:
  std::string ask(const std::string& message) {
    last_ = answer_dns(message, policy_, names_);
    return last_.message;
  }
  int code(const std::string& message) {
    const std::string said = ask(message);
    return said.size() < 12 ? -1 : said[3] & 15;
  }
  std::size_t answers(const std::string& message) {
    const std::string said = ask(message);
    return said.size() < 12 ? 99 : static_cast<std::size_t>(said[7]);
  }
  // The data of an answer's one record, which is its last part.
  std::string data(const std::string& message, std::size_t size) {
    const std::string said = ask(message);
    return said.size() < size ? "" : said.substr(said.size() - size);
  }

  policy::NetworkPolicy policy_ =
      rules({"a.test", "*.below.test:443", "10.0.0.0/8", "port.test:80"},
            {"denied.below.test", "half.below.test:443"});
  NameTable names_;
  DnsAnswer last_;
};

constexpr int kNoSuchName = 3;
constexpr int kRefused = 5;

TEST_F(Dns, AnswersAllowedNamesWithOneAddressEach) {
  const std::string said = ask(query("a.test"));
  EXPECT_EQ(said.substr(0, 4), "\x12\x34\x81\x80");
  EXPECT_EQ(said.substr(12, question("a.test").size()), question("a.test"));
  EXPECT_EQ(said.substr(said.size() - 4), std::string("\xc6\x12\x01\x00", 4));
  EXPECT_EQ(data(query("x.below.test"), 4), std::string("\xc6\x12\x01\x01", 4));
  EXPECT_EQ(data(query("port.test"), 4), std::string("\xc6\x12\x01\x02", 4));
  EXPECT_EQ(data(query("a.test"), 4), std::string("\xc6\x12\x01\x00", 4));
}

TEST_F(Dns, KeepsTheSpellingOfTheQuestionAndKnowsTheName) {
  const std::string said = ask(query("A.TeSt"));
  EXPECT_EQ(said.substr(12, question("A.TeSt").size()), question("A.TeSt"));
  EXPECT_EQ(names_.name_of(IpAddress::v4({198, 18, 1, 0}))->text(), "a.test");
}

TEST_F(Dns, SaysAtOnceThatOtherNamesDoNotExist) {
  for (const char* asked : {"b.test", "below.test", "xa.test", "a.test.evil.test",
                            "denied.below.test", "localhost", "10.0.0.1", "127.1", ""}) {
    EXPECT_EQ(code(query(asked)), kNoSuchName) << asked;
    EXPECT_EQ(answers(query(asked)), 0u) << asked;
  }
  EXPECT_EQ(code(query("half.below.test")), 0);  // another port may be allowed
  EXPECT_EQ(code(query("b.test")), kNoSuchName);
  ASSERT_TRUE(last_.unknown);
  EXPECT_EQ(last_.unknown->text(), "b.test");
}

TEST_F(Dns, TakesADotInALabelForNoDot) {
  const std::string odd = header() + std::string(
                                         "\x06"
                                         "a.test\0\0\1\0\1",
                                         12);
  EXPECT_EQ(code(odd), kNoSuchName);
  const std::string nul = header() + std::string(
                                         "\x07"
                                         "a.test\0\0\0\1\0\1",
                                         13);
  EXPECT_EQ(code(nul), kNoSuchName);
}

TEST_F(Dns, HasNothingButAddresses) {
  for (const std::size_t type :
       std::initializer_list<std::size_t>{2, 5, 6, 15, 16, 28, 33, 64, 65, 257}) {
    EXPECT_EQ(code(query("a.test", type)), 0) << type;
    EXPECT_EQ(answers(query("a.test", type)), 0u) << type;
    EXPECT_EQ(code(query("b.test", type)), kNoSuchName) << type;
  }
  for (const std::size_t type :
       std::initializer_list<std::size_t>{41, 249, 250, 251, 252, 253, 254, 255}) {
    EXPECT_EQ(code(query("a.test", type)), kRefused) << type;
  }
  EXPECT_EQ(code(header() + question("a.test", 1, 3)), kRefused);
  EXPECT_EQ(code(header() + question("a.test", 1, 255)), kRefused);
}

TEST_F(Dns, TellsTheNameOfAnAddressThatItGave) {
  ask(query("a.test"));
  EXPECT_EQ(data(query("0.1.18.198.in-addr.arpa", 12), 8), name("a.test"));
  EXPECT_EQ(answers(query("0.1.18.198.in-addr.arpa", 1)), 0u);
  for (const char* asked : {"1.1.18.198.in-addr.arpa", "1.0.0.127.in-addr.arpa",
                            "00.1.18.198.in-addr.arpa", "0.0.1.18.198.in-addr.arpa",
                            "1.18.198.in-addr.arpa", "256.1.18.198.in-addr.arpa", "in-addr.arpa"}) {
    EXPECT_EQ(code(query(asked, 12)), kNoSuchName) << asked;
    EXPECT_FALSE(last_.unknown) << asked;
  }
}

TEST_F(Dns, ToleratesEdns) {
  const std::string said = ask(header(0x0110, 1, 1) + question("a.test") + edns());
  EXPECT_EQ(said[11], 1);
  EXPECT_EQ(said.substr(said.size() - 11, 3), std::string("\0\0\x29", 3));
  EXPECT_EQ(said.substr(2, 2), "\x81\x90");  // checking disabled is handed back
  const std::string bad = ask(header(0x0100, 1, 1) + question("a.test") + edns(1));
  EXPECT_EQ(bad[7], 0);               // no answer
  EXPECT_EQ(bad[bad.size() - 6], 1);  // BADVERS, whose upper bits stand here
  EXPECT_EQ(code(header(0x0100, 1, 2) + question("a.test") + edns() + edns()), 1);
}

TEST_F(Dns, RefusesWhatIsNoQuestion) {
  EXPECT_EQ(ask(""), "");
  EXPECT_EQ(ask(std::string(11, 'x')), "");
  EXPECT_EQ(ask(header(0x8100) + question("a.test")), "");  // a response
  EXPECT_EQ(ask(query("a.test") + std::string(512, 'x')), "");
  EXPECT_EQ(code(header(0x2800) + question("a.test")), 4);  // an update
  EXPECT_EQ(code(header(0x0100, 0)), 1);
  EXPECT_EQ(code(header(0x0100, 2) + question("a.test") + question("a.test")), 1);
  EXPECT_EQ(code(header()), 1);
  EXPECT_EQ(code(query("a.test") + "x"), 1);
  EXPECT_EQ(code(header() + std::string("\xc0\x0c\0\1\0\1", 6)), 1);  // a pointer to itself
  EXPECT_EQ(code(header() + std::string("\x40", 1) + std::string(64, 'a')), 1);
  std::string long_name;
  for (int i = 0; i < 130; ++i) long_name += "a.";
  EXPECT_EQ(code(query(long_name)), 1);
  const std::string whole = query("a.test");
  for (std::size_t size = 12; size < whole.size(); ++size) {
    EXPECT_EQ(code(whole.substr(0, size)), 1) << size;
  }
}

TEST_F(Dns, FailsOnceThereIsNoRoomForMoreNames) {
  for (std::size_t i = 0; i < NameTable::kMostNames; ++i) {
    ASSERT_EQ(answers(query(std::to_string(i) + "n.below.test")), 1u);
  }
  EXPECT_EQ(code(query("one.more.below.test")), 2);
  EXPECT_EQ(answers(query("7n.below.test")), 1u);  // what it knows stays true
  EXPECT_EQ(names_.name_of(IpAddress::v4({198, 18, 1, 7}))->text(), "7n.below.test");
}

TEST(NameTable, KnowsNoNameOfAnAddressThatItNeverGave) {
  NameTable names;
  ASSERT_TRUE(names.address_of(HostName::parse("a.test").value()));
  for (const IpAddress& address :
       {IpAddress::v4({198, 18, 0, 0}), IpAddress::v4({198, 18, 0, 255}),
        IpAddress::v4({198, 18, 1, 1}), IpAddress::v4({198, 19, 255, 255}),
        IpAddress::v4({198, 20, 1, 0}), IpAddress::v4({127, 0, 0, 1})}) {
    EXPECT_EQ(names.name_of(address), nullptr) << address.text();
  }
}

}  // namespace
}  // namespace carrel::egress
