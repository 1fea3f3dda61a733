#include "net_world.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace carrel::tests {
namespace {

constexpr char kHosts[] =
    "127.0.0.1 localhost\n"
    "93.184.215.14 web.test a.web.test git.test other.test\n"
    "10.9.9.9 private.test\n169.254.169.254 metadata.test\n127.0.0.1 loopback.test\n"
    "93.184.215.1 own.test\n";
// Nobody answers there, and the kernel says so at once.
constexpr char kResolver[] = "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n";
constexpr char kPasswd[] =
    "root:x:0:0::/root:/bin/bash\nnobody:x:65534:65534::/:/usr/sbin/nologin\n"
    "sshd:x:100:65534::/run/sshd:/usr/sbin/nologin\n";
// $1: the process that holds the other machine.
constexpr char kWire[] =
    "set -e; PATH=/usr/sbin:/sbin:/usr/bin:/bin\n"
    "ip link add wire type veth peer name eriw && ip link set eriw netns $1\n"
    "ip link set lo up; ip addr add 93.184.215.1/32 dev wire; ip link set wire up\n"
    "ip route add default dev wire\n"
    "nsenter -t $1 -n sh -c 'set -e; ip link set lo up; ip link set eriw up; "
    "for a in 93.184.215.14 10.9.9.9 169.254.169.254; do ip addr add $a/32 dev eriw; done; "
    "ip route add default dev eriw; echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start'\n";

[[noreturn]] void give_up(const std::string& what) {
  std::fprintf(stderr, "test harness: %s: %s\n", what.c_str(), ::strerrordesc_np(errno));
  ::_exit(1);
}

void write_existing(const char* path, const std::string& text) {
  const UniqueFd fd(::open(path, O_WRONLY | O_CLOEXEC));
  if (::write(fd.get(), text.data(), text.size()) == -1) give_up(path);
}

// A user namespace in which this user has every capability, and its programs too.
void take_capabilities() {
  const std::string uid = std::to_string(::geteuid());
  const std::string gid = std::to_string(::getegid());
  if (::unshare(CLONE_NEWUSER) != 0) give_up("unshare(CLONE_NEWUSER)");
  write_existing("/proc/self/setgroups", "deny");
  write_existing("/proc/self/uid_map", uid + " " + uid + " 1");
  write_existing("/proc/self/gid_map", gid + " " + gid + " 1");
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  if (::syscall(SYS_capget, &header, data) != 0) give_up("capget");
  for (auto& word : data) word.inheritable = word.permitted;
  if (::syscall(SYS_capset, &header, data) != 0) give_up("capset");
  for (const int capability : {CAP_NET_ADMIN, CAP_SYS_ADMIN, CAP_SYS_PTRACE}) {
    ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0);
  }
}

void cover(const std::string& file, const char* with) {
  if (::mount(file.c_str(), with, nullptr, MS_BIND, nullptr) != 0) give_up("mount " + file);
}

// Lives in the namespaces of "here"; a child of it in those of "there".
[[noreturn]] void hold(const std::string& folder, int ready) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const bool as_root = ::geteuid() == 0;
  if (!as_root) take_capabilities();
  if (::unshare(CLONE_NEWNS | CLONE_NEWNET) != 0) give_up("unshare");
  if (::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) give_up("mount /");
  cover(folder + "/hosts", "/etc/hosts");
  cover(folder + "/resolv.conf", "/etc/resolv.conf");
  cover(folder + "/passwd", "/etc/passwd");
  int moved[2];
  if (::pipe2(moved, O_CLOEXEC) != 0) give_up("pipe2");
  const pid_t other = ::fork();
  if (other == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::unshare(CLONE_NEWNET) != 0) give_up("unshare(CLONE_NEWNET)");
    ::close(moved[1]);
    ::close(moved[0]);
    for (;;) ::pause();
  }
  ::close(moved[1]);
  char byte = 0;
  (void)!::read(moved[0], &byte, 1);  // until the child has moved
  const std::string number = std::to_string(other);
  const pid_t script = ::fork();
  if (script == 0) {
    ::execl("/bin/sh", "sh", "-c", kWire, "sh", number.c_str(), nullptr);
    give_up("execl");
  }
  int status = 0;
  ::waitpid(script, &status, 0);
  if (status != 0) give_up("the wire between the two machines");
  (void)!::write(ready, &other, sizeof other);
  for (;;) ::pause();
}

std::vector<UniqueFd> namespaces_of(pid_t pid) {
  std::vector<UniqueFd> fds;
  const std::vector<const char*> kinds = ::geteuid() == 0
                                             ? std::vector<const char*>{"mnt", "net"}
                                             : std::vector<const char*>{"user", "mnt", "net"};
  for (const char* kind : kinds) {
    const std::string path = "/proc/" + std::to_string(pid) + "/ns/" + kind;
    fds.emplace_back(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  }
  return fds;
}

Invocation in(const std::vector<UniqueFd>& namespaces, Invocation invocation) {
  for (const UniqueFd& fd : namespaces) invocation.namespaces.push_back(fd.get());
  return invocation;
}

std::string with_folder(std::string text, const std::string& folder) {
  for (std::size_t at; (at = text.find("@F")) != std::string::npos;) text.replace(at, 2, folder);
  return text;
}

constexpr char kNginx[] =
    "daemon off; pid @F/web/pid; error_log @F/web/errors; events {}\n"
    "http { access_log off; client_body_temp_path @F/web/1; proxy_temp_path @F/web/2;\n"
    "fastcgi_temp_path @F/web/3; uwsgi_temp_path @F/web/4; scgi_temp_path @F/web/5;\n"
    "server { listen 80; listen 443 ssl http2; root @F/site; default_type application/json;\n"
    "ssl_certificate @F/tls/certificate; ssl_certificate_key @F/tls/key;\n"
    "location /said { return 200 \"$http_host $request_uri $server_protocol\\n\"; } } }\n";

constexpr char kSshd[] =
    "Port 22\nHostKey @F/ssh/host\nAuthorizedKeysFile @F/ssh/authorized\nUsePAM no\n"
    "StrictModes no\nPidFile none\nPermitRootLogin prohibit-password\n"
    "PasswordAuthentication no\n";

}  // namespace

