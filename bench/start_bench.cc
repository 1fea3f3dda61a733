// What does a sandbox cost? Starts /bin/true plain, in bubblewrap and in carrel,
// alternating A B C A B C so that whatever else the machine does meets all
// alike, and prints medians and the ratio. Then the memory of an idle sandbox.
//
//   start_bench CARREL [RUNS]
//
// Started by root it measures as an ordinary user (65534), in a folder of that user's.
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.h"

namespace {

using Clock = std::chrono::steady_clock;
using Microseconds = std::chrono::duration<double, std::micro>;

constexpr uid_t kOrdinaryUser = 65534;
constexpr int kWarmUp = 30;

struct Contender {
  std::string name;
  std::vector<std::string> argv;
  bool takes_listeners = false;
  std::vector<double> times;
};

// The listeners that carrel hands out, received and closed as a proxy would take them.
class Handout {
 public:
  Handout() {
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1) std::abort();
    ours_ = carrel::UniqueFd(pair[0]);
    theirs_ = carrel::UniqueFd(pair[1]);
    ::fcntl(ours_.get(), F_SETFD, FD_CLOEXEC);
  }
  [[nodiscard]] int theirs() const { return theirs_.get(); }

  // How many descriptors came.
  std::size_t receive() {
    char byte = 0;
    iovec part{&byte, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(8 * sizeof(int))];
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    if (::recvmsg(ours_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) <= 0) return 0;
    const cmsghdr* const header = CMSG_FIRSTHDR(&message);
    if (header == nullptr) return 0;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
      ::close(fd);
    }
    return count;
  }

 private:
  carrel::UniqueFd ours_;
  carrel::UniqueFd theirs_;
};

pid_t start(const std::vector<std::string>& argv) {
  std::vector<char*> raw;
  for (const std::string& argument : argv) raw.push_back(const_cast<char*>(argument.c_str()));
  raw.push_back(nullptr);
  const pid_t pid = ::vfork();
  if (pid == 0) {
    ::execv(raw[0], raw.data());
    ::_exit(127);
  }
  return pid;
}

// Microseconds from exec to reaped; nullopt if it did not end well.
std::optional<double> time_once(const std::vector<std::string>& argv) {
  const auto before = Clock::now();
  const pid_t pid = start(argv);
  int status = -1;
  ::waitpid(pid, &status, 0);
  const double time = Microseconds(Clock::now() - before).count();
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return std::nullopt;
  return time;
}

double quantile(std::vector<double> times, double q) {
  std::sort(times.begin(), times.end());
  return times.at(static_cast<std::size_t>(q * static_cast<double>(times.size() - 1)));
}

int measure(std::vector<Contender>& contenders, Handout& handout, int runs) {
  for (int i = -kWarmUp; i < runs; ++i) {
    for (Contender& contender : contenders) {
      const std::optional<double> time = time_once(contender.argv);
      if (!time) {
        std::fprintf(stderr, "%s failed\n", contender.name.c_str());
        return 1;
      }
      if (contender.takes_listeners && handout.receive() != 2) {
        std::fprintf(stderr, "%s handed out no listeners\n", contender.name.c_str());
        return 1;
      }
      if (i >= 0) contender.times.push_back(*time);
    }
  }
  return 0;
}

void print(const std::vector<Contender>& contenders) {
  std::printf("%-34s %9s %9s %9s\n", "start of /bin/true, microseconds", "p10", "median", "p90");
  for (const Contender& c : contenders) {
    std::printf("%-34s %9.0f %9.0f %9.0f\n", c.name.c_str(), quantile(c.times, 0.1),
                quantile(c.times, 0.5), quantile(c.times, 0.9));
  }
  const double peer = quantile(contenders[1].times, 0.5);
  for (std::size_t i = 2; i < contenders.size(); ++i) {
    std::printf("ratio %s / bubblewrap: %.3f\n", contenders[i].name.c_str(),
                quantile(contenders[i].times, 0.5) / peer);
  }
}

