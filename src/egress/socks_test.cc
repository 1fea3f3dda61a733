// The SOCKS listener, over real sockets.
#include "egress/socks.h"

#include <gtest/gtest.h>

#include "egress/live_world.h"

namespace carrel::egress {
namespace {

using live::NameServer;
using live::RunningEngine;
using live::Server;
using live::Stream;

std::string be16(unsigned value) {
  return {static_cast<char>(value >> 8 & 0xFF), static_cast<char>(value & 0xFF)};
}

class Socks : public testing::Test {
 protected:
  Socks() { names_.set("a.test", {"127.0.0.1"}); }

  [[nodiscard]] Config config() const {
    return live::config_for(names_, live::rules({"a.test", "none.test", "127.0.0.1"}));
  }
  static std::string request(const std::string& name, unsigned port, char command = 1) {
    return std::string("\5") + command + std::string("\0\3", 2) + static_cast<char>(name.size()) +
           name + be16(port);
  }
  // The reply's number; -1 if there was none.
  static int ask(const RunningEngine& engine, const std::string& bytes) {
    Stream client = engine.socks();
    client.send(std::string("\5\1\0", 3) + bytes);
    if (client.read_exactly(2) != std::string("\5\0", 2)) return -1;
    const std::string reply = client.read_exactly(10);
    return reply.size() == 10 ? reply[1] : -1;
  }

  NameServer names_;
};

TEST_F(Socks, ConnectsByNameAndByAddress) {
  Server server([](Stream& client) { client.send(client.read_exactly(4)); });
  RunningEngine engine(config());
  for (const std::string& bytes : {request("a.test", server.port()),
                                   std::string("\5\1\0\1\x7f\0\0\1", 8) + be16(server.port()),
                                   request("127.1", server.port())}) {
    Stream client = engine.socks();
    client.send(std::string("\5\1\0", 3) + bytes + "ping");  // all at once
    EXPECT_EQ(client.read_exactly(2), std::string("\5\0", 2));
    EXPECT_EQ(client.read_exactly(10), std::string("\5\0\0\1\0\0\0\0\0\0", 10));
    EXPECT_EQ(client.read_exactly(4), "ping");
  }
  Stream old = engine.socks();
  old.send("\4\1" + be16(server.port()) + std::string("\0\0\0\1me\0a.test\0ping", 18));
  EXPECT_EQ(old.read_exactly(8), std::string("\0\x5a\0\0\0\0\0\0", 8));
  EXPECT_EQ(old.read_exactly(4), "ping");
}

TEST_F(Socks, SaysNoWithTheRightNumber) {
  RunningEngine engine(config());
  EXPECT_EQ(ask(engine, request("b.test", 443)), 2);
  EXPECT_EQ(ask(engine, request("none.test", 443)), 4);
  const std::uint16_t nobody = live::listen_on_loopback(SOCK_STREAM).port;
  EXPECT_EQ(ask(engine, request("a.test", nobody)), 5);
  EXPECT_EQ(ask(engine, request("a.test", 443, 2)), 7);
  EXPECT_EQ(ask(engine, request("a.test", 443, 3)), 7);
  EXPECT_EQ(ask(engine, std::string("\5\1\0\7\1", 5)), 8);
  EXPECT_EQ(ask(engine, request("", 443)), 2);
  EXPECT_EQ(ask(engine, request(std::string("evil.test\0a.test", 16), 443)), 2);
  EXPECT_EQ(ask(engine, request("a.test\r\nX:", 443)), 2);
  EXPECT_EQ(ask(engine, request("a test", 443)), 2);
  EXPECT_EQ(ask(engine, request("a.test", 0)), 2);
  const auto lines = engine.audit(11);
  EXPECT_EQ(lines.size(), 11u);
  EXPECT_NE(lines[7].find(R"("host":"evil.test\\x00a.test")"), std::string::npos) << lines[7];
}

TEST_F(Socks, HangsUpOnWhatIsNoSocks) {
  RunningEngine engine(config());
  for (const char* text : {"GET / HTTP/1.1\r\n\r\n", "\6\1", "\5\1\2"}) {
    Stream client = engine.socks();
    client.send(text);
    const std::string answer = client.read_all();
    EXPECT_TRUE(answer.empty() || answer == "\5\xff") << text;
  }
}

TEST_F(Socks, TellsAnSshClientWhy) {
  RunningEngine engine(config());
  Stream client = engine.socks();
  client.send(std::string("\5\1\0", 3) + request("b.test", 22));
  client.read_exactly(2);
  EXPECT_EQ(client.read_exactly(10)[1], '\0');
  const std::string said = client.read_all();
  EXPECT_TRUE(said.starts_with("SSH-2.0-carrel\r\n")) << said;
  EXPECT_NE(said.find("b.test:22 is not reachable"), std::string::npos) << said;
  EXPECT_EQ((said.size() - 16) % 8, 0u);
  EXPECT_EQ(engine.audit(1).size(), 1u);
}

}  // namespace
}  // namespace carrel::egress
