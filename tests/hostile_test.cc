// Each program of tests/hostile inside: every attempt must be refused. The same
// program outside shows that the attempts which can work there do work, so that none
// is refused merely for being wrong.
#include <fcntl.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstddef>
#include <cstdlib>

#include "fixture.h"
#include "terminal.h"

namespace carrel::tests {
namespace {

using Names = std::vector<std::string>;

class Hostile : public Sandboxed {
 protected:
  // Runs it inside and wants every attempt refused.
  void expect_contained(const std::string& program, const Names& arguments = {},
                        const std::vector<std::string>& options = {}) {
    std::vector<std::string> command{world().hostile(program)};
    command.insert(command.end(), arguments.begin(), arguments.end());
    const Ended ended = sealed(command, options);
    EXPECT_TRUE(exited(ended, 0)) << program;
    EXPECT_TRUE(contains(ended.out, "refused ")) << describe(ended);
    EXPECT_FALSE(contains(ended.out, "ESCAPED")) << describe(ended);
  }

  // Runs only `names` outside and wants every one to succeed.
  void expect_works_outside(const std::string& program, const Names& names,
                            const Names& arguments = {}, const Names& wrapper = {}) {
    std::vector<std::string> command = wrapper;
    command.push_back(world().hostile(program));
    command.insert(command.end(), arguments.begin(), arguments.end());
    command.insert(command.end(), names.begin(), names.end());
    const Ended ended = run(world().plain(command));
    for (const std::string& name : names) {
      EXPECT_TRUE(contains(ended.out, "ESCAPED " + name))
          << "outside, " << program << ": " << describe(ended);
    }
  }
};
CARREL_AS_ROOT_AND_USER(Hostile);

TEST_P(Hostile, NamespacesAreNeitherMadeNorEntered) {
  Names proven = {"unshare-user", "unshare-user-mount", "clone-user",        "clone-user-net",
                  "clone3-user",  "clone3-user-mount",  "clone-garbage-bits"};
  if (is_root())
    proven.insert(proven.end(), {"unshare-mount", "unshare-net", "clone-pid", "setns-own-uts"});
  expect_works_outside("namespaces", proven);
  expect_contained("namespaces");
}

TEST_P(Hostile, MountsCannotBeChanged) {
  expect_works_outside("mounts",
                       {"mount-tmpfs", "mount-bind", "chroot", "open-tree", "fsopen", "fspick",
                        "mount-setattr", "propagation", "umount-nothing", "pivot-root"},
                       {}, {"/usr/bin/unshare", "--user", "--map-root-user", "--mount"});
  expect_contained("mounts");
}

TEST_P(Hostile, KernelInterfacesAreClosed) {
  Names proven = {"add-key", "join-keyring", "request-key", "userfaultfd"};
  if (is_root())
    proven.insert(proven.end(), {"open-by-handle", "fanotify", "reboot", "swapon", "acct"});
  expect_works_outside("kernel_interfaces", proven);
  expect_contained("kernel_interfaces");
}

TEST_P(Hostile, OnlyInternetSocketsAndRoutingNetlinkCanBeMade) {
  Names proven = {"unix",     "netlink-uevent",    "netlink-generic",     "pair-datagram",
                  "pair-raw", "unix-garbage-bits", "netlink-garbage-bits"};
  if (is_root())
    proven.insert(proven.end(), {"packet", "packet-garbage-bits", "raw-icmp", "raw-type-garbage"});
  expect_works_outside("sockets", proven);
  expect_contained("sockets");
}

TEST_P(Hostile, NothingLeavesByTheNetwork) {
  const UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener.get(), 16), 0);
  ASSERT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  const std::string port = "port=" + std::to_string(ntohs(address.sin_port));
  expect_works_outside("network", {"host-loopback", "any-address"}, {port});
  expect_contained("network", {port});
}

UniqueFd listening(int type, const sockaddr_un& address, socklen_t size) {
  UniqueFd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
  if (type == SOCK_STREAM) {
    EXPECT_EQ(::listen(fd.get(), 16), 0);
  }
  return fd;
}

UniqueFd listening_at(int type, const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  UniqueFd fd = listening(type, address, sizeof address);
  ::chmod(path.c_str(), 0777);
  return fd;
}

UniqueFd listening_abstract(const std::string& name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path + 1, sizeof address.sun_path - 2);
  return listening(SOCK_STREAM, address,
                   static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size()));
}

TEST_P(Hostile, UnixSocketsOfTheHostAreOutOfReach) {
  const std::string abstract = "carrel-test-" + std::to_string(::getpid());
  const UniqueFd stream = listening_at(SOCK_STREAM, world().work() + "/stream");
  const UniqueFd datagram = listening_at(SOCK_DGRAM, world().outside() + "/datagram");
  const UniqueFd hidden = listening_abstract(abstract);
  const Names arguments = {"path=" + world().work() + "/stream", "abstract=" + abstract,
                           "datagram=" + world().outside() + "/datagram"};
  expect_works_outside(
      "unix_sockets",
      {"path", "abstract", "datagram", "pair-send", "pair-connect", "raw-pair-send"}, arguments);
  expect_contained("unix_sockets", arguments);
}

