// Tunnels: CONNECT and what goes through it.
#include "egress/relay.h"

#include <gtest/gtest.h>

#include <atomic>

#include "egress/live_world.h"

namespace carrel::egress {
namespace {

using live::NameServer;
using live::RunningEngine;
using live::Server;
using live::Stream;

class Relay : public testing::Test {
 protected:
  Relay() { names_.set("a.test", {"127.0.0.1"}); }

  [[nodiscard]] Config config() const {
    return live::config_for(names_, live::rules({"a.test", "127.0.0.1"}, {"denied.test"}));
  }
  static Stream tunnel(const RunningEngine& engine, const Server& server,
                       const std::string& host = "a.test") {
    Stream client = engine.http();
    const std::string at = host + ":" + std::to_string(server.port());
    client.send("CONNECT " + at + " HTTP/1.1\r\nHost: " + at + "\r\n\r\n");
    EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 200 Connection established\r\n\r\n");
    return client;
  }

  NameServer names_;
};

// A ClientHello with this server name, padded by an extension of `padding` bytes.
std::string client_hello(const std::string& name, std::size_t padding = 0) {
  const auto sized = [](unsigned width, const std::string& bytes) {
    std::string out;
    for (unsigned i = width; i-- > 0;) out += static_cast<char>(bytes.size() >> (8 * i) & 0xFF);
    return out + bytes;
  };
  std::string extensions;
  if (padding > 0) extensions += std::string("\0\x15", 2) + sized(2, std::string(padding, '\0'));
  if (!name.empty()) {
    extensions += std::string(2, '\0') + sized(2, sized(2, std::string(1, '\0') + sized(2, name)));
  }
  const std::string body = std::string("\3\3") + std::string(32, 'r') + sized(1, "") +
                           sized(2, "\x13\x01") + sized(1, std::string(1, '\0')) +
                           sized(2, extensions);
  return std::string("\x16\x03\x01") + sized(2, "\1" + sized(3, body));
}

TEST_F(Relay, PassesOnWhatCameTogetherWithTheRequest) {
  Server server([](Stream& client) { client.send("got " + client.read_exactly(5)); });
  RunningEngine engine(config());
  Stream client = engine.http();
  client.send("CONNECT a.test:" + std::to_string(server.port()) + " HTTP/1.0\r\n\r\nearly");
  EXPECT_TRUE(client.read_until("early").ends_with("\r\n\r\ngot early"));
}

TEST_F(Relay, LetsTheServerSpeakFirst) {
  Server server([](Stream& client) {
    client.send("220 hello\r\n");
    client.send(client.read_exactly(4));
  });
  RunningEngine engine(config());
  Stream client = tunnel(engine, server);
  EXPECT_EQ(client.read_until("\n"), "220 hello\r\n");
  client.send("QUIT");
  EXPECT_EQ(client.read_exactly(4), "QUIT");
}

TEST_F(Relay, LosesNothingWhenTheClientEndsFirst) {
  const std::string body(3'000'000, 'x');
  Server server([&](Stream& client) {
    const std::string got = client.read_all();
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    client.send(std::to_string(got.size()) + got);
  });
  RunningEngine engine(config());
  Stream client = tunnel(engine, server);
  client.send(body);
  client.shutdown_send();
  EXPECT_TRUE(client.read_all() == "3000000" + body);
  EXPECT_TRUE(client.ended());
}

TEST_F(Relay, LosesNothingWhenTheServerEndsFirst) {
  std::string got;
  Server server([&](Stream& client) {
    client.send("bye");
    client.shutdown_send();
    got = client.read_all();
  });
  {
    RunningEngine engine(config());
    Stream client = tunnel(engine, server);
    EXPECT_EQ(client.read_all(), "bye");
    EXPECT_TRUE(client.ended());
    client.send("still here");
    client.shutdown_send();
    EXPECT_EQ(engine.audit(1).size(), 1u);
  }
  server.finish();
  EXPECT_EQ(got, "still here");
}

TEST_F(Relay, DeliversWhatWasSaidBeforeAReset) {
  Server server([](Stream& client) {
    client.send("last words");
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    client.reset();
  });
  RunningEngine engine(config());
  Stream client = tunnel(engine, server);
  EXPECT_EQ(client.read_all(), "last words");
}

TEST_F(Relay, EndsTheServerSideWhenTheClientIsReset) {
  std::atomic<bool> over = false;
  Server server([&](Stream& client) {
    client.read_all();
    over = true;
  });
  RunningEngine engine(config());
  Stream client = tunnel(engine, server);
  client.send("x");
  client.reset();
  EXPECT_EQ(engine.audit(1).size(), 1u);
  for (int i = 0; i < 200 && !over; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_TRUE(over);
}

TEST_F(Relay, EndsATunnelThatIsIdle) {
  Server server([](Stream& client) { client.read_all(); });
  Config quick = config();
  quick.timeouts.tunnel = std::chrono::seconds(1);
  RunningEngine engine(std::move(quick));
  Stream client = tunnel(engine, server);
  EXPECT_EQ(client.read_all(), "");
  EXPECT_TRUE(client.ended());
  EXPECT_NE(engine.audit(1)[0].find("idle for too long"), std::string::npos);
}

TEST_F(Relay, WritesOpenTunnelsIntoTheAuditAtTheEnd) {
  Server server([](Stream& client) { client.read_all(); });
  RunningEngine engine(config());
  Stream client = tunnel(engine, server);
  client.send("hello");
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(engine.end(), 0);
  const auto lines = engine.audit(1);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("\"bytes_out\":5"), std::string::npos) << lines[0];
}

TEST_F(Relay, PassesATlsGreetingForTheTunnelsName) {
  Server server([](Stream& client) { client.send(client.read_exactly(5)); });
  RunningEngine engine(config());
  for (const char* name : {"a.test", "A.TEST", ""}) {
    Stream client = tunnel(engine, server);
    client.send(client_hello(name));
    EXPECT_EQ(client.read_exactly(5).substr(0, 3), "\x16\x03\x01") << name;
  }
}

// A fatal TLS alert: a client that asks for b.test is told what is wrong.
const std::string kUnrecognizedName("\x15\x03\x03\x00\x02\x02\x70", 7);

TEST_F(Relay, EndsATunnelWhoseTlsAsksForAnotherName) {
  std::string got;
  Server server([&](Stream& client) { got += client.read_all(); });
  RunningEngine engine(config());
  for (const char* name : {"b.test", "x.a.test", "a.test.b.test", "a.test\n", "127.0.0.1"}) {
    Stream client = tunnel(engine, server);
    client.send(client_hello(name));
    const std::string told = client.read_all();
    EXPECT_EQ(got, "") << name;
    if (std::string_view(name).ends_with(".test")) EXPECT_EQ(told, kUnrecognizedName) << name;
  }
  Stream client = tunnel(engine, server, "127.0.0.1");
  client.send(client_hello("denied.test"));
  client.read_all();
  const auto lines = engine.audit(6);
  ASSERT_EQ(lines.size(), 6u);
  for (const std::string& line : lines) {
    EXPECT_NE(line.find("\"verdict\":\"denied\""), std::string::npos) << line;
    EXPECT_NE(line.find("\"bytes_out\":0"), std::string::npos) << line;
  }
}

TEST_F(Relay, JudgesAGreetingThatComesInPieces) {
  std::string got;
  Server server([&](Stream& client) {
    got = client.read_exactly(4000);
    client.send("ok");
  });
  RunningEngine engine(config());
  for (const char* name : {"b.test", "a.test"}) {
    Stream client = tunnel(engine, server);
    const std::string hello = client_hello(name, 5000);
    for (std::size_t at = 0; at < hello.size(); at += 500) {
      if (!client.send(hello.substr(at, 500))) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    EXPECT_EQ(client.read_exactly(2),
              std::string(name) == "a.test" ? "ok" : kUnrecognizedName.substr(0, 2));
  }
  EXPECT_EQ(got, client_hello("a.test", 5000).substr(0, 4000));
}

TEST_F(Relay, LetsNoGreetingPassThatIsNotFinished) {
  std::string got;
  Server server([&](Stream& client) { got += client.read_all(); });
  Config quick = config();
  quick.timeouts.greeting = std::chrono::seconds(1);
  RunningEngine engine(std::move(quick));
  Stream client = tunnel(engine, server);
  const std::string hello = client_hello("b.test");
  client.send(hello.substr(0, 20));
  EXPECT_EQ(client.read_all(), "");
  EXPECT_NE(engine.audit(1)[0].find("not finished in time"), std::string::npos);
  EXPECT_EQ(got, "");
}

TEST_F(Relay, GoesThroughTheUpstreamProxyOfTheMachine) {
  std::string asked;
  Server proxy([&](Stream& client) {
    asked = client.read_until("\r\n\r\n");
    client.send("HTTP/1.1 200 fine\r\n\r\n220 hello\r\n");
    client.send(client.read_exactly(4));
  });
  Config through = live::config_for(names_, live::rules({"only.upstream.test"}));
  const std::string url = "http://us%65r:p%40ss@127.0.0.1:" + std::to_string(proxy.port());
  through.proxies =
      UpstreamProxies::from_environment([&](std::string_view name) -> std::optional<std::string> {
        if (name == "https_proxy") return url;
        return std::nullopt;
      }).value();
  RunningEngine engine(std::move(through));
  Stream client = engine.http();
  client.send("CONNECT only.upstream.test:443 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(client.read_until("hello\r\n").starts_with("HTTP/1.1 200"));
  client.send("ping");
  EXPECT_EQ(client.read_exactly(4), "ping");
  EXPECT_TRUE(asked.starts_with("CONNECT only.upstream.test:443 HTTP/1.1\r\n")) << asked;
  EXPECT_NE(asked.find("Proxy-Authorization: Basic dXNlcjpwQHNz\r\n"), std::string::npos) << asked;
  Stream refused = engine.http();
  refused.send("CONNECT other.upstream.test:443 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(refused.read_all().starts_with("HTTP/1.1 403"));
}

TEST_F(Relay, SaysWhatTheUpstreamProxySaid) {
  Server proxy([&](Stream& client) {
    client.read_until("\r\n\r\n");
    client.send("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
  });
  Config through = config();
  through.policy = live::rules({"only.upstream.test"});
  const std::string url = "127.0.0.1:" + std::to_string(proxy.port());
  through.proxies =
      UpstreamProxies::from_environment([&](std::string_view name) -> std::optional<std::string> {
        return name == "ALL_PROXY" ? std::optional(url) : std::nullopt;
      }).value();
  RunningEngine engine(std::move(through));
  Stream client = engine.http();
  client.send("CONNECT only.upstream.test:443 HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string answer = client.read_all();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 502")) << answer;
  EXPECT_NE(answer.find("answered 407 Proxy Authentication Required"), std::string::npos) << answer;
}

TEST_F(Relay, SendsPlainRequestsToTheUpstreamProxyInAbsoluteForm) {
  std::string asked;
  Server proxy([&](Stream& client) {
    asked = client.read_until("\r\n\r\n");
    client.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  });
  Config through = live::config_for(names_, live::rules({"only.upstream.test"}));
  const std::string url = "http://u:p@127.0.0.1:" + std::to_string(proxy.port());
  through.proxies =
      UpstreamProxies::from_environment([&](std::string_view name) -> std::optional<std::string> {
        return name == "http_proxy" ? std::optional(url) : std::nullopt;
      }).value();
  RunningEngine engine(std::move(through));
  Stream client = engine.http();
  client.send("GET http://only.upstream.test/x?y HTTP/1.1\r\nHost: z\r\n\r\n");
  EXPECT_TRUE(client.read_until("ok").starts_with("HTTP/1.1 200"));
  EXPECT_EQ(asked,
            "GET http://only.upstream.test/x?y HTTP/1.1\r\nHost: only.upstream.test\r\n"
            "Proxy-Authorization: Basic dTpw\r\n\r\n");
}

}  // namespace
}  // namespace carrel::egress
