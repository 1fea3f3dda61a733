#include "egress/client_hello.h"

#include <gtest/gtest.h>

namespace carrel::egress {
namespace {

using Kind = ClientHello::Kind;

std::string sized(unsigned width, const std::string& bytes) {
  std::string out;
  for (unsigned i = width; i-- > 0;) out += static_cast<char>(bytes.size() >> (8 * i) & 0xFF);
  return out + bytes;
}
std::string extension(char type, const std::string& body) {
  return std::string(1, '\0') + type + sized(2, body);
}
std::string server_name(const std::string& name, char type = 0) {
  return std::string(1, type) + sized(2, name);
}
std::string names_extension(const std::string& list) { return extension(0, sized(2, list)); }

std::string message(const std::string& extensions) {
  const std::string body = std::string("\3\3") + std::string(32, 'r') + sized(1, "session") +
                           sized(2, "\x13\x01\x13\x02") + sized(1, std::string(1, '\0')) +
                           extensions;
  return "\1" + sized(3, body);
}
std::string record(const std::string& fragment) {
  return std::string("\x16\x03\x01") + sized(2, fragment);
}
std::string hello(const std::string& extensions) { return record(message(sized(2, extensions))); }
const std::string kOther = extension(0x2b, "\2\3\4");

TEST(ClientHello, FindsTheServerName) {
  const ClientHello found =
      read_client_hello(hello(kOther + names_extension(server_name("a.test")) + kOther));
  EXPECT_EQ(found.kind, Kind::kName);
  EXPECT_EQ(found.server_name, "a.test");
}

TEST(ClientHello, KnowsThatThereIsNone) {
  EXPECT_EQ(read_client_hello(hello(kOther)).kind, Kind::kNoName);
  EXPECT_EQ(read_client_hello(hello("")).kind, Kind::kNoName);
  EXPECT_EQ(read_client_hello(record(message(""))).kind, Kind::kNoName);
}

TEST(ClientHello, WantsMoreAtEveryCut) {
  const std::string whole = hello(kOther + names_extension(server_name("a.test")));
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    EXPECT_EQ(read_client_hello(whole.substr(0, cut)).kind, Kind::kIncomplete) << cut;
  }
  EXPECT_EQ(read_client_hello(whole + "more").kind, Kind::kName);
}

TEST(ClientHello, PutsRecordsTogether) {
  const std::string whole = message(sized(2, kOther + names_extension(server_name("a.test"))));
  for (std::size_t each : {1u, 3u, 7u, 50u}) {
    std::string records;
    for (std::size_t at = 0; at < whole.size(); at += each)
      records += record(whole.substr(at, each));
    EXPECT_EQ(read_client_hello(records).server_name, "a.test") << each;
  }
}

TEST(ClientHello, IsNotWhatOtherProtocolsSay) {
  for (const std::string_view bytes :
       {std::string_view("GET / HTTP/1.1"), std::string_view("SSH-2.0-x"),
        std::string_view("\0", 1), std::string_view("\x16\x02"), std::string_view("\x16\x03\x05"),
        std::string_view("\x15\x03\x01"), std::string_view("\x16\x03\x01\x00\x05\x02", 6),
        std::string_view("\x80\x2e\x01\x03\x01")}) {
    EXPECT_EQ(read_client_hello(bytes).kind, Kind::kNotTls) << bytes;
  }
}

TEST(ClientHello, RefusesWhatCouldNameTwoServers) {
  const std::string name = server_name("a.test");
  for (const std::string& extensions :
       {names_extension(name) + names_extension(server_name("b.test")),
        names_extension(name) + names_extension(name),
        names_extension(name + server_name("b.test")), names_extension(name + server_name("x", 1)),
        names_extension(server_name("a.test", 1)), names_extension(server_name("")),
        names_extension(""), extension(0, ""), extension(0, sized(2, name) + "x"), kOther + "x",
        std::string("\0\0\0\x09x", 5)}) {
    EXPECT_EQ(read_client_hello(hello(extensions)).kind, Kind::kMalformed);
  }
  EXPECT_EQ(read_client_hello(record(message(sized(2, kOther) + "x"))).kind, Kind::kMalformed);
  EXPECT_EQ(read_client_hello(record(message("x"))).kind, Kind::kMalformed);
  EXPECT_EQ(read_client_hello(record("\1" + sized(3, "short"))).kind, Kind::kMalformed);
}

TEST(ClientHello, RefusesWhatIsTooLong) {
  EXPECT_EQ(read_client_hello(record(std::string("\1\1\0\0", 4))).kind, Kind::kMalformed);
  EXPECT_EQ(read_client_hello(std::string("\x16\x03\x01\xff\xff\x01", 6)).kind, Kind::kMalformed);
  std::string tiny;
  while (tiny.size() <= kMaxClientHello) tiny += record(tiny.empty() ? "\1" : std::string(1, '\0'));
  EXPECT_NE(read_client_hello(tiny).kind, Kind::kIncomplete);
}

}  // namespace
}  // namespace carrel::egress
