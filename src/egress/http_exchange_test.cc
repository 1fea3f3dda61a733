// Requests and responses with bodies, through the HTTP listener.
#include "egress/http_exchange.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>

#include "egress/live_world.h"

namespace carrel::egress {
namespace {

using live::NameServer;
using live::RunningEngine;
using live::Server;
using live::Stream;

std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>('a' + i * 7 % 26);
  return bytes;
}

std::string chunked(std::string_view body, std::size_t each) {
  std::string text;
  char size[32];
  for (std::size_t at = 0; at < body.size(); at += each) {
    const std::string_view part = body.substr(at, each);
    std::snprintf(size, sizeof size, "%zx\r\n", part.size());
    text += size + std::string(part) + "\r\n";
  }
  return text;
}

// The body of a chunked message, without its trailers; "?" if it is none.
std::string unchunked(Stream& stream, std::string* trailers = nullptr) {
  std::string body;
  for (;;) {
    const std::string line = stream.read_until("\r\n");
    const std::size_t size = std::strtoul(line.c_str(), nullptr, 16);
    if (line.empty()) return "?";
    if (size == 0) break;
    body += stream.read_exactly(size);
    if (stream.read_exactly(2) != "\r\n") return "?";
  }
  for (std::string line; (line = stream.read_until("\r\n")) != "\r\n" && !line.empty();) {
    if (trailers != nullptr) *trailers += line;
  }
  return body;
}

class HttpExchange : public testing::Test {
 protected:
  HttpExchange() { names_.set("a.test", {"127.0.0.1"}); }

  [[nodiscard]] Config config() const {
    return live::config_for(names_, live::rules({"a.test", "127.0.0.1"}));
  }
  static std::string request(const Server& server, const std::string& method,
                             const std::string& fields, const std::string& version = "1.1") {
    return method + " http://a.test:" + std::to_string(server.port()) + "/ HTTP/" + version +
           "\r\nHost: a.test\r\n" + fields + "\r\n";
  }

  NameServer names_;
};

TEST_F(HttpExchange, StreamsALongBodyBothWays) {
  const std::string body = pattern(8 << 20);
  Server server([&](Stream& client) {
    client.read_until("\r\n\r\n");
    const std::string got = client.read_exactly(body.size());
    client.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(got.size()) + "\r\n\r\n" +
                got);
    client.read_all();
  });
  // With bytes held for a side that does not take them at once, and with none.
  for (const std::size_t held : {std::size_t{16} << 20, std::size_t{100'000}, std::size_t{0}}) {
    Config made = config();
    made.max_held = held;
    RunningEngine engine(std::move(made));
    Stream client = engine.http();
    client.send(request(server, "POST", "Content-Length: " + std::to_string(body.size()) + "\r\n") +
                body);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));  // the answer has to wait
    client.read_until("\r\n\r\n");
    EXPECT_TRUE(client.read_exactly(body.size()) == body) << held;
  }
}

