// The HTTP listener, over real sockets.
#include "egress/http_proxy.h"

#include <gtest/gtest.h>

#include "egress/live_world.h"

namespace carrel::egress {
namespace {

using live::NameServer;
using live::RunningEngine;
using live::Server;
using live::Stream;

constexpr char kOk[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

// Answers every request of every client with kOk and keeps what it was sent.
class Origin {
 public:
  Origin()
      : server_([this](Stream& client) {
          for (;;) {
            const std::string head = client.read_until("\r\n\r\n");
            if (head.empty()) return;
            {
              const std::lock_guard lock(mutex_);
              seen_ += head;
            }
            client.send(kOk);
          }
        }) {}
  [[nodiscard]] std::string seen() {
    const std::lock_guard lock(mutex_);
    return seen_;
  }
  [[nodiscard]] std::string at(const std::string& name) const {
    return name + ":" + std::to_string(server_.port());
  }
  [[nodiscard]] int accepted() const { return server_.accepted(); }

 private:
  std::mutex mutex_;
  std::string seen_;
  Server server_;
};

class HttpProxy : public testing::Test {
 protected:
  HttpProxy() {
    names_.set("a.test", {"127.0.0.1"});
    names_.set("b.test", {"127.0.0.1"});
    names_.set("private.test", {"10.0.0.1"});
    names_.set("meta.test", {"169.254.169.254"});
    names_.set("own6.test", {"::1"});
    names_.set("mapped.test", {"::ffff:127.0.0.1"});
  }
  static policy::NetworkPolicy usual() {
    return live::rules({"a.test", "private.test", "meta.test", "own6.test", "mapped.test",
                        "none.test", "silent.test", "127.0.0.1"});
  }
  // One exchange that asks for the connection to be closed.
  static std::string ask(RunningEngine& engine, const std::string& request) {
    Stream client = engine.http();
    client.send(request);
    client.shutdown_send();
    return client.read_all();
  }
  static std::string get(RunningEngine& engine, const std::string& url) {
    return ask(engine, "GET " + url + " HTTP/1.1\r\nHost: x.test\r\nConnection: close\r\n\r\n");
  }

  NameServer names_;
};

TEST_F(HttpProxy, PassesARequestOnInOriginForm) {
  Origin origin;
  RunningEngine engine(config_for(names_, usual()));
  const std::string answer =
      ask(engine, "GET http://A.test.:" + origin.at("").substr(1) +
                      "/p?q=1 HTTP/1.1\r\nHost: other.test\r\n"
                      "Proxy-Connection: keep-alive\r\nProxy-Authorization: s\r\n"
                      "X-Kept: 1\r\nX-Hop: 2\r\nTE: trailers\r\n"
                      "Connection: close, X-Hop\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\nok")) << answer;
  EXPECT_EQ(origin.seen(),
            "GET /p?q=1 HTTP/1.1\r\nHost: " + origin.at("a.test") + "\r\nX-Kept: 1\r\n\r\n");
  const auto lines = engine.audit(1);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("\"host\":\"a.test\""), std::string::npos) << lines[0];
  EXPECT_NE(lines[0].find("\"path\":\"/p\""), std::string::npos) << lines[0];
  EXPECT_NE(lines[0].find("\"rule\":\"a.test\""), std::string::npos) << lines[0];
}

TEST_F(HttpProxy, KeepsBothConnectionsOpen) {
  Origin origin;
  RunningEngine engine(config_for(names_, usual()));
  Stream client = engine.http();
  for (int i = 0; i < 5; ++i) {
    client.send("GET http://" + origin.at("a.test") + "/ HTTP/1.1\r\nHost: a.test\r\n\r\n");
    EXPECT_NE(client.read_until("ok").find("200 OK"), std::string::npos);
  }
  EXPECT_EQ(origin.accepted(), 1);
  EXPECT_EQ(engine.audit(5).size(), 5u);
}

TEST_F(HttpProxy, ServesPipelinedRequests) {
  Origin origin;
  RunningEngine engine(config_for(names_, usual()));
  Stream client = engine.http();
  std::string three;
  for (int i = 0; i < 3; ++i) {
    three += "GET http://" + origin.at("a.test") + "/ HTTP/1.1\r\nHost: a.test\r\n\r\n";
  }
  client.send(three);
  for (int i = 0; i < 3; ++i) {
    EXPECT_NE(client.read_until("ok").find("200 OK"), std::string::npos);
  }
}

TEST_F(HttpProxy, RefusesWhatIsNotAllowedAndSaysHowToAllowIt) {
  RunningEngine engine(config_for(names_, usual()));
  const std::string answer = get(engine, "http://b.test/");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 403 Forbidden\r\n")) << answer;
  EXPECT_NE(answer.find("\r\nX-Proxy-Error: blocked-by-allowlist\r\n"), std::string::npos);
  EXPECT_NE(answer.find("--allow b.test:80"), std::string::npos) << answer;
  const std::string tunnel = ask(engine, "CONNECT b.test:443 HTTP/1.1\r\nHost: b.test:443\r\n\r\n");
  EXPECT_TRUE(tunnel.starts_with("HTTP/1.1 403 Forbidden\r\n")) << tunnel;
  EXPECT_NE(tunnel.find("blocked-by-allowlist"), std::string::npos);
}

TEST_F(HttpProxy, GoesOnAfterARefusal) {
  Origin origin;
  RunningEngine engine(config_for(names_, usual()));
  Stream client = engine.http();
  client.send("GET http://b.test/ HTTP/1.1\r\nHost: b.test\r\n\r\n");
  EXPECT_NE(client.read_until("policy.\n").find("403"), std::string::npos);
  client.send("GET http://" + origin.at("a.test") + "/ HTTP/1.1\r\nHost: a.test\r\n\r\n");
  EXPECT_NE(client.read_until("ok").find("200 OK"), std::string::npos);
}

TEST_F(HttpProxy, NamesDoNotLeadToSpecialAddresses) {
  RunningEngine engine(config_for(names_, live::rules({"private.test", "meta.test", "own6.test",
                                                       "mapped.test", "a.test", "localhost"})));
  for (const char* name :
       {"private.test", "meta.test", "own6.test", "mapped.test", "a.test", "localhost"}) {
    const std::string answer = get(engine, std::string("http://") + name + "/");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 403 Forbidden\r\n")) << name << answer;
    EXPECT_NE(answer.find("it leads to"), std::string::npos) << answer;
  }
}

TEST_F(HttpProxy, SpellingsOfAnAddressAreTheAddress) {
  Origin origin;
  RunningEngine engine(config_for(names_, live::rules({"127.0.0.1"})));
  RunningEngine closed(config_for(names_, live::rules({"a.test"})));
  for (const char* host :
       {"127.1", "0x7f000001", "0177.0.0.1", "2130706433", "127.0.0.1.", "[::ffff:127.0.0.1]"}) {
    EXPECT_TRUE(get(engine, "http://" + origin.at(host) + "/").starts_with("HTTP/1.1 200")) << host;
    EXPECT_TRUE(get(closed, "http://" + origin.at(host) + "/").starts_with("HTTP/1.1 403")) << host;
  }
  EXPECT_TRUE(get(engine, "http://[::1%25lo]/").starts_with("HTTP/1.1 400"));
}

TEST_F(HttpProxy, TellsFailuresOfTheOtherSideApart) {
  RunningEngine engine(config_for(names_, usual()));
  EXPECT_NE(get(engine, "http://none.test/").find("X-Proxy-Error: no-such-host"),
            std::string::npos);
  const std::uint16_t nobody = live::listen_on_loopback(SOCK_STREAM).port;
  const std::string refused = get(engine, "http://a.test:" + std::to_string(nobody) + "/");
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 502")) << refused;
  EXPECT_NE(refused.find("X-Proxy-Error: connection-refused"), std::string::npos) << refused;
}

TEST_F(HttpProxy, SaysThatNoNameServerAnswers) {
  names_.set_silent("silent.test");
  Config config = config_for(names_, usual());
  config.timeouts.lookup = std::chrono::milliseconds(300);
  RunningEngine engine(std::move(config));
  const std::string answer = get(engine, "http://silent.test/");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 504")) << answer;
}

TEST_F(HttpProxy, GivesUpOnASilentServer) {
  Server server([](Stream& client) { client.read_all(); });
  Config config = config_for(names_, usual());
  config.timeouts.exchange = std::chrono::seconds(1);
  RunningEngine engine(std::move(config));
  const std::string answer = get(engine, "http://a.test:" + std::to_string(server.port()) + "/");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 504")) << answer;
}

// Whatever could mean two things to two readers.
TEST_F(HttpProxy, RefusesAmbiguousRequestsAndForwardsNothing) {
  Origin origin;
  RunningEngine engine(config_for(names_, usual()));
  const std::string url = "http://" + origin.at("a.test") + "/";
  const std::string post = "POST " + url + " HTTP/1.1\r\nHost: a.test\r\n";
  const std::string get = "GET " + url + " HTTP/1.1\r\nHost: a.test\r\n";
  const std::string rows[] = {
      post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      post + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
      post + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
      post + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
      post + "Content-Length: 5, 5\r\n\r\nhello",
      post + "Content-Length: +5\r\n\r\nhello",
      post + "Content-Length: 0x5\r\n\r\nhello",
      post + "Content-Length: -1\r\n\r\n",
      post + "Content-Length: 99999999999999999999\r\n\r\n",
      post + "Content-Length:\r\n\r\n",
      post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
      post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
      post + "Transfer-Encoding: identity\r\n\r\n",
      post + "Transfer-Encoding:\x0b chunked\r\n\r\n0\r\n\r\n",
      "POST " + url + " HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      get + "X: a\n\r\n\r\n",
      get + "X: a\nY: b\r\n\r\n",
      "GET " + url + " HTTP/1.1\nHost: a.test\n\n",
      get + "X: a\rY: b\r\n\r\n",
      get + "X: a\r\n folded\r\n\r\n",
      get + "X: a\r\n\tfolded\r\n\r\n",
      get + "X : a\r\n\r\n",
      get + " X: a\r\n\r\n",
      get + ": a\r\n\r\n",
      get + "no colon\r\n\r\n",
      get + std::string("X: a\0b\r\n\r\n", 10),
      get + "X: a\x01\r\n\r\n",
      get + "Host: b.test\r\n\r\n",
      "GET " + url + " HTTP/1.1\r\n\r\n",
      "GET " + url + " HTTP/1.1\r\nHost: a b\r\n\r\n",
      "GET " + url + " HTTP/1.1\r\nHost: a@b.test\r\n\r\n",
      "GET " + url + " HTTP/2.0\r\nHost: a.test\r\n\r\n",
      "GET " + url + " HTTP/1.2\r\nHost: a.test\r\n\r\n",
      "GET " + url + "\r\n\r\n",
      "GET  " + url + " HTTP/1.1\r\nHost: a.test\r\n\r\n",
      "GET " + url + "a b HTTP/1.1\r\nHost: a.test\r\n\r\n",
      "GET http://u:p@" + origin.at("a.test") + "/ HTTP/1.1\r\nHost: a.test\r\n\r\n",
      "GET http://b.test\\@" + origin.at("a.test") + "/ HTTP/1.1\r\nHost: a.test\r\n\r\n",
      "GET " + url + "#f HTTP/1.1\r\nHost: a.test\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n",
      "OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n",
      "GET https://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n",
      "GET ftp://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n",
      "GET http:/a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n",
      "GET http:///x HTTP/1.1\r\nHost: a.test\r\n\r\n",
      "CONNECT a.test HTTP/1.1\r\nHost: a.test\r\n\r\n",
      "CONNECT a.test:0 HTTP/1.1\r\nHost: a.test\r\n\r\n",
      "CONNECT http://a.test:1/ HTTP/1.1\r\nHost: a.test\r\n\r\n",
      "CONNECT " + origin.at("a.test") +
          " HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\nabc",
      "CONNECT " + origin.at("a.test") +
          " HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "\r\n\r\n" + get + "\r\n",
      std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n", 12),
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  };
  for (const std::string& row : rows) {
    const std::string answer = ask(engine, row);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 400") || answer.starts_with("HTTP/1.1 505"))
        << row << "\n=> " << answer;
    EXPECT_EQ(answer.find("HTTP/1.1", 1), std::string::npos) << row;  // and nothing after it
  }
  EXPECT_EQ(origin.seen(), "");
  EXPECT_EQ(engine.audit(std::size(rows)).size(), std::size(rows));
}

TEST_F(HttpProxy, RefusesALongHead) {
  Origin origin;
  RunningEngine engine(config_for(names_, usual()));
  const std::string url = "http://" + origin.at("a.test") + "/";
  const std::string answer =
      ask(engine, "GET " + url + " HTTP/1.1\r\nHost: a.test\r\nX: " + std::string(20'000, 'x') +
                      "\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 431")) << answer;
  const std::string line = ask(engine, "GET " + url + std::string(20'000, 'x') + " HTTP/1.1\r\n");
  EXPECT_TRUE(line.starts_with("HTTP/1.1 431")) << line;
  EXPECT_EQ(origin.seen(), "");
}

TEST_F(HttpProxy, ReadsAHeadThatComesByteByByte) {
  Origin origin;
  RunningEngine engine(config_for(names_, usual()));
  Stream client = engine.http();
  const std::string request =
      "\r\nGET http://" + origin.at("a.test") + "/ HTTP/1.1\r\nHost: a.test\r\n\r\n";
  for (const char c : request) {
    client.send({&c, 1});
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  EXPECT_NE(client.read_until("ok").find("200 OK"), std::string::npos);
}

TEST_F(HttpProxy, GivesUpOnAClientThatDawdles) {
  Config config = config_for(names_, usual());
  config.timeouts.greeting = std::chrono::seconds(1);
  RunningEngine engine(std::move(config));
  Stream client = engine.http();
  client.send("GET http://a.te");
  EXPECT_TRUE(client.read_all().starts_with("HTTP/1.1 408"));
  EXPECT_TRUE(client.ended());
  Stream silent = engine.http();
  EXPECT_EQ(silent.read_all(), "");
  EXPECT_TRUE(silent.ended());
}

}  // namespace
}  // namespace carrel::egress
