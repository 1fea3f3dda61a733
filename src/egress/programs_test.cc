// Programs that people run, against real servers, through both listeners.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

#include "egress/live_world.h"

namespace carrel::egress {
namespace {

using live::NameServer;
using live::Ran;
using live::RunningEngine;

// A folder that goes with the test.
class Folder {
 public:
  Folder() {
    char name[] = "/tmp/carrel-egress-XXXXXX";
    path_ = ::mkdtemp(name);
    // nginx started by root serves as another user.
    std::filesystem::permissions(path_, std::filesystem::perms(0755));
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(*this / name) << text;
  }

 private:
  std::string path_;
};

std::uint16_t free_port() { return live::listen_on_loopback(SOCK_STREAM).port; }

bool is_there(const std::string& program) {
  return live::run({"sh", "-c", "command -v " + program}).status == 0;
}

// nginx with HTTP, and HTTPS and HTTP/2 under a certificate for a.test and b.test.
class Nginx {
 public:
  Nginx() {
    folder_.write("small", "from nginx\n");
    std::ofstream(folder_ / "large") << std::string(20 << 20, 'x');
    const Ran made =
        live::run({"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                   "-keyout", folder_ / "key", "-out", folder_ / "certificate", "-subj",
                   "/CN=a.test", "-addext", "subjectAltName=DNS:a.test,DNS:b.test"});
    EXPECT_EQ(made.status, 0) << made.out;
    std::string conf = "daemon off; pid @pid; error_log @errors; events {}\nhttp { access_log off;";
    for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}) {
      conf += std::string(kind) + "_temp_path @" + kind + ";\n";
    }
    conf += "server { listen 127.0.0.1:" + std::to_string(http_) +
            "; listen 127.0.0.1:" + std::to_string(https_) +
            " ssl http2; root @; client_max_body_size 0;"
            "ssl_certificate @certificate; ssl_certificate_key @key;"
            "location /said { return 200 \"$http_host $request_uri $server_protocol\\n\"; } } }\n";
    for (std::size_t at; (at = conf.find('@')) != std::string::npos;) {
      conf.replace(at, 1, folder_ / "");
    }
    folder_.write("conf", conf);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::execlp("nginx", "nginx", "-p", (folder_ / "").c_str(), "-e", (folder_ / "errors").c_str(),
               "-c", (folder_ / "conf").c_str(), nullptr);
      ::_exit(127);
    }
    for (int i = 0; i < 200 && !std::filesystem::exists(folder_ / "pid"); ++i) ::usleep(20'000);
  }
  ~Nginx() {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
  }
  Nginx(const Nginx&) = delete;
  Nginx& operator=(const Nginx&) = delete;

  [[nodiscard]] std::string http(const std::string& host, const std::string& path) const {
    return "http://" + host + ":" + std::to_string(http_) + path;
  }
  [[nodiscard]] std::string https(const std::string& host, const std::string& path) const {
    return "https://" + host + ":" + std::to_string(https_) + path;
  }
  [[nodiscard]] std::uint16_t https_port() const { return https_; }
  [[nodiscard]] std::string certificate() const { return folder_ / "certificate"; }

 private:
  Folder folder_;
  std::uint16_t http_ = free_port();
  std::uint16_t https_ = free_port();
  pid_t pid_ = -1;
};

class Programs : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* program : {"nginx", "curl", "openssl", "wget", "python3", "ssh"}) {
      if (!is_there(program)) GTEST_SKIP() << program << " is not installed";
    }
    names_.set("a.test", {"127.0.0.1"});
    names_.set("b.test", {"127.0.0.1"});
    engine_.emplace(live::config_for(names_, live::rules({"a.test", "127.0.0.1"})));
    nginx_.emplace();
  }
  [[nodiscard]] std::string http_proxy() const {
    return "http://127.0.0.1:" + std::to_string(engine_->http_port());
  }
  [[nodiscard]] std::string socks_proxy(const std::string& scheme) const {
    return scheme + "://127.0.0.1:" + std::to_string(engine_->socks_port());
  }
  [[nodiscard]] Ran curl(const std::string& proxy, const std::vector<std::string>& words) const {
    std::vector<std::string> command = {
        "curl", "-sS", "-m", "20", "--cacert", nginx_->certificate(), "-x", proxy};
    command.insert(command.end(), words.begin(), words.end());
    return live::run(command);
  }

  NameServer names_;
  std::optional<RunningEngine> engine_;
  std::optional<Nginx> nginx_;
};

TEST_F(Programs, CurlReachesAllowedHostsByEveryWay) {
  for (const std::string& proxy : {http_proxy(), socks_proxy("socks5h"), socks_proxy("socks4a")}) {
    EXPECT_EQ(curl(proxy, {nginx_->http("a.test", "/small")}).out, "from nginx\n") << proxy;
    EXPECT_EQ(curl(proxy, {nginx_->https("a.test", "/small")}).out, "from nginx\n") << proxy;
  }
  EXPECT_EQ(curl(http_proxy(), {"-p", nginx_->http("a.test", "/small")}).out, "from nginx\n");
}

TEST_F(Programs, CurlIsToldWhatIsNotAllowed) {
  const Ran http = curl(http_proxy(), {"-i", nginx_->http("b.test", "/small")});
  EXPECT_NE(http.out.find("X-Proxy-Error: blocked-by-allowlist"), std::string::npos) << http.out;
  const Ran tunnel = curl(http_proxy(), {nginx_->https("b.test", "/small")});
  EXPECT_EQ(tunnel.status, 56) << tunnel.out;
  EXPECT_NE(tunnel.out.find("403"), std::string::npos) << tunnel.out;
  EXPECT_EQ(curl(socks_proxy("socks5h"), {nginx_->http("b.test", "/")}).status, 97);
}

