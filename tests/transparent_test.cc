// Programs that know no proxy, or are told of none, reach what is allowed and nothing
// else: by name through the resolver inside, and by allowed addresses.
#include <csignal>

#include "network_fixture.h"

namespace carrel::tests {
namespace {

class Transparent : public Networked {
 protected:
  // The same without any variable that names a proxy.
  Ended unaware(const std::vector<std::string>& hosts, const std::string& script) {
    return allowed(hosts, kForget + script);
  }
  // The same on a kernel without nftables.
  Ended unaware_without_nftables(const std::vector<std::string>& hosts, const std::string& script) {
    Invocation invocation = allowed_invocation(hosts, kForget + script);
    const std::string wrapper = world().make_file("work/without.py", kWithoutNftables);
    invocation.argv.insert(invocation.argv.begin(), {"/usr/bin/python3", wrapper});
    return run(invocation);
  }

  static constexpr char kForget[] =
      "for v in $(compgen -e | grep -i -e proxy -e JAVA_TOOL -e GIT_SSH); do unset $v; done\n";
  // socket(AF_NETLINK, *, NETLINK_NETFILTER) is what such a kernel refuses.
  static constexpr char kWithoutNftables[] =
      "import ctypes, os, platform, struct, sys\n"
      "call = 41 if platform.machine() == 'x86_64' else 198\n"
      "code = [(0x20, 0, 0, 0), (0x15, 0, 5, call), (0x20, 0, 0, 16), (0x15, 0, 3, 16),\n"
      "        (0x20, 0, 0, 32), (0x15, 0, 1, 12), (0x06, 0, 0, 0x50000 + 93),\n"
      "        (0x06, 0, 0, 0x7fff0000)]\n"
      "text = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *i) for i in code))\n"
      "prog = ctypes.create_string_buffer(struct.pack('HxxxxxxQ', len(code), "
      "ctypes.addressof(text)))\n"
      "libc = ctypes.CDLL(None, use_errno=True)\n"
      "assert libc.prctl(38, 1, 0, 0, 0) == 0\n"
      "assert libc.prctl(22, 2, prog, 0, 0) == 0, os.strerror(ctypes.get_errno())\n"
      "os.execv(sys.argv[1], sys.argv[1:])\n";
};
CARREL_AS_ROOT_AND_USER(Transparent);

constexpr char kSmall[] = "from the web\n";

// Says what it is told, and whence.
constexpr char kEchoServer[] =
    "import socket, threading\n"
    "s = socket.create_server(('0.0.0.0', 5432), backlog=2000)\n"
    "def serve(c):\n"
    "  with c:\n"
    "    while b := c.recv(4096): c.sendall(b'echo ' + b)\n"
    "while True: threading.Thread(target=serve, args=(s.accept()[0],)).start()\n";

// talk(host, port, text): what comes back, or the error.
constexpr char kTalk[] =
    "import socket, sys\n"
    "def talk(host, port, text=b'x', patience=5):\n"
    "  try:\n"
    "    c = socket.create_connection((host, port), patience)\n"
    "    c.sendall(text)\n"
    "    return c.recv(4096)\n"
    "  except OSError as e: return type(e).__name__\n";

TEST_P(Transparent, CurlWithoutAProxyReachesWhatIsAllowed) {
  net().serve_web();
  const std::string curl = "curl -sS -m 5 --noproxy '*' --cacert " + net().certificate() + " ";
  const Ended ended = unaware(
      {"web.test", NetWorld::kPrivate},
      curl + "http://web.test/small https://web.test/small http://10.9.9.9/small && " + curl +
          "--http2 -w '%{http_version}\\n' -o /dev/null https://web.test/small; getent hosts "
          "web.test");
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_EQ(ended.out, std::string(kSmall) + kSmall + kSmall + "2\n198.18.1.0      web.test\n");
}

TEST_P(Transparent, RawConnectionsGoByNameAndByAllowedAddress) {
  net().serve_python(kEchoServer, 5432);
  world().make_file("work/talk.py", kTalk);
  const Ended ended = unaware(
      {"web.test", "10.0.0.0/8:5432", "other.test:443"},
      "/usr/bin/python3 -c 'from talk import *\nprint(talk(\"web.test\", 5432), talk(\"10.9.9.9\", "
      "5432), talk(\"93.184.215.14\", 5432), talk(\"other.test\", 5432), talk(\"10.9.9.9\", "
      "5433))'");
  EXPECT_EQ(ended.out, "b'echo x' b'echo x' OSError ConnectionResetError ConnectionResetError\n")
      << describe(ended);
}

TEST_P(Transparent, NodeAndSshNeedNoConfiguration) {
  net().serve_web();
  net().serve_ssh();
  const Ended ended = unaware(
      {"web.test:80", "git.test:22"},
      "node -e 'fetch(\"http://web.test/small\").then(r => r.text()).then(t => "
      "process.stdout.write(t))'; ssh -F none -i " +
          net().key() +
          " -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR " +
          net().user_name() + "@git.test echo over ssh");
  EXPECT_EQ(ended.out, std::string(kSmall) + "over ssh\n") << describe(ended);
}

TEST_P(Transparent, RefusalsAreSaidInTheClientsProtocol) {
  net().serve_web();
  const std::string curl = "curl -sS -m 5 --noproxy '*' -k ";
  const Ended ended =
      unaware({"web.test:443", "10.9.9.9:443"}, curl + "-i http://web.test/small; " + curl +
                                                    "https://web.test:8443/ 2>&1; " + curl +
                                                    "https://10.9.9.9:8443 2>&1; ssh -F none -o "
                                                    "StrictHostKeyChecking=no web.test 2>&1; true");
  EXPECT_TRUE(contains(ended.out, "HTTP/1.1 403")) << describe(ended);
  EXPECT_TRUE(contains(ended.out, "the policy allows port 443 of it, not this one"))
      << describe(ended);
  EXPECT_TRUE(contains(ended.out, "alert access denied")) << describe(ended);
  EXPECT_TRUE(contains(ended.out, "web.test:22 is not reachable")) << describe(ended);
}

TEST_P(Transparent, WrongServerNameInTlsIsRefused) {
  net().serve_web();
  const Ended ended = unaware({"web.test", "other.test"},
                              "curl -sS -m 5 -k --noproxy '*' --connect-to ::other.test: "
                              "https://web.test/small");
  EXPECT_EQ(ended.out, "");
  EXPECT_TRUE(contains(ended.err, "unrecognized name")) << describe(ended);
}

TEST_P(Transparent, NamesThatAreNotAllowedDoNotExistAndNothingIsAsked) {
  const auto sent_here = [&] {
    return run(net().here(world().plain({"/bin/grep", "^Udp:", "/proc/net/snmp"}))).out;
  };
  const std::string before = sent_here();
  ASSERT_TRUE(contains(before, "OutDatagrams"));
  const Ended ended = unaware(
      {"web.test"},
      "for n in evil.test a.evil.test private.test; do timeout 5 getent hosts $n; echo $?; done; "
      "/usr/bin/python3 -c 'import socket, struct\n"
      "def ask(n, t):\n"
      "  s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(3)\n"
      "  q = b\"\".join(bytes([len(l)]) + l.encode() for l in n.split(\".\"))\n"
      "  s.sendto(struct.pack(\">6H\", 7, 256, 1, 0, 0, 0) + q + struct.pack(\">x2H\", t, 1), "
      "(\"127.0.0.1\", 53))\n"
      "  r = s.recv(512); return r[3] & 15, r[7]\n"
      "print(ask(\"evil.test\", 1), ask(\"secret.evil.test\", 16), ask(\"web.test\", 1), "
      "ask(\"web.test\", 28))'");
  EXPECT_EQ(sent_here(), before);
  // The host's own /etc/hosts speaks of private.test, which no rule allows.
  EXPECT_EQ(ended.out, "2\n2\n10.9.9.9        private.test\n0\n(3, 0) (3, 0) (0, 1) (0, 0)\n")
      << describe(ended);
}

TEST_P(Transparent, AllowedIpv6AddressesAreTakenToo) {
  // There is no IPv6 beyond this machine: the proxy says that it found no way.
  const Ended ended = unaware(
      {"[2001:db8::5]:80"},
      "for p in 80 81; do curl -sS -g -i -m 5 --noproxy '*' http://[2001:db8::5]:$p/; done");
  EXPECT_TRUE(contains(ended.out, "X-Proxy-Error: unreachable")) << describe(ended);
  EXPECT_TRUE(contains(ended.out, "[2001:db8::5]:81 is not reachable")) << describe(ended);
}

TEST_P(Transparent, UdpIsRefusedAtOnce) {
  const Ended ended =
      unaware({"web.test", "10.9.9.9"},
              "/usr/bin/python3 -c 'import socket, time\nbegan = time.time()\n"
              "for host in (\"web.test\", \"10.9.9.9\", \"8.8.8.8\"):\n"
              "  s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(5)\n"
              "  try: s.connect((host, 443)); s.send(b\"x\"); s.recv(9)\n"
              "  except OSError as e: print(e.errno)\n"
              "print(time.time() - began < 2)'");
  EXPECT_EQ(ended.out, "111\n111\n101\nTrue\n") << describe(ended);
}

TEST_P(Transparent, LocalhostIsTheSandboxsOwn) {
  const Ended ended =
      unaware({"web.test", "127.0.0.1"},
              "/usr/bin/python3 -c 'import socket, threading\n"
              "s = socket.create_server((\"0.0.0.0\", 8080))\n"
              "threading.Thread(target=lambda: s.accept()[0].send(b\"own\")).start()\n"
              "print(socket.create_connection((\"localhost\", 8080), 5).recv(9))'; (exec "
              "3<>/dev/tcp/127.0.0.1/1) 2>&1");
  EXPECT_TRUE(contains(ended.out, "b'own'")) << describe(ended);
  EXPECT_TRUE(contains(ended.out, "refused")) << describe(ended);
}

TEST_P(Transparent, AThousandConnectionsAreServed) {
  net().serve_python(kEchoServer, 5432);
  world().make_file("work/talk.py", kTalk);
  const Ended ended =
      unaware({"web.test"},
              "/usr/bin/python3 -c 'from talk import *\n"
              "print(sum(talk(\"web.test\", 5432) == b\"echo x\" for _ in range(1000)))'");
  EXPECT_EQ(ended.out, "1000\n") << describe(ended);
}

TEST_P(Transparent, PortsOfTheRulesWorkWithoutNftables) {
  net().serve_web();
  net().serve_python(kEchoServer, 5432);
  world().make_file("work/talk.py", kTalk);
  const Ended ended = unaware_without_nftables(
      {"web.test", "git.test:5432", "10.9.9.9"},
      "/usr/bin/python3 -c 'from talk import *\nprint(talk(\"git.test\", 5432), "
      "talk(\"10.9.9.9\", 5432), talk(\"web.test\", 5432), talk(\"web.test\", 9999), "
      "talk(\"127.0.0.1\", 80))'; curl -sS -m 5 --noproxy '*' http://web.test/small "
      "http://10.9.9.9/small");
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_EQ(ended.out, std::string("b'echo x' b'echo x' b'echo x' ConnectionRefusedError "
                                   "ConnectionResetError\n") +
                           kSmall + kSmall);
}

TEST_P(Transparent, TheResolversFilesAreTheSandboxsOwnAndReadOnly) {
  const Ended ended = unaware({"web.test"},
                              "grep nameserver /etc/resolv.conf; grep -c ' web.test' /etc/hosts; "
                              "grep -c private.test /etc/hosts; echo x 2> /dev/null >> "
                              "/etc/resolv.conf || echo no");
  EXPECT_EQ(ended.out, "nameserver 127.0.0.1\n0\n1\nno\n") << describe(ended);
  const Ended host = run(net().here(world().plain({"/bin/grep", "-c", "web.test", "/etc/hosts"})));
  EXPECT_EQ(host.out, "1\n");
}

TEST_P(Transparent, TheLogTellsOfThem) {
  net().serve_web();
  const Ended ended = run(net().here(sealed_invocation(
      {"/bin/bash", "-c",
       std::string(kForget) + "curl -sS --noproxy '*' -o /dev/null http://web.test/small; curl -s "
                              "--noproxy '*' http://evil.test/; curl -s --noproxy '*' "
                              "http://web.test:81/ > /dev/null; true"},
      {"--allow", "web.test:80", "--log", "log.jsonl"})));
  EXPECT_TRUE(exited(ended, 0));
  const std::string log = read_file(world().work() + "/log.jsonl");
  EXPECT_TRUE(contains(log,
                       "\"protocol\":\"tcp\",\"host\":\"web.test\",\"port\":80,\"verdict\":"
                       "\"allowed\",\"rule\":\"web.test:80\""))
      << log;
  EXPECT_TRUE(contains(log, "\"protocol\":\"dns\",\"host\":\"evil.test\"")) << log;
  EXPECT_TRUE(contains(log, "\"host\":\"web.test\",\"port\":81,\"verdict\":\"denied\"")) << log;
}

}  // namespace
}  // namespace carrel::tests
