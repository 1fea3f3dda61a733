// What a sandboxed command is: its privileges, namespaces, mounts and neighbours.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <set>
#include <sstream>

#include "fixture.h"

namespace carrel::tests {
namespace {

class Isolation : public Sandboxed {
 protected:
  // "Name" -> value of /proc/self/status inside.
  std::map<std::string, std::string> status() {
    std::map<std::string, std::string> fields;
    std::istringstream lines(sealed({"/bin/cat", "/proc/self/status"}).out);
    for (std::string line; std::getline(lines, line);) {
      const std::size_t colon = line.find(":\t");
      if (colon != std::string::npos) fields[line.substr(0, colon)] = line.substr(colon + 2);
    }
    return fields;
  }
};
CARREL_AS_ROOT_AND_USER(Isolation);

TEST_P(Isolation, AllFiveCapabilitySetsAreEmpty) {
  const auto fields = status();
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
    ASSERT_TRUE(fields.contains(set));
    EXPECT_EQ(fields.at(set), "0000000000000000") << set;
  }
}

TEST_P(Isolation, NoNewPrivilegesAndTwoFiltersAreInForce) {
  const auto fields = status();
  ASSERT_TRUE(fields.contains("Seccomp_filters"));
  EXPECT_EQ(fields.at("NoNewPrivs"), "1");
  EXPECT_EQ(fields.at("Seccomp"), "2");
  EXPECT_GE(std::stoi(fields.at("Seccomp_filters")), 2);
}

TEST_P(Isolation, SevenNamespacesAreItsOwn) {
  const Ended inside =
      sealed_script("for n in user mnt pid net ipc uts cgroup; do readlink /proc/self/ns/$n; done");
  std::istringstream lines(inside.out);
  for (const char* name : {"user", "mnt", "pid", "net", "ipc", "uts", "cgroup"}) {
    std::string ours;
    std::getline(lines, ours);
    EXPECT_TRUE(ours.starts_with(name)) << describe(inside);
    EXPECT_NE(ours, std::filesystem::read_symlink(std::string("/proc/self/ns/") + name).string());
  }
}

TEST_P(Isolation, TwoSandboxesShareNoNamespace) {
  const std::string script =
      "for n in user mnt pid net ipc uts cgroup; do readlink /proc/self/ns/$n; done";
  Invocation waiting = sealed_invocation({"/bin/bash", "-c", script + "; echo ready; read line"});
  waiting.input = "";
  Process first(waiting);
  ASSERT_TRUE(first.wait_for_output("ready"));
  // The first one still lives, so that no number can have been used again.
  std::istringstream lines(sealed_script(script).out);
  const std::string of_first = first.wait().out;
  int seen = 0;
  for (std::string line; std::getline(lines, line); ++seen) {
    EXPECT_FALSE(contains(of_first, line)) << line;
  }
  EXPECT_EQ(seen, 7);
}

TEST_P(Isolation, UserIsTheCallersWithoutAnyOtherGroup) {
  const Ended ended = sealed_script("id -u; id -g; id -G");
  const std::string id = is_root() ? "0" : std::to_string(::geteuid() == 0 ? kUserId : ::geteuid());
  EXPECT_TRUE(ended.out.starts_with(id + "\n" + (::geteuid() == 0 ? id + "\n" : "")))
      << describe(ended);
  if (::geteuid() == 0) {
    EXPECT_EQ(ended.out, id + "\n" + id + "\n" + id + "\n");
  }
}

TEST_P(Isolation, CapabilitiesCannotBeHadBack) {
  const Ended ended =
      sealed({"/usr/bin/python3", "-c",
              "import ctypes,os\nl=ctypes.CDLL(None,use_errno=True)\n"
              "class H(ctypes.Structure): _fields_=[('v',ctypes.c_uint32),('p',ctypes.c_int)]\n"
              "d=(ctypes.c_uint32*6)(*[0xffffffff]*6)\n"
              "print(l.capset(ctypes.byref(H(0x20080522,0)),d)<0, l.prctl(47,2,21,0,0)<0, "
              "l.prctl(24,21,0,0,0)<0)\n"
              "for f in (lambda: os.setuid(1), lambda: os.setgid(1), lambda: os.setgroups([1])):\n"
              "  try: f(); print('changed')\n"
              "  except OSError: print('refused')\n"});
  EXPECT_EQ(ended.out, "True True True\nrefused\nrefused\nrefused\n") << describe(ended);
}

TEST_P(Isolation, SetuidProgramGivesNothing) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make a setuid program of root's";
  const std::string program =
      world().make_file("outside/setuid-id", read_file("/usr/bin/id"), 0755);
  ASSERT_EQ(::chown(program.c_str(), 0, 0), 0);
  ASSERT_EQ(::chmod(program.c_str(), 06755), 0);
  EXPECT_EQ(run(world().plain({program, "-u"})).out, "0\n");  // outside it does
  const Ended ended = sealed({program, "-u"});
  EXPECT_EQ(ended.out, is_root() ? "0\n" : std::to_string(kUserId) + "\n") << describe(ended);
}