TEST_P(Hostile, UnixSocketsByPathAreReachedOnlyIfThePolicySaysSoAndAbstractOnesNever) {
  const std::string abstract = "carrel-test-" + std::to_string(::getpid());
  const UniqueFd stream = listening_at(SOCK_STREAM, world().work() + "/stream");
  const UniqueFd hidden = listening_abstract(abstract);
  const std::string policy =
      world().make_file("outside/policy.toml", "[network]\nunix_sockets = \"all\"\n");
  const Ended ended = sealed({world().hostile("unix_sockets"), "path=" + world().work() + "/stream",
                              "abstract=" + abstract, "path", "abstract"},
                             {"--policy", policy});
  EXPECT_TRUE(contains(ended.out, "ESCAPED path")) << describe(ended);  // here it is meant to
  EXPECT_TRUE(contains(ended.out, "refused abstract")) << describe(ended);
}

// A standard stream that is a datagram socket could be connected anew to any path.
TEST_P(Hostile, DatagramSocketAsInputReachesNoOtherSocket) {
  const UniqueFd datagram = listening_at(SOCK_DGRAM, world().outside() + "/datagram");
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd ours(ends[0]);
  const UniqueFd theirs(ends[1]);
  Invocation invocation =
      sealed_invocation({world().hostile("unix_sockets"),
                         "datagram=" + world().outside() + "/datagram", "stdin-connect"});
  invocation.stdin_fd = theirs.get();
  const Ended ended = run(invocation);
  EXPECT_FALSE(contains(ended.out, "ESCAPED")) << describe(ended);
}

TEST_P(Hostile, IpcObjectsOfTheHostAreOutOfReach) {
  const key_t key = 0x43000000 + ::getpid();
  const std::string name = "carrel-test-" + std::to_string(::getpid());
  const int shm = ::shmget(key, 4096, IPC_CREAT | 0666);
  const int msg = ::msgget(key, IPC_CREAT | 0666);
  const int sem = ::semget(key, 1, IPC_CREAT | 0666);
  ::umask(0);
  const UniqueFd queue(
      ::mq_open(("/" + name).c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0666, nullptr));
  const UniqueFd memory(::shm_open(("/" + name).c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0666));
  ::umask(022);
  const Names arguments = {"key=" + std::to_string(key), "shm=" + std::to_string(shm),
                           "msg=" + std::to_string(msg), "mq=" + name, "posix=" + name};
  expect_works_outside("host_ipc",
                       {"shm-by-key", "shm-by-id", "msg-by-key", "msg-by-id", "sem-by-key",
                        "posix-queue", "posix-memory"},
                       arguments);
  expect_contained("host_ipc", arguments);
  ::shmctl(shm, IPC_RMID, nullptr);
  ::msgctl(msg, IPC_RMID, nullptr);
  ::semctl(sem, 0, IPC_RMID);
  ::mq_unlink(("/" + name).c_str());
  ::shm_unlink(("/" + name).c_str());
}

TEST_P(Hostile, CallsOfOtherArchitecturesAreKilled) {
#ifdef __x86_64__
  expect_works_outside("foreign_calls", {"i386"});
  const Ended ended = sealed({world().hostile("foreign_calls")});
  for (const char* name : {"i386", "i386-unshare", "x32", "x32-unshare"}) {
    EXPECT_TRUE(contains(ended.out, "refused " + std::string(name) + ": signal 31"))
        << describe(ended);
  }
#endif
  expect_contained("foreign_calls");
}

TEST_P(Hostile, NothingIsTypedIntoTheTerminal) {
  {
    // Newer kernels let only the administrator do it, if anybody.
    Terminal outside(world().plain({world().hostile("terminal"), "tiocsti-stdin"}));
    const Ended ended = outside.wait();
    if (is_root()) {
      EXPECT_TRUE(contains(ended.out, "ESCAPED tiocsti-stdin")) << describe(ended);
    }
  }
  Terminal inside(
      world().plain({"/bin/bash", "-c",
                     "'" + world().carrel() + "' run -- " + world().hostile("terminal") +
                         "; echo status $?; read -t 1 line; echo \"read:$line\""}));
  const Ended ended = inside.wait();
  EXPECT_FALSE(contains(ended.out, "ESCAPED")) << describe(ended);
  EXPECT_TRUE(contains(ended.out, "status 0")) << describe(ended);
  EXPECT_TRUE(contains(ended.out, "read:\r\n")) << describe(ended);
  EXPECT_FALSE(contains(ended.out, "pushed")) << describe(ended);
}

