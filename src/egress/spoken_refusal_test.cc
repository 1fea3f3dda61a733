#include "egress/spoken_refusal.h"

#include <gtest/gtest.h>

namespace carrel::egress {
namespace {

using Kind = SpokenRefusal::Kind;

Destination at(std::uint16_t port) { return {policy::HostName::parse("a.test").value(), port}; }
Unreached denied() {
  return {Unreached::Kind::kDenied, {Verdict::kDenied, {}, "no rule allows it", "a.test:1"}, {}};
}
SpokenRefusal refusal(std::string_view first) {
  return refusal_for_client(first, at(5432), denied());
}

TEST(SpokenRefusal, GivesHttpItsReason) {
  for (const char* first : {"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n", "POST /", "PROPFIND /"}) {
    const SpokenRefusal said = refusal(first);
    EXPECT_EQ(said.kind, Kind::kWords);
    EXPECT_TRUE(said.words.starts_with("HTTP/1.1 403")) << first;
    EXPECT_NE(said.words.find("a.test:5432 is not reachable: no rule allows it"),
              std::string::npos);
  }
  const SpokenRefusal head = refusal("HEAD / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(head.words.find("not reachable"), std::string::npos);
  const Unreached failed{Unreached::Kind::kRefused, {}, "a.test: cannot connect"};
  EXPECT_TRUE(
      refusal_for_client("GET / HTTP/1.1\r\n", at(80), failed).words.starts_with("HTTP/1.1 502"));
}

TEST(SpokenRefusal, EndsTlsWithAnAlert) {
  const std::string begun("\x16\x03\x01\x02\x00\x01\x00\x01", 8);
  EXPECT_EQ(refusal(begun).words, std::string("\x15\x03\x03\x00\x02\x02\x31", 7));
}

TEST(SpokenRefusal, TellsPostgresAfterItHasAskedForTls) {
  const SpokenRefusal first = refusal(std::string("\0\0\0\x08\x04\xd2\x16\x2f", 8));
  EXPECT_EQ(first.kind, Kind::kReply);
  EXPECT_EQ(first.words, "N");
  const SpokenRefusal second = refusal(std::string("\0\0\0\x10\0\3\0\0user\0me\0", 16));
  EXPECT_EQ(second.kind, Kind::kWords);
  EXPECT_EQ(second.words[0], 'E');
  EXPECT_EQ(second.words.size(), 1u + static_cast<unsigned char>(second.words[4]) +
                                     256u * static_cast<unsigned char>(second.words[3]));
  EXPECT_NE(second.words.find("Ma.test:5432 is not reachable"), std::string::npos);
}

TEST(SpokenRefusal, SaysNothingToWhatItDoesNotKnow) {
  for (const char* first :
       {"", "*1\r\n$4\r\nPING\r\n", "get / http", "GET", "GETGETGETGETGETGET /", "\x05\x01"}) {
    EXPECT_EQ(refusal(first).kind, Kind::kNone) << first;
  }
}

TEST(SpokenRefusal, SpeaksFirstWhereTheServerDoes) {
  EXPECT_TRUE(refusal_before_client(at(22), denied())->starts_with("SSH-2.0-"));
  EXPECT_TRUE(refusal_before_client(at(21), denied())->starts_with("421 a.test:21 is not"));
  EXPECT_TRUE(refusal_before_client(at(587), denied())->ends_with(".\r\n"));
  EXPECT_FALSE(refusal_before_client(at(80), denied()));
}

}  // namespace
}  // namespace carrel::egress
