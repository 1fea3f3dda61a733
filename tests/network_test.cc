// Real programs inside a sandbox, real servers on another machine across a wire, and
// carrel's own proxy between them.
#include <sys/wait.h>

#include <csignal>
#include <sstream>
#include <thread>

#include "network_fixture.h"

namespace carrel::tests {
namespace {

class Network : public Networked {};
CARREL_AS_ROOT_AND_USER(Network);

constexpr char kSmall[] = "from the web\n";

TEST_P(Network, CurlReachesAnAllowedHostInEveryWay) {
  net().serve_web();
  const std::string curl = "curl -sS --cacert " + net().certificate() + " ";
  const Ended ended = allowed(
      {"web.test"}, curl + "http://web.test/small && " + curl + "https://web.test/small && " +
                        curl + "--http2 -w '%{http_version}\\n' https://web.test/small && " + curl +
                        "--noproxy '' -x socks5h://localhost:1080 http://web.test/small && " +
                        curl + "http://WEB.test.:80/said");
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_EQ(ended.out,
            std::string(kSmall) + kSmall + kSmall + "2\n" + kSmall + "web.test /said HTTP/1.1\n");
}

TEST_P(Network, RefusalNamesTheRuleAndTheRemedy) {
  net().serve_web();
  world().make_file("work/policy.toml",
                    "[network]\nallow = [\"*.web.test:443\", \"git.test:80\"]\n"
                    "deny = [{ host = \"other.test\", reason = \"not for robots\" }]\n");
  Invocation invocation = net().here(sealed_invocation(
      {"/bin/bash", "-c",
       "curl -sS -i http://web.test/small; curl -sS http://git.test:81/; curl -sS "
       "http://other.test/; curl -sS -o /dev/null -w '%{http_connect}\\n' https://web.test/; curl "
       "-sS --noproxy '' -x socks5h://localhost:1080 https://web.test/; true"},
      {"--policy", "policy.toml"}));
  const Ended ended = run(invocation);
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_TRUE(contains(ended.out, "HTTP/1.1 403")) << ended.out;
  EXPECT_TRUE(contains(ended.out, "X-Proxy-Error: blocked-by-allowlist")) << ended.out;
  EXPECT_TRUE(contains(ended.out, "web.test:80 is not reachable: no rule of the policy allows it"))
      << ended.out;
  EXPECT_TRUE(contains(ended.out, "--allow web.test:80")) << ended.out;
  EXPECT_TRUE(contains(ended.out, "the policy allows port 80 of it, not this one")) << ended.out;
  EXPECT_TRUE(contains(ended.out, "the rule 'other.test' denies it (not for robots)")) << ended.out;
  EXPECT_TRUE(contains(ended.out, "\n403\n")) << ended.out;
  EXPECT_TRUE(contains(ended.err, "(2)")) << ended.err;  // not allowed by ruleset
}

TEST_P(Network, NamesNeverLeadWhereNoAddressIsAllowed) {
  net().serve_web();
  const std::vector<std::string> names = {"private.test", "metadata.test", "loopback.test",
                                          "own.test"};
  for (const std::string& name : names) {
    const Ended ended = allowed(names, "curl -sS -w '%{http_code}' http://" + name + "/small");
    EXPECT_TRUE(contains(ended.out, "403")) << describe(ended);
    EXPECT_TRUE(contains(ended.out, "which a name reaches only where the address is allowed"))
        << describe(ended);
  }
  const Ended opened = allowed({"private.test", "10.9.9.9", "metadata.test", "169.254.169.254"},
                               "curl -sS http://private.test/small http://metadata.test/small");
  EXPECT_EQ(opened.out, std::string(kSmall) + kSmall) << describe(opened);
}

TEST_P(Network, EverySpellingOfAnAddressIsThatAddress) {
  net().serve_web();
  for (const char* host : {"10.9.9.9", "10.9.2313", "0x0a090909", "012.011.011.011", "168364297",
                           "[::ffff:10.9.9.9]"}) {
    const std::string get = std::string("curl -sS --globoff http://") + host + "/small";
    EXPECT_TRUE(contains(allowed({"web.test"}, get).out, "10.9.9.9:80 is not reachable")) << host;
    EXPECT_EQ(allowed({"10.9.9.9"}, get).out, kSmall) << host;
  }
}

TEST_P(Network, WildcardIsForWhatStandsBelowIt) {
  net().serve_web();
  const Ended ended = allowed({"*.web.test"},
                              "for h in a.web.test web.test aweb.test; do curl -sS -o /dev/null -w "
                              "'%{http_code} ' http://$h/small; done");
  EXPECT_EQ(ended.out, "200 403 403 ") << describe(ended);
}

TEST_P(Network, FirstActionOfTheCommandReachesAHundredTimesOfAHundred) {
  net().serve_web();
  int reached = 0;
  for (int i = 0; i < 100; ++i) {
    const Ended ended = run(net().here(
        sealed_invocation({"/usr/bin/curl", "-sS", "http://web.test/small"}, {"-a", "web.test"})));
    reached += ended.status == 0 && ended.out == kSmall ? 1 : 0;
  }
  EXPECT_EQ(reached, 100);
}

TEST_P(Network, NothingIsReachedBesideTheProxy) {
  net().serve_web();
  const std::string address = NetWorld::kPublic;
  const Ended ended = allowed(
      {"web.test"}, "curl -sS --noproxy '*' -m 2 http://" + address + "/small; (exec 3<>/dev/tcp/" +
                        address + "/80) 2>&1; (exec 3<>/dev/udp/" + address +
                        "/53 && echo x >&3) 2>&1; getent hosts web.test.; true");
  EXPECT_FALSE(contains(ended.out, kSmall)) << describe(ended);
  EXPECT_TRUE(contains(ended.out + ended.err, "nreachable")) << describe(ended);
}

TEST_P(Network, WithoutAnAllowedHostThereIsNoProxy) {
  const Ended ended = allowed({}, "env | grep -i _proxy; (exec 3<>/dev/tcp/127.0.0.1/3128) 2>&1");
  EXPECT_TRUE(contains(ended.out, "refused")) << describe(ended);
  EXPECT_FALSE(contains(ended.out, "_PROXY")) << describe(ended);
}

TEST_P(Network, WgetAndPythonNeedNoConfiguration) {
  net().serve_web();
  const Ended ended = allowed(
      {"web.test"},
      "export SSL_CERT_FILE=" + net().certificate() +
          "\nwget -q --ca-certificate=$SSL_CERT_FILE -O - http://web.test/small "
          "https://web.test/small\n/usr/bin/python3 -c 'import urllib.request as u\nfor s in "
          "[\"http\", \"https\"]: print(u.urlopen(s + \"://web.test/small\").read().decode(), "
          "end=\"\")'\n");
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_EQ(ended.out, std::string(kSmall) + kSmall + kSmall + kSmall);
}

TEST_P(Network, GitClonesOverHttps) {
  net().serve_web();
  const Ended made = plain_script(
      "cd " + net().site() +
      " && git init -q x && cd x && git config user.email a@b && git config user.name x && echo "
      "content > file && git add . && git commit -qm one && cd .. && git clone -q --bare x x.git "
      "&& cd x.git && git update-server-info");
  ASSERT_TRUE(exited(made, 0));
  const Ended ended =
      allowed({"web.test"}, "git -c http.sslCAInfo=" + net().certificate() +
                                " clone -q https://web.test/x.git copy && cat copy/file");
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_EQ(ended.out, "content\n");
}

TEST_P(Network, GitWorksOverSsh) {
  net().serve_ssh();
  const Ended made = plain_script("git init -q --bare " + world().root() + "/outside/r.git");
  ASSERT_TRUE(exited(made, 0));
  const std::string options = "export GIT_SSH_COMMAND=\"$GIT_SSH_COMMAND -F none -i " +
                              net().key() +
                              " -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o "
                              "LogLevel=ERROR\"\n";
  const std::string at = net().user_name() + "@git.test:" + world().root() + "/outside/r.git";
  // The server runs as whoever runs the tests, who must trust a folder of another user.
  const std::string trusting = " --upload-pack='git -c safe.directory=* upload-pack' ";
  const Ended ended = allowed(
      {"git.test:22"},
      options +
          "git init -q w && cd w && git config user.email a@b && git config user.name x && "
          "echo content > file && git add . && git commit -qm one && git -c "
          "protocol.version=2 push -q --receive-pack='git -c safe.directory=* receive-pack' " +
          at + " HEAD:refs/heads/main && git clone -q -b main" + trusting + at +
          " ../copy && cat ../copy/file");
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_EQ(ended.out, "content\n");
  const Ended refused = allowed({"web.test"}, options + "git clone -q" + trusting + at);
  EXPECT_TRUE(contains(refused.err, "git.test:22 is not reachable: no rule of the policy allows"))
      << describe(refused);
}

TEST_P(Network, NpmInstallsFromARegistry) {
  net().serve_web();
  world().make_file("site/package/package.json",
                    "{\"name\": \"tiny\", \"version\": \"1.0.0\", \"main\": \"i.js\"}");
  world().make_file("site/package/i.js", "module.exports = 'installed'\n");
  ASSERT_TRUE(exited(plain_script("cd " + net().site() + " && tar czf tiny.tgz package"), 0));
  world().make_file("site/npm/tiny",
                    "{\"name\": \"tiny\", \"dist-tags\": {\"latest\": \"1.0.0\"}, \"versions\": "
                    "{\"1.0.0\": {\"name\": \"tiny\", \"version\": \"1.0.0\", \"dist\": "
                    "{\"tarball\": \"http://web.test/tiny.tgz\"}}}}");
  const Ended ended = allowed(
      {"web.test"},
      "export HOME=$PWD; echo '{}' > package.json; npm install --no-audit --no-fund --silent "
      "--registry http://web.test/npm/ tiny >&2 && node -p 'require(\"tiny\")'");
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_EQ(ended.out, "installed\n");
}

constexpr char kEcho[] =
    "import base64, hashlib, socket\n"
    "s = socket.create_server(('0.0.0.0', 8080))\n"
    "while True:\n"
    "  c, _ = s.accept()\n"
    "  h = b''\n"
    "  while b'\\r\\n\\r\\n' not in h:\n"
    "    b = c.recv(1)\n"
    "    if not b: break\n"
    "    h += b\n"
    "  key = [l[18:].strip() for l in h.split(b'\\r\\n') if "
    "l.lower().startswith(b'sec-websocket-key:')]\n"
    "  if key:\n"
    "    a = base64.b64encode(hashlib.sha1(key[0] + "
    "b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest())\n"
    "    c.sendall(b'HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\n'\n"
    "      b'Connection: Upgrade\\r\\nSec-WebSocket-Accept: ' + a + b'\\r\\n\\r\\n')\n"
    "    while True:\n"
    "      b = c.recv(4096)\n"
    "      if not b: break\n"
    "      c.sendall(b[:2] + b[2:])\n"
    "  c.close()\n";

// What a browser does (a tunnel), and what simple clients do (the whole URL).
constexpr char kWebSocket[] =
    "import socket\n"
    "def head(c):\n"
    "  h = b''\n"
    "  while b'\\r\\n\\r\\n' not in h: h += c.recv(1)\n"
    "  return h\n"
    "for tunnel in [True, False]:\n"
    "  c = socket.create_connection(('localhost', 3128))\n"
    "  at = 'http://web.test:8080/'\n"
    "  if tunnel:\n"
    "    c.sendall(b'CONNECT web.test:8080 HTTP/1.1\\r\\nHost: web.test:8080\\r\\n\\r\\n')\n"
    "    assert b' 200 ' in head(c)\n"
    "    at = '/'\n"
    "  c.sendall(('GET ' + at + ' HTTP/1.1\\r\\nHost: web.test:8080\\r\\nUpgrade: "
    "websocket\\r\\n'\n"
    "    'Connection: Upgrade\\r\\nSec-WebSocket-Version: 13\\r\\n'\n"
    "    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\n\\r\\n').encode())\n"
    "  h = head(c)\n"
    "  assert b' 101 ' in h and b's3pPLMBiTxaQ9kYGzzhZRbK+xOo=' in h, h\n"
    "  frame = b'\\x81\\x82\\0\\0\\0\\0ok'\n"
    "  c.sendall(frame)\n"
    "  e = b''\n"
    "  while len(e) < len(frame): e += c.recv(64)\n"
    "  print('echoed', e == frame)\n";

TEST_P(Network, WebSocketsPassInATunnelAndAsAnUpgrade) {
  net().serve_python(kEcho, 8080);
  const std::string script = world().make_file("work/client.py", kWebSocket);
  const Ended ended = allowed({"web.test"}, "/usr/bin/python3 " + script);
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_EQ(ended.out, "echoed True\nechoed True\n");
}

TEST_P(Network, LargeAnswersAndUploadsArriveWhole) {
  net().serve_python(
      "import socketserver\n"
      "class H(socketserver.StreamRequestHandler):\n"
      "  def handle(self):\n"  // answers only when everything has come: a half-closed tunnel
      "    n = 0\n"
      "    while True:\n"
      "      b = self.rfile.read1(65536)\n"
      "      if not b: break\n"
      "      n += len(b)\n"
      "    self.wfile.write(b'%d\\n' % n + b'y' * 5000000)\n"
      "socketserver.ThreadingTCPServer.allow_reuse_address = True\n"
      "socketserver.ThreadingTCPServer(('0.0.0.0', 8080), H).serve_forever()\n",
      8080);
  const Ended ended =
      allowed({"web.test"},
              "head -c 20000000 /dev/zero | /dev/carrel connect web.test 8080 > out; head "
              "-n 1 out; wc -c < out");
  EXPECT_EQ(ended.out, "20000000\n5000009\n") << describe(ended);
}

// The proxy of a carrel that runs.
pid_t proxy_of(const Process& carrel) {
  const std::string task = "/proc/" + std::to_string(carrel.pid()) + "/task/";
  for (int i = 0; i < 100; ++i) {  // proc(5): the list is exact only where nothing changes
    std::istringstream pids(read_file(task + std::to_string(carrel.pid()) + "/children"));
    for (pid_t pid = 0; pids >> pid;) {
      if (read_file("/proc/" + std::to_string(pid) + "/comm") == "carrel-proxy\n") return pid;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return 0;
}

TEST_P(Network, SandboxEndsWhenItsProxyIsKilled) {
  Invocation invocation = allowed_invocation({"web.test"}, "echo started; exec sleep 60");
  Process process(invocation);
  ASSERT_TRUE(process.wait_for_output("started"));
  const pid_t proxy = proxy_of(process);
  ASSERT_GT(proxy, 1);
  ASSERT_EQ(::kill(proxy, SIGKILL), 0);
  const Ended ended = process.wait();
  EXPECT_TRUE(refused(ended, "the sandbox's proxy ended (SIGKILL)"));
}

TEST_P(Network, ProxyIsGoneWhenCarrelIsKilled) {
  Process process(allowed_invocation({"web.test"}, "echo started; exec sleep 60"));
  ASSERT_TRUE(process.wait_for_output("started"));
  const pid_t proxy = proxy_of(process);
  ASSERT_GT(proxy, 1);
  process.send_signal(SIGKILL);
  (void)process.wait();
  pid_t reaped = 0;  // an orphan by now (adopt_orphans)
  for (int i = 0; i < 300 && reaped == 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    reaped = ::waitpid(proxy, nullptr, WNOHANG);
  }
  EXPECT_EQ(reaped, proxy);
}

TEST_P(Network, ProxyIsGoneWhenThePlanCannotBeMade) {
  const Ended ended = run(net().here(
      sealed_invocation({"/bin/true"}, {"--allow", "web.test", "--write", "/nonexistent"})));
  EXPECT_TRUE(refused(ended, "/nonexistent"));
}

TEST_P(Network, CommandCannotTouchTheProxy) {
  const Ended ended = allowed({"web.test"}, "pgrep -l . ; ls /proc | grep -c '^[0-9]'");
  EXPECT_FALSE(contains(ended.out, "carrel-proxy")) << describe(ended);
  const Ended held =
      run(net().here(sealed_invocation({world().hostile("descriptors")}, {"--allow", "web.test"})));
  EXPECT_TRUE(exited(held, 0));
}

TEST_P(Network, ExplainShowsTheRulesAsTheyWillRun) {
  Invocation invocation = world().carrel({"explain", "--allow", "web.test:443"});
  invocation.env["https_proxy"] = "http://user:secret@proxy.test:3128";
  const Ended ended = run(invocation);
  EXPECT_TRUE(exited(ended, 0));
  for (const char* part : {"web.test:443", "127.0.0.1:3128, HTTP proxy",
                           "proxy.test:3128 for TLS and SOCKS", "/dev/carrel"}) {
    EXPECT_TRUE(contains(ended.out, part)) << part << ended.out;
  }
  EXPECT_FALSE(contains(ended.out, "secret"));
}

TEST_P(Network, ProxyOfTheHostThatCannotBeUsedIsNeverPassedOver) {
  Invocation invocation = sealed_invocation({"/bin/true"}, {"--allow", "web.test"});
  invocation.env["ALL_PROXY"] = "socks5://user:secret@proxy.test";
  const Ended ended = run(invocation);
  EXPECT_TRUE(refused(ended, "ALL_PROXY"));
  EXPECT_FALSE(contains(ended.err, "secret"));
}

}  // namespace
}  // namespace carrel::tests