TEST_P(Hostile, SetuidAndSetgidFilesCannotBePlanted) {
  Names proven;
  for (const char* bit : {"-setuid", "-both"}) {
    for (const char* call : {"fchmod", "fchmodat", "fchmodat-proc", "openat", "openat-tmpfile",
                             "openat2", "mknodat", "mknodat-no-type", "mknodat-fifo"}) {
      proven.push_back(std::string(call) + bit);
    }
  }
  expect_works_outside("setuid_bits", proven);
  expect_contained("setuid_bits");
  EXPECT_EQ(run(world().plain({"/usr/bin/find", world().root(), "-perm", "/6000"})).out, "");
}

TEST_P(Hostile, OrdinaryModesCanStillBeSet) {
  EXPECT_TRUE(
      exited(sealed_script("set -e; touch f; chmod 755 f; mkdir -p -m 700 d; chmod 1777 d; "
                           "install -m 755 /bin/true t; ./t; chmod -x t; umask 077; touch g; "
                           "[ $(stat -c %a g) = 600 ]"),
             0));
}

TEST_P(Hostile, DevicesCanNeitherBeMadeNorOpened) {
  if (is_root()) expect_works_outside("devices", {"make-memory", "make-disk", "kernel-log"});
  expect_contained("devices");
}

TEST_P(Hostile, FilesOfTheKernelCannotBeWritten) {
  if (is_root()) {
    expect_works_outside("kernel_files", {"/proc/sys/kernel/core_pattern", "walk-sys"});
  }
  expect_contained("kernel_files");
}

TEST_P(Hostile, Pid1CannotBeTakenOver) {
  Process victim(world().plain({"/bin/sleep", "60"}));
  ::usleep(100000);
  expect_works_outside("other_process",
                       {"mem-read", "exe-read", "root", "cwd", "environ", "maps", "auxv",
                        "exe-link", "cwd-link", "namespace-link", "descriptor-links",
                        "descriptors-open", "ptrace-seize", "read-memory", "kcmp"},
                       {"pid=" + std::to_string(victim.pid())});
  expect_contained("other_process", {"pid=1"});
}

TEST_P(Hostile, RuntimeCannotBeOverwritten) {
  const std::string before = read_file(world().carrel());
  const std::string copy = world().make_file("outside/copy", before, 0755);
  expect_works_outside("runtime", {"runtime"}, {"runtime=" + copy});
  expect_contained("runtime", {"runtime=" + world().carrel()});
  EXPECT_TRUE(read_file(world().carrel()) == before);
}

// Also where carrel's own file lies in the folder that the command may write.
TEST_P(Hostile, RuntimeThatRunsIsNotTheFileInAWritableFolder) {
  const std::string copy = world().make_file("work/carrel", read_file(world().carrel()), 0755);
  Invocation invocation = world().plain({copy, "run", "--", "/bin/bash", "-c",
                                         "for f in /proc/1/exe /proc/$PPID/exe; do (echo x > $f) "
                                         "2>/dev/null && echo ESCAPED; done; true"});
  const Ended ended = run(invocation);
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_FALSE(contains(ended.out, "ESCAPED")) << describe(ended);
}

TEST_P(Hostile, InheritedDescriptorsAreClosed) {
  const UniqueFd folder(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const UniqueFd path(::open("/", O_PATH | O_CLOEXEC));
  const UniqueFd file(::open((world().outside() + "/file.txt").c_str(), O_RDWR | O_CLOEXEC));
  const std::vector<std::pair<int, int>> leaked = {
      {folder.get(), 3}, {path.get(), 10}, {file.get(), 11}, {folder.get(), 63}, {file.get(), 400}};
  Invocation outside = world().plain({world().hostile("descriptors")});
  outside.fds = leaked;
  const Ended witness = run(outside);
  EXPECT_TRUE(contains(witness.out, "ESCAPED any-above-2")) << describe(witness);
  EXPECT_TRUE(contains(witness.out, "ESCAPED leave-through-a-folder")) << describe(witness);

  Invocation inside = sealed_invocation({world().hostile("descriptors")});
  inside.fds = leaked;
  EXPECT_TRUE(exited(run(inside), 0));
}

TEST_P(Hostile, NoLinkLeadsOutAndNothingIsBroughtIn) {
  const std::string target = world().outside() + "/file.txt";
  const Names arguments = {"outside=" + target};
  expect_works_outside(
      "links_out",
      {"symbolic-link", "write-by-root", "reopen-for-writing", "hard-link",
       "hard-link-by-descriptor", "exchange", "move-in", "truncate", "change-mode", "change-times"},
      arguments);
  const std::string before = read_file(target);
  expect_contained("links_out", arguments);
  EXPECT_EQ(read_file(target), before);
}

}  // namespace
}  // namespace carrel::tests
