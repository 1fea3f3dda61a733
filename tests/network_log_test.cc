// What the proxy decided, as a log that shows it when somebody changed it; and the
// same decisions asked for beforehand.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "network_fixture.h"

namespace carrel::tests {
namespace {

class NetworkLog : public Networked {
 protected:
  // Two decisions, one of each kind, in work/net.log.
  void make_log() {
    net().serve_web();
    const Ended ended = run(net().here(sealed_invocation(
        {"/bin/bash", "-c",
         "curl -sS http://web.test/small?key=secret; curl -s http://git.test/ -o /dev/null; "
         "echo x >> net.log"},
        {"--allow", "web.test", "--log", "net.log"})));
    EXPECT_TRUE(contains(ended.err, "Read-only")) << describe(ended);
  }
  [[nodiscard]] std::string path() { return world().work() + "/net.log"; }
};
CARREL_AS_ROOT_AND_USER(NetworkLog);

TEST_P(NetworkLog, TellsOfEachDecisionWithItsRule) {
  make_log();
  const Ended all = carrel({"log", "net.log"});
  EXPECT_TRUE(exited(all, 0));
  EXPECT_TRUE(contains(all.out, " allowed http    web.test:80 GET /small 200 at 93.184.215.14"))
      << all.out;
  EXPECT_TRUE(contains(all.out, "by web.test\n")) << all.out;
  EXPECT_TRUE(contains(all.out, " denied  http    git.test:80 ")) << all.out;
  EXPECT_TRUE(contains(all.out, "no rule of the policy allows it\n")) << all.out;
  EXPECT_FALSE(contains(read_file(path()), "secret"));
  const Ended denied = carrel({"log", "net.log", "--denied", "--json"});
  EXPECT_TRUE(contains(denied.out, "\"host\":\"git.test\"")) << denied.out;
  EXPECT_FALSE(contains(denied.out, "\"host\":\"web.test\"")) << denied.out;
}

TEST_P(NetworkLog, CanBeReadByItsOwnerOnly) {
  make_log();
  struct stat about{};
  ASSERT_EQ(::stat(path().c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 07777, 0600u);
}

TEST_P(NetworkLog, ShowsThatItWasChanged) {
  make_log();
  const std::string log = read_file(path());
  const Ended good = carrel({"log", "verify", "net.log"});
  EXPECT_TRUE(exited(good, 0));
  EXPECT_TRUE(contains(good.out, "2 lines")) << good.out;
  std::string changed = log;
  changed.replace(changed.find("git.test"), 8, "web.test");
  write_file(path(), changed);
  EXPECT_TRUE(refused(carrel({"log", "verify", "net.log"}), "line 2 does not follow"));
  write_file(path(), log.substr(log.find('\n') + 1));
  EXPECT_TRUE(refused(carrel({"log", "verify", "net.log"}), "line 1 does not follow"));
  write_file(path(), log.substr(0, log.size() - 20));
  EXPECT_TRUE(refused(carrel({"log", "verify", "net.log"}), "line 2 is not whole"));
}

TEST_P(NetworkLog, IsOneChainForSandboxesSideBySide) {
  constexpr int kSandboxes = 4;
  std::vector<std::unique_ptr<Process>> all;
  for (int i = 0; i < kSandboxes; ++i) {
    all.push_back(std::make_unique<Process>(net().here(sealed_invocation(
        {"/bin/bash", "-c", "for i in $(seq 20); do curl -s http://no.test/ -o /dev/null; done"},
        {"--allow", "web.test", "--log", "net.log"}))));
  }
  for (const auto& process : all) EXPECT_TRUE(exited(process->wait(), 0));
  const Ended ended = carrel({"log", "verify", "net.log"});
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_TRUE(contains(ended.out, "80 lines")) << ended.out;
}

TEST_P(NetworkLog, CanBeFollowed) {
  const Ended first = run(
      net().here(sealed_invocation({"/usr/bin/curl", "-s", "http://one.test/", "-o", "/dev/null"},
                                   {"--allow", "web.test", "--log", "net.log"})));
  EXPECT_TRUE(exited(first, 0));
  Process follower(world().carrel({"log", "--follow", "net.log"}));
  EXPECT_TRUE(follower.wait_for_output("one.test:80"));
  (void)run(
      net().here(sealed_invocation({"/usr/bin/curl", "-s", "http://two.test/", "-o", "/dev/null"},
                                   {"--allow", "web.test", "--log", "net.log"})));
  EXPECT_TRUE(follower.wait_for_output("two.test:80"));
  ::unlink(path().c_str());
  EXPECT_TRUE(exited(follower.wait(), 0));
}

TEST_P(NetworkLog, NeverSteersATerminal) {
  world().make_file("work/evil.log",
                    "{\"verdict\":\"denied\",\"host\":\"\\u001b[2J\\u202ex\",\"reason\":\"\\n\"}\n"
                    "\x1b]0;owned\x07\n");
  for (const char* option : {"--denied", "--json"}) {
    const Ended ended = carrel({"log", "evil.log", option});
    EXPECT_EQ(ended.out.find('\x1b'), std::string::npos) << ended.out;
    EXPECT_EQ(ended.out.find("\u202e"), std::string::npos) << ended.out;
    EXPECT_EQ(std::count(ended.out.begin(), ended.out.end(), '\n'), 2) << ended.out;
  }
}

TEST_P(NetworkLog, FileThatCannotBeALogIsRefusedBeforeTheCommandRuns) {
  world().make_link("work/link.log", "/etc/passwd");
  for (const char* path : {"link.log", "/nonexistent/net.log", "/dev/null"}) {
    EXPECT_TRUE(refused(sealed({"/usr/bin/touch", "ran"}, {"--allow", "web.test", "--log", path}),
                        std::string("--log ") + path));
  }
  EXPECT_NE(::access((world().work() + "/ran").c_str(), F_OK), 0);
  EXPECT_TRUE(refused(carrel({"log", "absent.log"}), "No such file"));
}

class Why : public Networked {
 protected:
  Ended why(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "why");
    return run(net().here(world().carrel(std::move(arguments))));
  }
};
CARREL_AS_ROOT_AND_USER(Why);

TEST_P(Why, NamesTheRuleThatDecides) {
  world().make_file("work/p.toml",
                    "[network]\nallow = [\"*.web.test\", \"private.test\"]\n"
                    "deny = [{ host = \"git.test\", reason = \"use the mirror\" }]\n");
  const Ended allowed = why({"A.web.test.:80", "--policy", "p.toml"});
  EXPECT_TRUE(exited(allowed, 0));
  EXPECT_EQ(allowed.out,
            "a.web.test:80 is allowed by the rule '*.web.test'.\n"
            "It leads to 93.184.215.14, which may be dialled.\n");
  const Ended denied = why({"--policy", "p.toml", "git.test"});
  EXPECT_TRUE(exited(denied, 1));
  EXPECT_TRUE(contains(denied.out, "the rule 'git.test' denies it (use the mirror)")) << denied.out;
  const Ended unknown = why({"other.test", "--policy", "p.toml"});
  EXPECT_TRUE(exited(unknown, 1));
  EXPECT_TRUE(contains(unknown.out, "--allow other.test:443")) << unknown.out;
  const Ended inner = why({"private.test", "--policy", "p.toml"});
  EXPECT_TRUE(exited(inner, 1));
  EXPECT_TRUE(contains(inner.out, "it leads to 10.9.9.9")) << inner.out;
  EXPECT_TRUE(refused(why({"a b"}), "why 'a b'"));
}

TEST_P(Why, SpeaksJson) {
  const Ended ended = why({"web.test:80", "--allow", "web.test", "--json"});
  EXPECT_TRUE(exited(ended, 0));
  for (const char* part : {"\"reachable\"", "\"rule\"", "\"93.184.215.14\""}) {
    EXPECT_TRUE(contains(ended.out, part)) << ended.out;
  }
}

class ProxyAlone : public Networked {};
CARREL_AS_ROOT_AND_USER(ProxyAlone);

TEST_P(ProxyAlone, DecidesAsASandboxWould) {
  net().serve_web();
  Process proxy(
      net().here(world().carrel({"proxy", "--allow", "web.test", "--http", "127.0.0.1:4128",
                                 "--socks", "127.0.0.1:4080", "--log", "net.log"})));
  ASSERT_TRUE(proxy.wait_for_output("HTTP proxy on 127.0.0.1:4128, SOCKS proxy on 127.0.0.1:4080"));
  const Ended used = run(net().here(world().plain(
      {"/bin/bash", "-c",
       "curl -sS -x http://127.0.0.1:4128 http://web.test/small; curl -sS -x "
       "socks5h://127.0.0.1:4080 http://web.test/small; curl -sS -x http://127.0.0.1:4128 "
       "http://git.test/"})));
  EXPECT_TRUE(contains(used.out, "from the web\nfrom the web\n")) << describe(used);
  EXPECT_TRUE(contains(used.out, "git.test:80 is not reachable")) << describe(used);
  // A sandbox whose host has this proxy goes through it.
  Invocation chained = net().here(sealed_invocation(
      {"/bin/bash", "-c", "curl -sS http://web.test/small; curl -sS -k https://web.test/small"},
      {"--allow", "web.test"}));
  chained.env["http_proxy"] = chained.env["https_proxy"] = "http://127.0.0.1:4128";
  EXPECT_EQ(run(chained).out, "from the web\nfrom the web\n");
  proxy.send_signal(SIGTERM);
  EXPECT_TRUE(exited(proxy.wait(), 0));
  const Ended log = carrel({"log", "net.log"});
  EXPECT_EQ(std::count(log.out.begin(), log.out.end(), '\n'), 5) << log.out;
}

TEST_P(ProxyAlone, SaysWhereItCannotListen) {
  EXPECT_TRUE(refused(carrel({"proxy", "--http", "example.com:80"}), "--http example.com:80"));
  EXPECT_TRUE(refused(run(net().here(world().carrel({"proxy", "--http", "192.0.2.7:3128"}))),
                      "cannot listen on 192.0.2.7:3128"));
}

}  // namespace
}  // namespace carrel::tests
