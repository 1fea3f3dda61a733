// Gateways, credentials that stay outside, and TLS that is inspected: real clients
// inside a sandbox, real servers with TLS across a wire.
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "network_fixture.h"

namespace carrel::tests {
namespace {

using namespace std::chrono_literals;

// Says what it was asked; /slow sends an event, and the next only when it may;
// /echo shows the request's key in its answer's head.
constexpr char kServer[] = R"py(
import http.server, os, socket, ssl, sys, time
folder = os.path.dirname(os.path.abspath(__file__))
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def log_message(self, *a): pass
    def do_GET(self):
        body = b''
        if self.headers.get('transfer-encoding') == 'chunked':
            while True:
                size = int(self.rfile.readline(), 16)
                body += self.rfile.read(size); self.rfile.readline()
                if size == 0: break
        else:
            body = self.rfile.read(int(self.headers.get('content-length') or 0))
        if self.path.endswith('/slow'):
            self.send_response(200)
            self.send_header('content-type', 'text/event-stream')
            self.end_headers()
            self.close_connection = True
            self.wfile.write(b'data: first\n\n'); self.wfile.flush()
            self.connection.settimeout(20)
            try: left = self.connection.recv(1) == b''
            except (OSError, ssl.SSLError): left = True
            open(folder + '/left', 'w').write('yes' if left else 'no')
            return
        if self.path.endswith('/wait'):
            self.send_response(200); self.send_header('transfer-encoding', 'chunked'); self.end_headers()
            self.wfile.write(b'6\r\nfirst\n\r\n'); self.wfile.flush()
            while not os.path.exists(folder + '/work/go'): time.sleep(0.02)
            self.wfile.write(b'7\r\nsecond\n\r\n0\r\n\r\n')
            return
        text = self.command + ' ' + self.path + '\n'
        text += ''.join('%s: %s\n' % (k.lower(), v) for k, v in self.headers.items()
                        if k.lower() in ('host', 'x-api-key', 'authorization'))
        text = (text + 'body %d\n' % len(body)).encode()
        self.send_response(200)
        self.send_header('content-length', str(len(text)))
        if self.path.endswith('/echo'):
            self.send_header('x-echo', self.headers.get('x-api-key', ''))
            self.send_header('x-kept', 'kept')
        if self.path.endswith('/moved'):
            self.send_header('location', 'https://web.test:8443/v1/there')
        self.end_headers()
        self.wfile.write(text)
    do_POST = do_GET
    do_PUT = do_GET
class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 64
    def get_request(self):
        s, a = super().get_request()
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s, a
server = Server(('0.0.0.0', 8443), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(folder + '/tls/certificate', folder + '/tls/key')
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()
)py";

class Inspect : public Networked {
 protected:
  void serve() {
    net().serve_web();
    net().serve_python(kServer, 8443);
  }
  // A script of bash under `policy`; what carrel trusts is the world's certificate.
  Invocation invocation(const std::string& policy, const std::string& script,
                        std::vector<std::string> options = {}) {
    world().make_file("policy.toml", policy);
    options.insert(options.end(), {"--policy", world().root() + "/policy.toml"});
    Invocation made = net().here(sealed_invocation({"/bin/bash", "-c", script}, options));
    made.env["SSL_CERT_FILE"] = net().certificate();
    return made;
  }
  Ended under(const std::string& policy, const std::string& script,
              std::vector<std::string> options = {}) {
    return run(invocation(policy, script, std::move(options)));
  }
  bool appears(const std::string& file, const std::string& text) {
    for (int i = 0; i < 300; ++i) {
      if (read_file(world().root() + "/" + file) == text) return true;
      std::this_thread::sleep_for(20ms);
    }
    return false;
  }
};
CARREL_AS_ROOT_AND_USER(Inspect);

constexpr char kGateway[] = "[[gateway]]\nname = \"model\"\nurl = \"https://web.test:8443/v1\"\n";
constexpr char kModelKey[] =
    "[[credential]]\ngateway = \"model\"\nheader = \"x-api-key\"\nenv = \"ANTHROPIC_API_KEY\"\n"
    "placeholder_env = \"ANTHROPIC_API_KEY\"\n";
constexpr char kInspected[] =
    "[network]\nallow = [\"web.test\", \"a.web.test\"]\ninspect = [\"web.test\", \"*.web.test\"]\n";

TEST_P(Inspect, GatewayStandsForItsBaseUrl) {
  serve();
  const Ended ended =
      under(kGateway,
            "curl -sS 'http://model.gateway/messages?a=%2e'; curl -sS -X POST -d abc "
            "http://model.gateway/; curl -sS --noproxy '' -x socks5h://localhost:1080 "
            "http://model.gateway/by/socks");
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_EQ(ended.out,
            "GET /v1/messages?a=%2e\nhost: web.test:8443\nbody 0\n"
            "POST /v1/\nhost: web.test:8443\nbody 3\n"
            "GET /v1/by/socks\nhost: web.test:8443\nbody 0\n");
}

TEST_P(Inspect, GatewayOpensNothingBesideItself) {
  serve();
  const Ended ended =
      under(kGateway,
            "curl -sS https://web.test:8443/v1/x; curl -sS http://web.test:8443/; curl -sS "
            "http://other.gateway/; curl -sS https://model.gateway/; getent hosts "
            "model.gateway; true");
  EXPECT_TRUE(contains(ended.err, "403")) << describe(ended);
  EXPECT_TRUE(contains(ended.out, "web.test:8443 is not reachable")) << describe(ended);
  EXPECT_TRUE(contains(ended.out, "the policy has no such one, only model.gateway"))
      << describe(ended);
  EXPECT_FALSE(contains(ended.out, "host: ")) << describe(ended);
}

TEST_P(Inspect, GatewayPathNeverLeavesItsBase) {
  serve();
  const Ended ended =
      under(kGateway,
            "for p in /../x /a/../../x /%2e%2e/x /.%2E/x /a%2f..%2fx '/..;/x' /a//b '/a\\b' "
            "/%252e%252e/x "
            "/%c0%ae/x /a/. /%00; do curl -sS --path-as-is -o /dev/null -w '%{http_code} ' "
            "\"http://model.gateway$p\"; done; curl -sS http://model.gateway/a%20b/c.d/");
  EXPECT_EQ(ended.out.substr(0, 48), "400 400 400 400 400 400 400 400 400 400 400 400 ")
      << describe(ended);
  EXPECT_TRUE(contains(ended.out, "GET /v1/a%20b/c.d/\n")) << describe(ended);
}

TEST_P(Inspect, KeyIsPutInOutsideAndNeverSeenInside) {
  serve();
  Invocation made = invocation(
      std::string(kGateway) + kModelKey + "[environment]\npass = [\"ANTHROPIC_API_KEY\"]\n",
      "curl -sS -H \"x-api-key: $ANTHROPIC_API_KEY\" http://model.gateway/a; curl -sS "
      "http://model.gateway/b; echo $ANTHROPIC_API_KEY; env; cat /proc/*/environ /proc/*/cmdline "
      "2> /dev/null | tr '\\0' '\\n' | grep -c 'carrel-test-secre[t]'",
      {"--log", "net.log"});
  const Ended ended = run(made);
  const std::string with_key = "x-api-key: " + std::string(kSecret) + "\nbody 0\n";
  ASSERT_TRUE(contains(ended.out, "GET /v1/a\nhost: web.test:8443\n" + with_key))
      << describe(ended);
  ASSERT_TRUE(contains(ended.out, "GET /v1/b\nhost: web.test:8443\n" + with_key))
      << describe(ended);
  const std::string rest = ended.out.substr(ended.out.rfind("body 0\n"));
  EXPECT_TRUE(contains(rest, "\ncarrel-placeholder-")) << rest;
  EXPECT_FALSE(contains(rest, kSecret)) << rest;
  EXPECT_TRUE(rest.ends_with("\n0\n")) << rest;
  const std::string log = read_file(world().work() + "/net.log");
  EXPECT_TRUE(contains(log, "\"credential\":\"model\"")) << log;
  EXPECT_TRUE(contains(log, "\"gateway\":\"model\"")) << log;
  EXPECT_FALSE(contains(log, kSecret)) << log;
}

TEST_P(Inspect, ExplainNeverShowsTheKey) {
  world().make_file("policy.toml", std::string(kGateway) + kModelKey);
  for (const std::vector<std::string>& more :
       {std::vector<std::string>{}, std::vector<std::string>{"--json"}}) {
    std::vector<std::string> arguments = {"explain", "--policy", world().root() + "/policy.toml"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    Invocation made = net().here(world().carrel(arguments));
    made.env["SSL_CERT_FILE"] = world().root() + "/policy.toml";  // one that is there
    const Ended ended = run(made);
    EXPECT_TRUE(exited(ended, 0));
    EXPECT_TRUE(contains(ended.out, "https://web.test:8443/v1")) << ended.out;
    EXPECT_FALSE(contains(ended.out, kSecret)) << ended.out;
  }
}

TEST_P(Inspect, OwnKeyPassesUntouchedUnlessThePolicySaysOnly) {
  serve();
  const std::string script =
      "curl -sS -H 'x-api-key: mine' http://model.gateway/; curl -sS -H 'Authorization: Bearer "
      "mine' http://model.gateway/";
  const Ended free = under(std::string(kGateway) + kModelKey, script);
  EXPECT_TRUE(contains(free.out, "x-api-key: mine\n")) << describe(free);
  const Ended only = under(std::string(kGateway) + kModelKey + "only = true\n", script);
  EXPECT_TRUE(contains(only.out, "it carries a key of its own in x-api-key")) << describe(only);
  EXPECT_TRUE(contains(only.out, "it carries a key of its own in Authorization")) << describe(only);
  EXPECT_FALSE(contains(only.out, "host: ")) << describe(only);
}

TEST_P(Inspect, PlaceholderIsRefusedEverywhereElse) {
  serve();
  const std::string policy =
      std::string(kInspected) + kGateway + kModelKey + "paths = [\"/v1/**\", \"/messages\"]\n";
  const Ended ended = under(
      policy,
      "K=$ANTHROPIC_API_KEY; curl -sS -H \"x-api-key: $K\" http://model.gateway/other; curl -sS -H "
      "\"x-other: $K\" http://model.gateway/messages; curl -sS \"https://web.test:8443/?k=$K\"; "
      "curl -sS -u \"me:$K\" http://web.test/small; curl -sS -H \"x-api-key: $K\" "
      "http://model.gateway/messages");
  std::size_t refusals = 0;
  for (std::size_t at = 0;
       (at = ended.out.find("it carries the placeholder", at)) != std::string::npos; ++at) {
    ++refusals;
  }
  EXPECT_EQ(refusals, 4u) << describe(ended);
  EXPECT_TRUE(contains(ended.out, "GET /v1/messages\n")) << describe(ended);
}

TEST_P(Inspect, AnswerDoesNotEchoTheKeyInItsHead) {
  serve();
  const Ended ended = under(std::string(kGateway) + kModelKey,
                            "curl -sS -D - -o /dev/null http://model.gateway/echo; curl -sS -D - "
                            "-o /dev/null http://model.gateway/moved");
  EXPECT_TRUE(contains(ended.out, "x-kept: kept")) << describe(ended);
  EXPECT_FALSE(contains(ended.out, kSecret)) << describe(ended);
  EXPECT_TRUE(contains(ended.out, "http://model.gateway/there")) << describe(ended);
}

TEST_P(Inspect, SecretComesFromAFileOrACommandAndItsFileIsHidden) {
  serve();
  world().make_file("home/key", "from-a-file\n");
  const Ended file = under(std::string(kGateway) +
                               "[[credential]]\ngateway = \"model\"\nbasic = { user = \"me\" }\n"
                               "file = \"~/key\"\n",
                           "curl -sS http://model.gateway/; cat ~/key");
  EXPECT_TRUE(contains(file.out, "authorization: Basic bWU6ZnJvbS1hLWZpbGU=\n")) << describe(file);
  EXPECT_FALSE(contains(file.out, "from-a-file")) << describe(file);
  const Ended command = under(std::string(kGateway) +
                                  "[[credential]]\ngateway = \"model\"\nquery = \"key\"\n"
                                  "command = [\"sh\", \"-c\", \"pwd; exit 0\"]\n",
                              "curl -sS 'http://model.gateway/x?a=1&key=&b=2'");
  EXPECT_TRUE(contains(command.out, "host: ") &&
              contains(command.out, "GET /v1/x?a=1&b=2&key=%2F\n"))
      << describe(command);
}

TEST_P(Inspect, MissingSecretStopsTheRunWithWhatToDo) {
  const std::string base = std::string(kGateway) +
                           "[[credential]]\ngateway = \"model\"\nheader = "
                           "\"x-api-key\"\n";
  world().make_file("cert", "-");
  const auto refused_with = [&](const std::string& source) {
    Invocation made = invocation(base + source, "true");
    made.env["SSL_CERT_FILE"] = world().root() + "/cert";
    return run(made);
  };
  EXPECT_TRUE(
      refused(refused_with("env = \"NOT_SET\"\n"), "the variable NOT_SET is not set; set it"));
  EXPECT_TRUE(refused(refused_with("file = \"/no/such\"\n"), "the file /no/such cannot be read"));
  const Ended failed = refused_with("command = [\"sh\", \"-c\", \"echo hush; exit 3\"]\n");
  EXPECT_TRUE(refused(failed, "exited with 3; it must print the secret"));
  EXPECT_FALSE(contains(failed.err, "hush\n"));
}

TEST_P(Inspect, EventsArriveWhileTheServerHoldsTheRest) {
  serve();
  Process process(invocation(kGateway, "curl -sSN http://model.gateway/wait"));
  EXPECT_TRUE(process.wait_for_output("first\n"));
  world().make_file("work/go", "");
  const Ended ended = process.wait();
  EXPECT_EQ(ended.out, "first\nsecond\n") << describe(ended);
}

TEST_P(Inspect, ClientThatLeavesEndsTheUpstreamAtOnce) {
  serve();
  const Ended gateway = under(kGateway, "curl -sSN -m 1 http://model.gateway/slow; sleep 2");
  EXPECT_TRUE(contains(gateway.out, "data: first")) << describe(gateway);
  EXPECT_TRUE(appears("left", "yes"));
  ASSERT_EQ(::unlink((world().root() + "/left").c_str()), 0);
  const Ended inspected = under(kInspected, "curl -sSN -m 1 https://web.test:8443/slow; sleep 2");
  EXPECT_TRUE(contains(inspected.out, "data: first")) << describe(inspected);
  EXPECT_TRUE(appears("left", "yes"));
}

TEST_P(Inspect, UpstreamCertificateMustBeTheHosts) {
  serve();
  // The certificate bears web.test and a.web.test, not git.test.
  const Ended wrong = under("[[gateway]]\nname = \"model\"\nurl = \"https://git.test:8443\"\n",
                            "curl -sS -i http://model.gateway/");
  EXPECT_TRUE(contains(wrong.out, "HTTP/1.1 502")) << describe(wrong);
  EXPECT_TRUE(contains(wrong.out, "X-Proxy-Error: tls-failed")) << describe(wrong);
  EXPECT_TRUE(contains(wrong.out, "certificate is not valid: hostname mismatch"))
      << describe(wrong);
  // Nobody vouches for it.
  Invocation made = invocation(kGateway, "curl -sS http://model.gateway/");
  world().make_dir("other");
  const std::string other = world().root() + "/other/";
  (void)run(world().plain({"/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                           "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-keyout",
                           other + "key", "-out", other + "certificate", "-subj", "/CN=else"}));
  made.env["SSL_CERT_FILE"] = other + "certificate";
  const Ended unknown = run(made);
  EXPECT_TRUE(contains(unknown.out, "its certificate is not valid: self")) << describe(unknown);
}

TEST_P(Inspect, ExpiredUpstreamCertificateIsRefused) {
  net().serve_web();
  const std::string tls = world().root() + "/tls/";
  world().make_file("tls/conf",
                    "[ca]\ndefault_ca = d\n[d]\ndatabase = " + tls + "index\nserial = " + tls +
                        "serial\nnew_certs_dir = " + tls +
                        "\ndefault_md = sha256\npolicy = p\nx509_extensions = e\n[p]\ncommonName = "
                        "supplied\n[e]\nsubjectAltName = DNS:web.test\n");
  world().make_file("tls/index", "");
  world().make_file("tls/serial", "01\n");
  const Ended made = run(world().plain(
      {"/bin/bash", "-c",
       "cd " + tls +
           " && openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key "
           "-out request -subj /CN=web.test && openssl ca -batch -notext -selfsign -config conf "
           "-keyfile key -in request -out certificate -startdate 20200101000000Z -enddate "
           "20200201000000Z"}));
  ASSERT_TRUE(exited(made, 0));
  net().serve_python(kServer, 8443);
  const Ended ended = under(kGateway, "curl -sS http://model.gateway/");
  EXPECT_TRUE(contains(ended.out, "certificate has expired")) << describe(ended);
}

TEST_P(Inspect, ProgramsTrustTheSandboxAndReachInspectedHosts) {
  serve();
  const Ended ended = under(
      kInspected,
      "curl -sS https://web.test/small && wget -qO- https://web.test/small && python3 -c \"import "
      "urllib.request as r; print(r.urlopen('https://web.test/small').read().decode(), end='')\" "
      "&& curl -sS --noproxy '' -x socks5h://localhost:1080 https://a.web.test/small && "
      "env -u SSL_CERT_FILE -u CURL_CA_BUNDLE curl -sS https://web.test/small && "
      "curl -sS https://web.test/small -w '%{certs}' | grep -o 'Issuer:.*Carrel'",
      {"--log", "net.log"});
  EXPECT_TRUE(contains(ended.out, "from the web\nfrom the web\nfrom the web\nfrom the web\n"))
      << describe(ended);
  const std::string log = read_file(world().work() + "/net.log");
  EXPECT_TRUE(contains(log, "\"protocol\":\"https\"")) << log;
  EXPECT_TRUE(contains(log, "\"method\":\"GET\",\"path\":\"/small\"")) << log;
}

TEST_P(Inspect, GitClonesThroughInspection) {
  serve();
  const Ended made = run(world().plain(
      {"/bin/bash", "-c",
       "set -e; cd " + world().root() +
           "/site; git init -q --bare repo.git; git init -q t; cd t; git config user.email a@b; "
           "git config user.name a; echo hello > f; git add f; git commit -qm x; git push -q "
           "../repo.git HEAD:master; cd ../repo.git; git update-server-info"}));
  ASSERT_TRUE(exited(made, 0));
  const Ended ended = under(kInspected, "git clone -q https://web.test/repo.git && cat repo/f");
  EXPECT_EQ(ended.out, "hello\n") << describe(ended);
}

TEST_P(Inspect, NodeFetchesThroughInspection) {
  if (::access("/usr/bin/node", X_OK) != 0) GTEST_SKIP() << "node is not installed";
  serve();
  // fetch of older versions looks at no proxy variable; a CONNECT by hand does for all.
  const Ended ended = under(
      kInspected,
      "node -e \"const h=require('http'),s=require('https');h.request({host:'localhost',port:3128,"
      "method:'CONNECT',path:'web.test:443',headers:{host:'web.test:443'}}).on('connect',(r,k)=>{s."
      "get({host:'web.test',path:'/small',socket:k,agent:false,servername:'web.test'},r=>{r.pipe("
      "process.stdout)})}).end()\"");
  EXPECT_EQ(ended.out, "from the web\n") << describe(ended);
}

TEST_P(Inspect, RulesDecideByMethodAndPath) {
  serve();
  const std::string policy =
      std::string(kInspected) +
      "[[request]]\nhosts = [\"web.test:8443\"]\nmethods = [\"GET\"]\npaths "
      "= [\"/public/**\"]\naction = \"allow\"\n"
      "[[request]]\nhosts = [\"web.test:8443\"]\npaths = [\"/public/hidden\"]"
      "\naction = \"deny\"\nreason = \"ask first\"\n";
  const Ended ended = under(
      policy,
      "u=https://web.test:8443; curl -sS $u/public/a; curl -sS $u/public/hidden; curl -sS "
      "$u/public/%68idden; curl -sS -X PUT $u/public/a; curl -sS $u/private; curl -sS -H "
      "'X-HTTP-Method-Override: DELETE' $u/public/a; curl -sS -o /dev/null -w '%{http_code}\\n' "
      "https://a.web.test/small");
  EXPECT_TRUE(contains(ended.out, "GET /public/a\n")) << describe(ended);
  std::size_t denied = 0;
  for (std::size_t at = 0; (at = ended.out.find("denies it (ask first)", at)) != std::string::npos;
       ++at) {
    ++denied;
  }
  EXPECT_EQ(denied, 2u) << describe(ended);
  EXPECT_TRUE(contains(ended.out, "PUT /public/a at web.test:8443 is refused: no rule by request"))
      << describe(ended);
  EXPECT_TRUE(contains(ended.out, "GET /private at web.test:8443 is refused")) << describe(ended);
  EXPECT_TRUE(contains(ended.out, "asks for another method")) << describe(ended);
  EXPECT_TRUE(ended.out.ends_with("200\n")) << describe(ended);
}

TEST_P(Inspect, ProgramsThatKnowNoProxyAreInspectedAndHaveGateways) {
  serve();
  const std::string policy = std::string(kInspected) +
                             "[[request]]\nhosts = [\"web.test:8443\"]\npaths = "
                             "[\"/public/**\"]\naction = \"allow\"\n" +
                             kGateway;
  const Ended ended = under(
      policy,
      "curl='curl -sS --noproxy *'; set -f; $curl https://web.test:8443/public/a; $curl "
      "https://web.test:8443/private; $curl http://model.gateway/x; $curl "
      "http://other.gateway/; exec 3<>/dev/tcp/web.test/8443; echo plain >&3; cat <&3; echo over");
  EXPECT_TRUE(contains(ended.out, "GET /public/a\n")) << describe(ended);
  EXPECT_TRUE(contains(ended.out, "GET /private at web.test:8443 is refused")) << describe(ended);
  EXPECT_TRUE(contains(ended.out, "GET /v1/x\n")) << describe(ended);
  EXPECT_TRUE(contains(ended.err, "Could not resolve host: other.gateway")) << describe(ended);
  EXPECT_TRUE(ended.out.ends_with("over\n")) << describe(ended);
}

TEST_P(Inspect, RequestsAreBoundedInSize) {
  serve();
  const std::string policy = std::string(kInspected) +
                             "[[request]]\nhosts = [\"web.test:8443\"]\naction = \"allow\"\n"
                             "max_request_bytes = 1000\n";
  const Ended ended = under(
      policy,
      "u=https://web.test:8443/; head -c 1000 /dev/zero > 1; head -c 1001 /dev/zero > 2; for f in "
      "1 "
      "2; do curl -sS -o /dev/null -w '%{http_code} ' --data-binary @$f $u; curl -sS -o /dev/null "
      "-w '%{http_code} ' -H 'Transfer-Encoding: chunked' --data-binary @$f $u; done");
  EXPECT_EQ(ended.out, "200 200 413 413 ") << describe(ended);
}

TEST_P(Inspect, HostMustBeTheNameThatTlsWasMadeFor) {
  serve();
  const Ended ended = under(
      kInspected,
      "curl -sS -o /dev/null -w '%{http_code} ' -H 'Host: a.web.test' https://web.test/small; curl "
      "-sS -o /dev/null -w '%{http_code} ' -H 'Host: web.test:443' https://web.test/small; curl "
      "-sS "
      "--connect-to a.web.test:443:web.test:443 https://a.web.test/small; echo $?");
  EXPECT_TRUE(ended.out.starts_with("421 200 ")) << describe(ended);
  EXPECT_FALSE(ended.out.ends_with(" 0\n")) << describe(ended);
}

TEST_P(Inspect, WhatIsNotTlsIsRefusedAndWhatIsExcludedPasses) {
  serve();
  const Ended ended = under(
      "[network]\nallow = [\"web.test\"]\ninspect = [\"web.test\"]\ninspect_exclude = "
      "[\"web.test:443\"]\n",
      "curl -sS --cacert " + net().certificate() +
          " https://web.test/small; curl -sS -p -x http://localhost:3128 http://web.test:80/small; "
          "echo $?",
      {"--log", "net.log"});
  EXPECT_TRUE(contains(ended.out, "from the web\n")) << describe(ended);
  EXPECT_FALSE(contains(ended.out, "\n0\n")) << describe(ended);
  EXPECT_TRUE(contains(read_file(world().work() + "/net.log"), "is not TLS"));
}

TEST_P(Inspect, CredentialOfAHostIsPutIntoItsRequestsAlone) {
  serve();
  const std::string policy =
      std::string(kInspected) +
      "[[credential]]\nname = \"push\"\nhosts = [\"web.test:8443\"]\nmethods "
      "= [\"POST\"]\npaths = [\"/push/*\"]\nheader = \"Authorization\"\n"
      "scheme = \"Bearer\"\nenv = \"GITHUB_TOKEN\"\n";
  const Ended ended = under(policy,
                            "for u in https://web.test:8443/push/a https://web.test:8443/other; do "
                            "curl -sS -d x $u; curl -sS $u; done");
  const std::string bearer = "authorization: Bearer " + std::string(kSecret) + "\n";
  EXPECT_TRUE(contains(ended.out, "POST /push/a\nhost: web.test:8443\n" + bearer))
      << describe(ended);
  EXPECT_EQ(ended.out.find(bearer), ended.out.rfind(bearer)) << describe(ended);
}

TEST_P(Inspect, ThePolicyContradictsItselfWhereItOpensASecret) {
  world().make_file("home/key", "x");
  const std::string base = std::string(kGateway) +
                           "[[credential]]\ngateway = \"model\"\nheader = "
                           "\"x-api-key\"\nfile = \"~/key\"\n";
  world().make_file("a.toml", base + "[files]\nread = [\"~/key\"]\n");
  EXPECT_TRUE(refused(sealed({"true"}, {"--policy", world().root() + "/a.toml"}),
                      "is in files.read, and holds the secret"));
  world().make_file("b.toml", std::string(kGateway) + kModelKey +
                                  "[environment]\nset = { ANTHROPIC_API_KEY = \"x\" }\n");
  EXPECT_TRUE(
      refused(sealed({"true"}, {"--policy", world().root() + "/b.toml"}), "is in environment.set"));
}

}  // namespace
}  // namespace carrel::tests