TEST_P(Isolation, HostNameIsThePolicys) {
  EXPECT_EQ(sealed({"/bin/uname", "-n"}).out, "carrel\n");
  const std::string policy =
      world().make_file("outside/policy.toml", "hostname = \"quiet-room\"\n");
  EXPECT_EQ(sealed({"/bin/uname", "-n"}, {"--policy", policy}).out, "quiet-room\n");
  EXPECT_NE(sealed({"/bin/hostname", "other"}).status, 0);
}

TEST_P(Isolation, SessionIsNew) {
  const Ended ended = sealed_script("ps -o sid= -p $$ | tr -d ' '");
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_NE(ended.out, "0\n");  // a session of outside would show as 0
}

TEST_P(Isolation, OnlyPid1AndTheCommandAreInside) {
  const Ended ended = sealed_script("echo /proc/[0-9]* | sed \"s/$$/self/\"; echo $PPID");
  EXPECT_TRUE(ended.out.starts_with("/proc/1 /proc/self")) << describe(ended);
  EXPECT_TRUE(ended.out.ends_with("\n1\n")) << describe(ended);
}

TEST_P(Isolation, Pid1SaysNothingOfTheHost) {
  const Ended ended = sealed_script(
      "tr '\\0' '\\n' < /proc/1/cmdline; cat /proc/1/environ; ls -l /proc/1/fd /proc/1/cwd "
      "/proc/1/exe");
  EXPECT_FALSE(contains(ended.out, world().root())) << describe(ended);
  EXPECT_FALSE(contains(ended.out, kSecret)) << describe(ended);
}

// It was cloned from carrel, whose memory has the caller's environment in it.
TEST_P(Isolation, Pid1KeepsNothingOfTheCallersMemory) {
  Invocation invocation = sealed_invocation({"/bin/bash", "-c", "echo up; read line"});
  invocation.input = "";
  Process process(invocation);
  ASSERT_TRUE(process.wait_for_output("up"));
  const std::string init = std::to_string(process.first_child());
  if (::geteuid() == 0) {  // nobody else may look
    const std::string maps = read_file("/proc/" + init + "/maps");
    EXPECT_TRUE(contains(maps, "carrel-plan")) << maps;
    EXPECT_FALSE(contains(maps, "[stack]")) << maps;
    EXPECT_FALSE(contains(maps, "[heap]")) << maps;
    EXPECT_FALSE(contains(maps, world().carrel())) << maps;
    EXPECT_EQ(read_file("/proc/" + init + "/environ"), "");
  }
  EXPECT_TRUE(exited(process.wait(), 1));
}

// What PID 1 held, a reader outside would wait for, and a bug could reach.
TEST_P(Isolation, Pid1HoldsNoDescriptorOfTheCaller) {
  const UniqueFd file(::open((world().outside() + "/file.txt").c_str(), O_RDWR | O_CLOEXEC));
  Invocation invocation = sealed_invocation({"/bin/bash", "-c", "echo up; read line"});
  invocation.input = "";
  invocation.fds = {{file.get(), 33}};
  Process process(invocation);
  ASSERT_TRUE(process.wait_for_output("up"));
  const std::string init = std::to_string(process.first_child());
  const auto holds = [&](const std::string& fd) {
    return std::filesystem::is_symlink("/proc/" + init + "/fd/" + fd);
  };
  if (::geteuid() == 0) {  // nobody else may look
    // The command can be up before PID 1 has gone on.
    for (int i = 0; i < 100 && holds("1"); ++i) ::usleep(10000);
    for (const char* fd : {"0", "1", "2", "33"}) EXPECT_FALSE(holds(fd)) << fd;
  }
  EXPECT_TRUE(exited(process.wait(), 1));
}

TEST_P(Isolation, NetworkIsALoopbackThatWorks) {
  const Ended ended = sealed_script(
      "tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '; cat /proc/net/route | wc -l");
  EXPECT_EQ(ended.out, "lo\n1\n") << describe(ended);
  const Ended talk = sealed({"/usr/bin/python3", "-c",
                             "import "
                             "socket\ns=socket.create_server(('127.0.0.1',0))\nc=socket.create_"
                             "connection(s.getsockname())\n"
                             "a,_=s.accept()\nc.sendall(b'hi')\nprint(a.recv(9))\nt=socket.socket("
                             "socket.AF_INET6)\nt.bind(('::1',0))\nprint('v6')"});
  EXPECT_EQ(talk.out, "b'hi'\nv6\n") << describe(talk);
}