TEST_F(Programs, CurlCannotFrontAnotherHost) {
  const std::string connect_to = "b.test:" + std::to_string(nginx_->https_port()) +
                                 ":a.test:" + std::to_string(nginx_->https_port());
  const Ran ran =
      curl(http_proxy(), {"--connect-to", connect_to, nginx_->https("b.test", "/small")});
  EXPECT_NE(ran.status, 0) << ran.out;
  EXPECT_NE(engine_->audit(1)[0].find("TLS asks for b.test"), std::string::npos);
}

TEST_F(Programs, CurlSpeaksHttp2InATunnel) {
  const Ran ran = curl(http_proxy(), {"--http2", nginx_->https("a.test", "/said?x")});
  EXPECT_EQ(ran.out, "a.test:" + std::to_string(nginx_->https_port()) + " /said?x HTTP/2.0\n");
}

TEST_F(Programs, CurlGetsTheHostOfTheUrlWhateverItSays) {
  const Ran ran = curl(http_proxy(), {"-H", "Host: b.test", nginx_->http("a.test", "/said")});
  EXPECT_TRUE(ran.out.starts_with("a.test:")) << ran.out;
}

TEST_F(Programs, CurlDownloadsAndUploadsMuch) {
  for (const std::string& proxy : {http_proxy(), socks_proxy("socks5h")}) {
    for (const std::string& url :
         {nginx_->http("a.test", "/large"), nginx_->https("a.test", "/large")}) {
      EXPECT_EQ(curl(proxy, {"-o", "/dev/null", "-w", "%{size_download}", url}).out, "20971520");
    }
  }
  Folder folder;
  std::ofstream(folder / "body") << std::string(5 << 20, 'x');
  for (const char* encoding : {"X: x", "Transfer-Encoding: chunked"}) {
    const Ran ran = curl(http_proxy(), {"-H", encoding, "--data-binary", "@" + (folder / "body"),
                                        "-w", "%{size_upload}", nginx_->http("a.test", "/said")});
    EXPECT_NE(ran.out.find("/said HTTP/1.1"), std::string::npos) << ran.out;
    const std::size_t line = ran.out.find('\n');
    ASSERT_NE(line, std::string::npos) << ran.out;
    EXPECT_GE(std::stol(ran.out.substr(line)), 5L << 20);  // curl counts the chunks' frames
  }
}

constexpr char kFetch[] =
    "import sys, urllib.request as u\n"
    "for url in sys.argv[1:]: print(u.urlopen(url).read().decode(), end='')";

TEST_F(Programs, WgetAndPythonAndOpensslGetThrough) {
  const Ran wget = live::run({"env", "http_proxy=" + http_proxy(), "https_proxy=" + http_proxy(),
                              "wget", "-qO-", "--ca-certificate=" + nginx_->certificate(),
                              nginx_->http("a.test", "/small"), nginx_->https("a.test", "/small")});
  EXPECT_EQ(wget.out, "from nginx\nfrom nginx\n");
  const Ran python = live::run(
      {"env", "-u", "no_proxy", "http_proxy=" + http_proxy(), "https_proxy=" + http_proxy(),
       "SSL_CERT_FILE=" + nginx_->certificate(), "python3", "-c", kFetch,
       nginx_->http("a.test", "/small"), nginx_->https("a.test", "/small")});
  EXPECT_EQ(python.out, "from nginx\nfrom nginx\n");
  const Ran openssl = live::run(
      {"sh", "-c",
       "printf 'GET /small HTTP/1.0\\r\\n\\r\\n' | openssl s_client -quiet -proxy 127.0.0.1:" +
           std::to_string(engine_->http_port()) + " -connect a.test:" +
           std::to_string(nginx_->https_port()) + " -servername a.test 2>/dev/null"});
  EXPECT_NE(openssl.out.find("from nginx"), std::string::npos) << openssl.out;
}

// What `nc -X 5` does.
constexpr char kSocksCommand[] =
    "import socket,struct,sys,threading,os\n"
    "s=socket.create_connection(('127.0.0.1',int(sys.argv[1])))\n"
    "h=sys.argv[2].encode()\n"
    "s.sendall(b'\\5\\1\\0\\5\\1\\0\\3'+bytes([len(h)])+h+struct.pack('>H',int(sys.argv[3])))\n"
    "d=b''\n"
    "while len(d)<12: d+=s.recv(12-len(d))\n"
    "def up():\n"
    "  while True:\n"
    "    b=os.read(0,4096)\n"
    "    if not b: break\n"
    "    s.sendall(b)\n"
    "threading.Thread(target=up,daemon=True).start()\n"
    "while True:\n"
    "  b=s.recv(4096)\n"
    "  if not b: break\n"
    "  os.write(1,b)\n";

TEST_F(Programs, SshIsToldWhyAHostIsRefused) {
  Folder folder;
  folder.write("connect.py", kSocksCommand);
  const Ran ran = live::run({"ssh", "-F", "/dev/null", "-o", "BatchMode=yes", "-o",
                             "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o",
                             "ProxyCommand=python3 " + (folder / "connect.py") + " " +
                                 std::to_string(engine_->socks_port()) + " %h %p",
                             "git@b.test", "true"});
  EXPECT_EQ(ran.status, 255);
  EXPECT_NE(ran.out.find("b.test:22 is not reachable: no rule of the policy allows it"),
            std::string::npos)
      << ran.out;
}

}  // namespace
}  // namespace carrel::egress