NetWorld::NetWorld(World& world) : world_(world) {
  for (const char* program : {"/usr/sbin/nginx", "/usr/sbin/sshd", "/usr/bin/openssl",
                              "/usr/bin/python3", "/usr/bin/nsenter"}) {
    if (::access(program, X_OK) != 0) lacking_ = std::string(program) + " is not installed";
  }
  if (!lacking_.empty()) return;
  world_.make_file("net/hosts", kHosts);
  world_.make_file("net/resolv.conf", kResolver);
  const std::string id = std::to_string(::geteuid() == 0 ? kUserId : ::geteuid());
  world_.make_file("net/passwd", kPasswd + ("tester:x:" + id + ":" + id + "::/:/bin/bash\n"));
  world_.make_file("site/small", "from the web\n");
  int ready[2];
  if (::pipe2(ready, O_CLOEXEC) != 0) std::abort();
  const UniqueFd answer(ready[0]);
  UniqueFd theirs(ready[1]);
  holder_ = ::fork();
  if (holder_ == 0) hold(world_.root() + "/net", theirs.get());
  theirs.reset();
  if (::read(answer.get(), &other_, sizeof other_) != sizeof other_) {
    lacking_ = "this machine cannot have network namespaces joined by a wire (veth)";
    return;
  }
  here_ = namespaces_of(holder_);
  there_ = namespaces_of(other_);
}

NetWorld::~NetWorld() {
  // In order, so that nginx takes its workers along.
  for (const auto& server : servers_) {
    server->send_signal(SIGTERM);
    (void)server->wait();
  }
  here_.clear();
  there_.clear();
  if (holder_ <= 0) return;
  ::kill(holder_, SIGKILL);
  ::waitpid(holder_, nullptr, 0);
  // Its child follows, an orphan by now (adopt_orphans).
  if (other_ > 0) ::waitpid(other_, nullptr, 0);
}

Invocation NetWorld::here(Invocation invocation) const { return in(here_, std::move(invocation)); }
Invocation NetWorld::there(Invocation invocation) const {
  return in(there_, std::move(invocation));
}

std::string NetWorld::user_name() const { return ::geteuid() == 0 ? "root" : "tester"; }

void NetWorld::start(Invocation invocation, int port) {
  invocation.who = Who::kRoot;  // whoever runs the tests
  invocation.time_limit = std::chrono::minutes(5);
  servers_.push_back(std::make_unique<Process>(there(std::move(invocation))));
  const Ended listening = run(there(
      world_.plain({"/bin/bash", "-c",
                    "for i in $(seq 200); do (exec 3<>/dev/tcp/127.0.0.1/" + std::to_string(port) +
                        ") 2> /dev/null && exit 0; sleep 0.02; done; exit 1"})));
  if (listening.status == 0) return;
  std::fprintf(stderr, "test harness: no server on port %d: %s\n", port,
               describe(servers_.back()->wait()).c_str());
  std::abort();
}

void NetWorld::serve_web() {
  world_.make_dir("web");
  world_.make_dir("tls");
  const std::string tls = world_.root() + "/tls/";
  const Ended made = run(world_.plain(
      {"/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
       "-nodes", "-days", "2", "-keyout", tls + "key", "-out", tls + "certificate", "-subj",
       "/CN=web.test", "-addext", "subjectAltName=DNS:web.test,DNS:a.web.test"}));
  if (made.status != 0) std::fprintf(stderr, "%s\n", describe(made).c_str());
  const std::string conf = world_.make_file("web/conf", with_folder(kNginx, world_.root()));
  start(world_.plain({"/usr/sbin/nginx", "-p", world_.root() + "/web", "-e",
                      world_.root() + "/web/errors", "-c", conf}),
        80);
}

void NetWorld::serve_ssh() {
  world_.make_dir("ssh");
  const std::string folder = world_.root() + "/ssh/";
  Invocation host = world_.plain(
      {"/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", folder + "host"});
  host.who = Who::kRoot;
  (void)run(here(std::move(host)));
  (void)run(here(world_.plain(
      {"/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", key()})));
  world_.make_file("ssh/authorized", read_file(key() + ".pub"));
  const std::string conf = world_.make_file("ssh/conf", with_folder(kSshd, world_.root()));
  if (::geteuid() == 0) (void)!::system("mkdir -p /run/sshd");  // its own place
  start(world_.plain({"/usr/sbin/sshd", "-D", "-e", "-f", conf}), 22);
}

void NetWorld::serve_python(const std::string& script, int port) {
  const std::string path = world_.make_file("server.py", script);
  start(world_.plain({"/usr/bin/python3", path}), port);
}

}  // namespace carrel::tests
