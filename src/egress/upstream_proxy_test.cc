#include "egress/upstream_proxy.h"

#include <gtest/gtest.h>

#include <map>

namespace carrel::egress {
namespace {

using Environment = std::map<std::string, std::string, std::less<>>;

Result<UpstreamProxies> proxies(const Environment& environment) {
  return UpstreamProxies::from_environment(
      [&](std::string_view name) -> std::optional<std::string> {
        const auto found = environment.find(name);
        if (found == environment.end()) return std::nullopt;
        return found->second;
      });
}

std::string way(const Environment& environment, const std::string& destination) {
  const UpstreamProxies made = proxies(environment).value();
  const UpstreamProxy* proxy = made.for_tunnel(parse_authority(destination).value());
  return proxy == nullptr ? "direct" : proxy->at.text();
}

TEST(UpstreamProxies, AreNoneByDefault) {
  EXPECT_EQ(way({}, "a.test:443"), "direct");
  EXPECT_EQ(way({{"https_proxy", ""}}, "a.test:443"), "direct");
}

TEST(UpstreamProxies, AreReadLikeEverybodyReadsThem) {
  EXPECT_EQ(way({{"HTTPS_PROXY", "http://p.test:3128"}}, "a.test:443"), "p.test:3128");
  EXPECT_EQ(way({{"HTTPS_PROXY", "p.test:3128"}}, "a.test:443"), "p.test:3128");
  EXPECT_EQ(way({{"HTTPS_PROXY", "http://p.test/"}}, "a.test:443"), "p.test:80");
  EXPECT_EQ(way({{"HTTPS_PROXY", "u.test:1"}, {"https_proxy", "l.test:1"}}, "a.test:443"),
            "l.test:1");
  EXPECT_EQ(way({{"ALL_PROXY", "all.test:1"}}, "a.test:443"), "all.test:1");
  EXPECT_EQ(way({{"HTTP_PROXY", "h.test:1"}}, "a.test:443"), "direct");
}

TEST(UpstreamProxies, LeaveExceptionsOut) {
  const Environment e = {
      {"https_proxy", "p.test:1"},
      {"no_proxy", "a.test, .b.test,*.c.test,10.0.0.0/8,1.2.3.4,d.test:8080,[::5]"}};
  for (const char* direct :
       {"a.test:443", "x.a.test:443", "b.test:1", "x.b.test:1", "x.c.test:1", "10.1.2.3:1",
        "1.2.3.4:5", "d.test:8080", "[::5]:1", "127.0.0.1:1", "[::1]:1"}) {
    EXPECT_EQ(way(e, direct), "direct") << direct;
  }
  for (const char* through : {"xa.test:443", "e.test:1", "11.0.0.1:1", "d.test:80"}) {
    EXPECT_EQ(way(e, through), "p.test:1") << through;
  }
  EXPECT_EQ(way({{"https_proxy", "p.test:1"}, {"NO_PROXY", "*"}}, "a.test:1"), "direct");
}

TEST(UpstreamProxies, RefuseWhatTheyCannotGoThroughAndShowNoPassword) {
  for (const char* text : {"https://u:secret@p.test:1", "socks5://u:secret@p.test:1",
                           "http://u:secret@p test", "http://u:secret@:1"}) {
    const auto made = proxies({{"HTTPS_PROXY", text}});
    ASSERT_FALSE(made.ok()) << text;
    EXPECT_TRUE(made.error().message.starts_with("HTTPS_PROXY: ")) << made.error().message;
    EXPECT_EQ(made.error().message.find("secret"), std::string::npos) << made.error().message;
  }
}

}  // namespace
}  // namespace carrel::egress
