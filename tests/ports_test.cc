// Ports that a sandbox shares with its machine, in both directions.
#include <csignal>

#include "network_fixture.h"

namespace carrel::tests {
namespace {

class Ports : public Networked {
 protected:
  // A server that answers each connection with its own name, inside or outside.
  static std::string server(const std::string& address, int port) {
    return R"(
import socket
family = socket.AF_INET6 if ':' in ')" +
           address + R"(' else socket.AF_INET
server = socket.socket(family)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind((')" +
           address + "', " + std::to_string(port) + R"())
server.listen(100)
print('listening', flush=True)
while True:
  client, _ = server.accept()
  asked = b''
  while True:
    part = client.recv(65536)
    if not part: break
    asked += part
  client.sendall(b'served ' + str(len(asked)).encode() + b'\n')
  client.close()
)";
  }
  Invocation python(const std::string& script) {
    return world().plain({"/usr/bin/python3", "-c", script});
  }
  Invocation sealed_python(const std::string& script, const std::vector<std::string>& options) {
    return net().here(sealed_invocation({"/usr/bin/python3", "-c", script}, options));
  }
  // Sends `count` bytes to a port of 127.0.0.1, ends its side, and prints what comes back.
  static std::string client(int port, int count = 3) {
    return "import socket\n"
           "s = socket.create_connection(('127.0.0.1', " +
           std::to_string(port) + "))\ns.sendall(b'x' * " + std::to_string(count) +
           ")\ns.shutdown(socket.SHUT_WR)\nprint(s.makefile().read(), end='')\n";
  }
  Ended outside(const std::string& script) { return run(net().here(python(script))); }
};
CARREL_AS_ROOT_AND_USER(Ports);

TEST_P(Ports, AHostsPortIsReachedAtTheSameOneInside) {
  for (const char* address : {"127.0.0.1", "::1"}) {
    Process server(net().here(python(Ports::server(address, 5432))));
    ASSERT_TRUE(server.wait_for_output("listening"));
    const Ended ended = run(sealed_python(client(5432, 1 << 20), {"--host-port", "5432"}));
    EXPECT_EQ(ended.out, "served 1048576\n") << address << ": " << describe(ended);
    const Ended by_name = run(net().here(sealed_invocation(
        {"/bin/bash", "-c", "exec 3<>/dev/tcp/localhost/5432; echo hi >&3; echo open"},
        {"--host-port", "5432"})));
    EXPECT_EQ(by_name.out, "open\n") << describe(by_name);
  }
}

TEST_P(Ports, NoOtherPortOfTheHostIsReached) {
  Process server(net().here(python(Ports::server("127.0.0.1", 5433))));
  ASSERT_TRUE(server.wait_for_output("listening"));
  const Ended ended = run(sealed_python(client(5433), {"--host-port", "5432"}));
  EXPECT_TRUE(contains(ended.err, "ConnectionRefusedError")) << describe(ended);
  const Ended by_proxy =
      run(net().here(sealed_invocation({"/usr/bin/curl", "-sS", "--noproxy", "", "-x",
                                        "http://localhost:3128", "http://127.0.0.1:5433/"},
                                       {"--host-port", "5432"})));
  EXPECT_TRUE(contains(by_proxy.out, "127.0.0.1:5433 is not reachable")) << describe(by_proxy);
}

TEST_P(Ports, AHostsPortWhereNobodyListensResets) {
  const Ended ended = run(sealed_python(client(5432), {"--host-port", "5432", "--log", "log"}));
  EXPECT_TRUE(contains(ended.err, "ConnectionResetError")) << describe(ended);
  const Ended log = carrel({"log", "log"});
  EXPECT_TRUE(contains(log.out, "host-port")) << log.out;
  EXPECT_TRUE(contains(log.out, "Connection refused")) << log.out;
}

TEST_P(Ports, APublishedServerIsReachedFromOutside) {
  for (const char* address : {"127.0.0.1", "::1", "0.0.0.0"}) {
    Process inside(sealed_python(server(address, 8000), {"--publish", "8080:8000"}));
    ASSERT_TRUE(inside.wait_for_output("listening")) << describe(inside.wait());
    for (int i = 0; i < 30; ++i) {
      const Ended ended = outside(client(8080, 1 << 20));
      ASSERT_EQ(ended.out, "served 1048576\n") << address << ": " << describe(ended);
    }
    inside.send_signal(SIGTERM);
    static_cast<void>(inside.wait());
    EXPECT_TRUE(contains(outside(client(8080)).err, "ConnectionRefusedError"))
        << "nobody listens when the sandbox is gone";
  }
}

TEST_P(Ports, WhatIsPublishedIsNoWayOut) {
  Process server(net().here(python(Ports::server("127.0.0.1", 8000))));
  ASSERT_TRUE(server.wait_for_output("listening"));
  // Nobody listens on 8000 inside; the host's own server there is not meant.
  Process inside(sealed_python("import time\nprint('ready', flush=True)\ntime.sleep(60)\n",
                               {"--publish", "8080:8000"}));
  ASSERT_TRUE(inside.wait_for_output("ready"));
  const Ended ended = outside(client(8080));
  EXPECT_FALSE(contains(ended.out, "served")) << describe(ended);
  inside.send_signal(SIGTERM);
  static_cast<void>(inside.wait());
  const Ended out = run(sealed_python(client(8080), {"--publish", "8080:8000"}));
  EXPECT_TRUE(contains(out.err, "ConnectionRefusedError")) << describe(out);
}

TEST_P(Ports, ThePublishedPortCannotBeSeenInside) {
  const Ended ended = run(net().here(
      sealed_invocation({"/bin/bash", "-c", "cat /proc/[0-9]*/comm; grep -c . /proc/self/net/tcp"},
                        {"--publish", "8080:8000"})));
  EXPECT_TRUE(exited(ended, 0)) << describe(ended);
  EXPECT_FALSE(contains(ended.out, "carrel-ports")) << ended.out;
}

TEST_P(Ports, APortThatIsTakenIsNamed) {
  Process server(net().here(python(Ports::server("127.0.0.1", 8080))));
  ASSERT_TRUE(server.wait_for_output("listening"));
  const Ended ended = run(net().here(sealed_invocation({"/bin/true"}, {"--publish", "8080"})));
  EXPECT_TRUE(exited(ended, 125)) << describe(ended);
  EXPECT_TRUE(contains(ended.err, "cannot listen on 127.0.0.1:8080: Address already in use"))
      << ended.err;
}

TEST_P(Ports, ContradictionsAreRefused) {
  const struct {
    std::vector<std::string> options;
    const char* says;
  } kCases[] = {
      {{"--host-port", "3128"}, "carrel's own proxy has inside"},
      {{"--host-port", "80", "--publish", "80"}, "both published and the host's"},
      {{"--publish", "80:1", "--publish", "80:2"}, "another server is published"},
      {{"--publish", "nonsense"}, "is not a number from 1 to 65535"},
      {{"--host-port", "0"}, "is not a number from 1 to 65535"},
  };
  for (const auto& each : kCases) {
    const Ended ended = sealed({"/bin/true"}, each.options);
    EXPECT_TRUE(exited(ended, 125)) << describe(ended);
    EXPECT_TRUE(contains(ended.err, each.says)) << ended.err;
  }
}

TEST_P(Ports, APolicyFileNamesThem) {
  world().make_file("work/policy.toml",
                    "[network]\nhost_ports = [\"5432\"]\npublish = [\"127.0.0.1:8080:8000\"]\n");
  Process server(net().here(python(Ports::server("127.0.0.1", 5432))));
  ASSERT_TRUE(server.wait_for_output("listening"));
  const Ended ended = run(sealed_python(client(5432), {"--policy", "policy.toml"}));
  EXPECT_EQ(ended.out, "served 3\n") << describe(ended);
  const Ended explained = carrel({"explain", "--policy", "policy.toml"});
  EXPECT_TRUE(contains(explained.out, "port 8000 inside, at 127.0.0.1:8080 of this machine"))
      << explained.out;
}

}  // namespace
}  // namespace carrel::tests