TEST_F(HttpExchange, WritesChunksOfItsOwnBothWays) {
  const std::string body = pattern(300'000);
  std::string seen;
  Server server([&](Stream& client) {
    client.read_until("\r\n\r\n");
    seen = unchunked(client);
    client.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    client.send(chunked(seen, 999) + "0;ext=1\r\nX-Sum: 7\r\nSet-Cookie: a=b\r\n\r\n");
    client.read_all();
  });
  RunningEngine engine(config());
  Stream client = engine.http();
  client.send(request(server, "POST", "Transfer-Encoding: Chunked\r\n") + chunked(body, 12'345) +
              "0\r\n\r\n");
  const std::string head = client.read_until("\r\n\r\n");
  EXPECT_NE(head.find("Transfer-Encoding: chunked"), std::string::npos) << head;
  std::string trailers;
  EXPECT_TRUE(unchunked(client, &trailers) == body);
  EXPECT_TRUE(seen == body);
  EXPECT_EQ(trailers, "X-Sum: 7\r\n");
}

TEST_F(HttpExchange, EndsARequestWhoseChunksAreMalformed) {
  for (const char* bad :
       {"zz\r\n", "5\nhello\r\n0\r\n\r\n", "5\r\nhelloX0\r\n\r\n", "-1\r\n",
        "ffffffffffffffffff\r\n", " 5\r\nhello\r\n", "5 \r\nhello\r\n0\r\n\r\n"}) {
    std::string after_head;
    {
      Server server([&](Stream& client) {
        client.read_until("\r\n\r\n");
        after_head = client.read_all();
      });
      RunningEngine engine(config());
      Stream client = engine.http();
      client.send(request(server, "POST", "Transfer-Encoding: chunked\r\n") + bad);
      const std::string answer = client.read_all();
      EXPECT_EQ(answer.find("200"), std::string::npos) << bad;
    }
    EXPECT_EQ(after_head.find("0\r\n\r\n"), std::string::npos) << bad;  // never looks whole
  }
}

TEST_F(HttpExchange, PassesContinueOn) {
  Server server([](Stream& client) {
    client.read_until("\r\n\r\n");
    client.send("HTTP/1.1 100 Continue\r\n\r\n");
    client.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + client.read_exactly(5));
    client.read_all();
  });
  RunningEngine engine(config());
  Stream client = engine.http();
  client.send(request(server, "POST", "Expect: 100-continue\r\nContent-Length: 5\r\n"));
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("hello");
  EXPECT_TRUE(client.read_until("hello").starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_F(HttpExchange, DoesNotWaitForABodyThatWasNotAskedFor) {
  Server server([](Stream& client) {
    client.read_until("\r\n\r\n");
    client.send("HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n");
    client.read_all();
  });
  RunningEngine engine(config());
  Stream client = engine.http();
  client.send(request(server, "POST", "Expect: 100-continue\r\nContent-Length: 5\r\n"));
  const std::string answer = client.read_all();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 401 No\r\n")) << answer;
  EXPECT_NE(answer.find("Connection: close"), std::string::npos) << answer;
  EXPECT_TRUE(client.ended());
}

TEST_F(HttpExchange, DeliversAnAnswerThatComesBeforeTheRequestEnds) {
  const std::string answer = pattern(1 << 20);
  Server server([&](Stream& client) {
    client.read_until("\r\n\r\n");
    client.send("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: " +
                std::to_string(answer.size()) + "\r\n\r\n" + answer);
    client.shutdown_send();
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    client.close();  // with bytes unread: RST
  });
  RunningEngine engine(config());
  Stream client = engine.http();
  std::thread sender([&] {
    client.send(request(server, "PUT", "Content-Length: 50000000\r\n"));
    const std::string part(100'000, 'x');
    for (int i = 0; i < 500 && client.send(part); ++i) {
    }
  });
  EXPECT_TRUE(client.read_until("\r\n\r\n").starts_with("HTTP/1.1 413"));
  EXPECT_TRUE(client.read_exactly(answer.size()) == answer);
  sender.join();
}

TEST_F(HttpExchange, ServesAReaderOfHttp10) {
  Server server([](Stream& client) {
    while (!client.read_until("\r\n\r\n").empty()) {
      client.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    }
  });
  RunningEngine engine(config());
  Stream client = engine.http();
  client.send(request(server, "GET", "", "1.0"));
  const std::string answer = client.read_all();
  EXPECT_TRUE(answer.ends_with("\r\n\r\nabc")) << answer;
  EXPECT_EQ(answer.find("chunked"), std::string::npos) << answer;
  EXPECT_TRUE(client.ended());
}

TEST_F(HttpExchange, TakesHeadAnd204And304ToHaveNoBody) {
  Server server([](Stream& client) {
    for (std::string head; !(head = client.read_until("\r\n\r\n")).empty();) {
      if (head.starts_with("HEAD")) client.send("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n");
      if (head.starts_with("DELETE")) client.send("HTTP/1.1 204 No Content\r\n\r\n");
      if (head.starts_with("GET")) {
        client.send("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n");
      }
    }
  });
  RunningEngine engine(config());
  Stream client = engine.http();
  client.send(request(server, "HEAD", ""));
  EXPECT_NE(client.read_until("\r\n\r\n").find("Content-Length: 99"), std::string::npos);
  client.send(request(server, "DELETE", ""));
  EXPECT_TRUE(client.read_until("\r\n\r\n").starts_with("HTTP/1.1 204"));
  client.send(request(server, "GET", ""));
  EXPECT_TRUE(client.read_until("\r\n\r\n").starts_with("HTTP/1.1 304"));
  client.send(request(server, "HEAD", ""));
  EXPECT_TRUE(client.read_until("\r\n\r\n").starts_with("HTTP/1.1 200"));
  EXPECT_EQ(server.accepted(), 1);
}

TEST_F(HttpExchange, TakesTheEndOfTheConnectionForTheEndOfTheBody) {
  Server server([](Stream& client) {
    client.read_until("\r\n\r\n");
    client.send("HTTP/1.0 200 OK\r\n\r\nuntil the end");
  });
  RunningEngine engine(config());
  Stream client = engine.http();
  client.send(request(server, "GET", ""));
  const std::string answer = client.read_all();
  EXPECT_TRUE(answer.ends_with("\r\n\r\nuntil the end")) << answer;
  EXPECT_NE(answer.find("Connection: close"), std::string::npos) << answer;
  EXPECT_TRUE(client.ended());
}

TEST_F(HttpExchange, DoesNotPassABrokenBodyOffAsWhole) {
  for (const char* head : {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"}) {
    Server server([&](Stream& client) {
      client.read_until("\r\n\r\n");
      client.send(head);
    });
    RunningEngine engine(config());
    Stream client = engine.http();
    client.send(request(server, "GET", ""));
    const std::string answer = client.read_all();
    EXPECT_EQ(answer.find("\r\n0\r\n\r\n"), std::string::npos) << answer;
    EXPECT_NE(engine.audit(1)[0].find("broke off"), std::string::npos);
  }
  Server server([&](Stream& client) {
    client.read_until("\r\n\r\n");
    client.send("HTTP/1.1 200 OK\r\n\r\nhalf");
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    client.reset();
  });
  RunningEngine engine(config());
  Stream client = engine.http();
  client.send(request(server, "GET", ""));
  EXPECT_TRUE(client.read_all().ends_with("half"));
  EXPECT_FALSE(client.ended());  // reset, not closed
}

TEST_F(HttpExchange, RefusesResponsesThatCanBeReadInTwoWays) {
  for (const char* response :
       {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc",
        "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n",
        "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n", "SSH-2.0-x\r\n\r\n",
        "\r\n\r\n\r\n"}) {
    Server server([&](Stream& client) {
      client.read_until("\r\n\r\n");
      client.send(response);
      client.shutdown_send();
      client.read_all();
    });
    RunningEngine engine(config());
    Stream client = engine.http();
    client.send(request(server, "GET", ""));
    const std::string answer = client.read_all();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 502")) << response << "=> " << answer;
  }
}

TEST_F(HttpExchange, SaysThatTheServerSaidNothing) {
  Server server([](Stream& client) { client.read_until("\r\n\r\n"); });
  RunningEngine engine(config());
  Stream client = engine.http();
  client.send(request(server, "GET", ""));
  EXPECT_NE(client.read_all().find("X-Proxy-Error: no-response"), std::string::npos);
}

TEST_F(HttpExchange, AsksAgainWhereAKeptConnectionHadJustEnded) {
  Server server([](Stream& client) {
    client.read_until("\r\n\r\n");
    client.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    // Ends when the next request comes, without an answer.
    client.read_until("\r\n\r\n");
  });
  RunningEngine engine(config());
  Stream client = engine.http();
  for (int i = 0; i < 3; ++i) {
    client.send(request(server, "GET", ""));
    EXPECT_TRUE(client.read_until("ok").starts_with("HTTP/1.1 200")) << i;
  }
  EXPECT_EQ(server.accepted(), 3);
}

TEST_F(HttpExchange, BecomesARelayForAWebSocket) {
  std::string seen;
  Server server([&](Stream& client) {
    seen = client.read_until("\r\n\r\n");
    client.send(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: x\r\n\r\n\x81\x02hi");
    client.send(client.read_exactly(4));
    client.read_all();
  });
  RunningEngine engine(config());
  Stream client = engine.http();
  client.send(request(server, "GET",
                      "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
                      "Sec-WebSocket-Key: x\r\n"));
  const std::string head = client.read_until("\r\n\r\n");
  EXPECT_TRUE(head.starts_with("HTTP/1.1 101")) << head;
  EXPECT_NE(head.find("Upgrade: websocket"), std::string::npos);
  EXPECT_EQ(client.read_exactly(4), "\x81\x02hi");
  client.send("\x81\x02yo");
  EXPECT_EQ(client.read_exactly(4), "\x81\x02yo");
  EXPECT_NE(seen.find("Upgrade: websocket\r\n"), std::string::npos) << seen;
}

TEST_F(HttpExchange, DoesNotPassOtherUpgradesOn) {
  std::string seen;
  Server server([&](Stream& client) {
    seen = client.read_until("\r\n\r\n");
    client.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  });
  RunningEngine engine(config());
  Stream client = engine.http();
  client.send(request(server, "GET",
                      "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                      "HTTP2-Settings: AAA\r\n"));
  EXPECT_TRUE(client.read_until("ok").starts_with("HTTP/1.1 200"));
  EXPECT_EQ(seen.find("Upgrade"), std::string::npos) << seen;
  EXPECT_EQ(seen.find("HTTP2"), std::string::npos) << seen;
}

TEST_F(HttpExchange, HoldsTheServerBackWhereTheClientDoesNotRead) {
  std::atomic<std::size_t> sent = 0;
  Server server([&](Stream& client) {
    client.read_until("\r\n\r\n");
    client.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
    const std::string part(1 << 20, 'x');
    while (sent < 1'000'000'000 && client.send(part)) sent += part.size();
  });
  RunningEngine engine(config());
  Stream client = engine.http();
  client.send(request(server, "GET", ""));
  client.read_until("\r\n\r\n");
  std::this_thread::sleep_for(std::chrono::milliseconds(1000));
  const std::size_t at_rest = sent;
  EXPECT_LT(at_rest, 64u << 20);  // what the kernel's buffers take
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_EQ(sent, at_rest);
  client.close();
}

}  // namespace
}  // namespace carrel::egress