TEST_P(Isolation, SocketPairsPipesAndInterfaceListsWork) {
  const Ended ended = sealed(
      {"/usr/bin/python3", "-c",
       "import socket,os,multiprocessing\na,b=socket.socketpair()\na.send(b'x')\nprint(b.recv(1))\n"
       "print(socket.if_nameindex())\nq=multiprocessing.Queue()\np=multiprocessing.Process(target="
       "q.put,args=(5,))\n"
       "p.start()\nprint(q.get())\np.join()"});
  EXPECT_EQ(ended.out, "b'x'\n[(1, 'lo')]\n5\n") << describe(ended);
}

struct Mount {
  std::string target;
  std::set<std::string> options;
  std::string type;
};

std::vector<Mount> parse_mounts(const std::string& text) {
  std::vector<Mount> mounts;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::vector<std::string> word{std::istream_iterator<std::string>(words), {}};
    if (word.size() < 10) continue;
    Mount mount{word[4], {}, ""};
    std::istringstream options(word[5]);
    for (std::string option; std::getline(options, option, ',');) mount.options.insert(option);
    for (std::size_t i = 6; i + 1 < word.size(); ++i) {
      if (word[i] == "-") mount.type = word[i + 1];
    }
    mounts.push_back(mount);
  }
  return mounts;
}

TEST_P(Isolation, InterfacesOfTheHostAreNotShown) {
  const std::string look = "ls -A /sys/class/net; find /sys/devices -path '*/net/*' -name address";
  ASSERT_NE(plain_script(look).out, "");
  EXPECT_EQ(sealed_script(look + "; true").out, "");
  EXPECT_TRUE(contains(sealed({"/bin/cat", "/proc/net/dev"}).out, "lo:"));
}

TEST_P(Isolation, EveryMountIsReadOnlyButThoseThatAreMeantToBeWritten) {
  const Ended ended = sealed({"/bin/cat", "/proc/self/mountinfo"});
  const std::vector<Mount> mounts = parse_mounts(ended.out);
  ASSERT_GE(mounts.size(), 5u) << describe(ended);
  // A later mount at the same place covers an earlier one.
  std::map<std::string, Mount> visible;
  for (const Mount& mount : mounts) visible[mount.target] = mount;
  const std::set<std::string> writable = {world().work(), "/tmp",     "/var/tmp",
                                          "/dev/shm",     "/dev/pts", "/proc"};
  for (const auto& [target, mount] : visible) {
    const bool device = target.starts_with("/dev/");
    EXPECT_TRUE(mount.options.contains("ro") || writable.contains(target) || device)
        << target << " can be written: " << ended.out;
    EXPECT_TRUE(mount.options.contains("nosuid") || device) << target << ended.out;
    EXPECT_TRUE(mount.options.contains("nodev") || target == "/dev" || device)
        << target << ended.out;
  }
  const Ended disk = sealed_script(
      "find / -xdev -maxdepth 2 -not -type l -writable 2>/dev/null | grep -v -e ^/dev -e ^/proc "
      "-e ^/tmp -e ^/var/tmp | head");
  EXPECT_EQ(disk.out, "");
}

TEST_P(Isolation, CrashLeavesNoCoreFileAndCallsNoHelperOfTheHost) {
  const std::string before = world().listing();
  EXPECT_TRUE(exited(sealed_script("ulimit -c unlimited 2>/dev/null; kill -SEGV $$"), 139));
  EXPECT_EQ(world().listing(), before);
  EXPECT_FALSE(contains(sealed_script("ulimit -Hc").out, "unlimited"));
}

TEST_P(Isolation, ProcShowsOnlyTheSandbox) {
  Process bystander(world().plain({"/bin/sleep", "3601"}));
  ::usleep(50000);
  ASSERT_TRUE(contains(plain_script("ps -eo args").out, "sleep 3601"));
  EXPECT_FALSE(contains(sealed_script("ps -eo args; cat /proc/*/cmdline").out, "sleep 3601"));
}

TEST_P(Isolation, SandboxInASandboxIsRefusedWithAReason) {
  const Ended ended = sealed({world().carrel(), "run", "--", "/bin/true"});
  EXPECT_TRUE(exited(ended, 125));
  EXPECT_TRUE(contains(ended.err, "carrel: ")) << describe(ended);
}

}  // namespace
}  // namespace carrel::tests