// Proportional set size in KiB, of a process of this user's.
long pss_kib(pid_t pid) {
  std::ifstream rollup("/proc/" + std::to_string(pid) + "/smaps_rollup");
  for (std::string line; std::getline(rollup, line);) {
    if (line.starts_with("Pss:")) return std::strtol(line.c_str() + 4, nullptr, 10);
  }
  return -1;
}

std::vector<pid_t> children_of(pid_t pid) {
  const std::string id = std::to_string(pid);
  std::ifstream list("/proc/" + id + "/task/" + id + "/children");
  std::vector<pid_t> children;
  for (pid_t child = 0; list >> child;) children.push_back(child);
  return children;
}

// PID 1 of a sandbox may not be looked into by its user: only root sees its memory.
void print_memory(const std::vector<std::string>& idle, uid_t measured_by) {
  const pid_t supervisor = start(idle);
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  const std::vector<pid_t> inits = children_of(supervisor);
  const long outside = pss_kib(supervisor);
  const long inside = inits.empty() ? -1 : pss_kib(inits.front());
  if (inside >= 0) {
    std::printf("idle sandbox, PSS in KiB: supervisor %ld + first process %ld = %ld\n", outside,
                inside, outside + inside);
  } else {
    std::printf(
        "idle sandbox, PSS in KiB: supervisor %ld (the first process is closed to user %u; "
        "run as root to see it)\n",
        outside, measured_by);
  }
  ::kill(supervisor, SIGKILL);
  ::waitpid(supervisor, nullptr, 0);
}

bool become_ordinary(const std::string& folder) {
  if (::getuid() != 0) return true;
  return ::chown(folder.c_str(), kOrdinaryUser, kOrdinaryUser) == 0 &&
         ::setgroups(0, nullptr) == 0 && ::setgid(kOrdinaryUser) == 0 &&
         ::setuid(kOrdinaryUser) == 0 && ::prctl(PR_SET_DUMPABLE, 1) == 0;
}

std::string copy_for_everybody(const std::string& program, const std::string& folder) {
  const std::string copy = folder + "/carrel";
  std::ifstream in(program, std::ios::binary);
  std::ofstream(copy, std::ios::binary) << in.rdbuf();
  ::chmod(copy.c_str(), 0755);
  return copy;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: start_bench CARREL [RUNS]\n");
    return 2;
  }
  const int runs = argc > 2 ? std::atoi(argv[2]) : 500;
  char folder[] = "/tmp/carrel-bench-XXXXXX";
  if (::mkdtemp(folder) == nullptr) return 2;
  ::chmod(folder, 0755);
  const std::string carrel = copy_for_everybody(argv[1], folder);
  const std::string work = std::string(folder) + "/work";
  ::mkdir(work.c_str(), 0755);
  if (::chdir(work.c_str()) != 0) return 2;
  ::setenv("HOME", work.c_str(), 1);

  Handout handout;
  const std::string fd = std::to_string(handout.theirs());
  std::vector<Contender> contenders = {
      {"plain", {"/bin/true"}, false, {}},
      {"bubblewrap",
       {"/usr/bin/bwrap", "--unshare-all", "--ro-bind", "/", "/", "--dev", "/dev", "--proc",
        "/proc", "--tmpfs", "/tmp", "/bin/true"},
       false,
       {}},
      {"carrel, two listeners handed out",
       {carrel, "run", "--proxy-fd", fd, "--", "/bin/true"},
       true,
       {}},
      {"carrel, no listeners", {carrel, "run", "--", "/bin/true"}, false, {}},
  };
  // Memory first, as root if we are: then the rights are gone.
  const std::vector<std::string> idle = {carrel, "run", "--quiet", "--", "/bin/sleep", "30"};
  if (::getuid() == 0) print_memory(idle, 0);
  const bool root = ::getuid() == 0;
  if (!become_ordinary(work)) return 2;
  if (!root) print_memory(idle, ::getuid());
  const int failed = measure(contenders, handout, runs);
  if (failed == 0) print(contenders);
  ::unlink(carrel.c_str());
  ::rmdir(work.c_str());
  ::rmdir(folder);
  return failed;
}
