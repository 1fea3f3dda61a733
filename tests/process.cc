#include "process.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

namespace carrel::tests {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kShownBytes = 4000;
constexpr std::chrono::seconds kHeldOpenGrace{3};

[[noreturn]] void fail(const std::string& what) {
  ::fprintf(stderr, "test harness: %s: %s\n", what.c_str(), ::strerrordesc_np(errno));
  ::abort();
}

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};

// Owned by whoever runs the program, as a pipe of a shell would be: it can be
// opened again through /dev/stdout.
Pipe make_pipe(Who who) {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) == -1) fail("pipe2");
  if (who == Who::kUser && ::geteuid() == 0 && ::fchown(fds[0], kUserId, kUserId) == -1) {
    fail("fchown of a pipe");
  }
  return Pipe{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

// Out of the way of every number that a program's descriptors are given.
int lifted(int fd) {
  const int high = ::fcntl(fd, F_DUPFD_CLOEXEC, 500);
  if (high == -1) fail("fcntl(F_DUPFD_CLOEXEC)");
  return high;
}

void become_user() {
  if (::geteuid() != 0) return;
  if (::setgroups(0, nullptr) == -1 || ::setresgid(kUserId, kUserId, kUserId) == -1 ||
      ::setresuid(kUserId, kUserId, kUserId) == -1) {
    fail("become an ordinary user");
  }
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

void reset_signals() {
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
}

// The child's half: never returns.
[[noreturn]] void become(const Invocation& invocation, int in, int out, int err) {
  for (const int fd : invocation.namespaces) {
    if (::setns(fd, 0) == -1) fail("setns");
  }
  const std::array<int, 3> streams{lifted(in), lifted(out), lifted(err)};
  std::vector<std::pair<int, int>> extra;
  for (const auto& [ours, theirs] : invocation.fds) extra.emplace_back(lifted(ours), theirs);
  for (int number = 0; number < 3; ++number) {
    if (::dup2(streams[static_cast<std::size_t>(number)], number) == -1) fail("dup2");
  }
  for (const auto& [ours, theirs] : extra) {
    if (::dup2(ours, theirs) == -1) fail("dup2");
  }
  if (invocation.stdout_state == Invocation::Stdout::kClosed) ::close(1);

  ::setsid();
  if (invocation.own_terminal && ::ioctl(0, TIOCSCTTY, 0) == -1) fail("TIOCSCTTY");
  reset_signals();
  const struct rlimit no_core{};
  ::setrlimit(RLIMIT_CORE, &no_core);
  ::umask(022);
  if (invocation.who == Who::kUser) become_user();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::chdir(invocation.cwd.c_str()) == -1) fail("chdir " + invocation.cwd);

  std::vector<std::string> arguments = invocation.argv;
  std::vector<std::string> environment;
  for (const auto& [name, value] : invocation.env) {
    environment.emplace_back(name).append("=").append(value);
  }
  ::execve(arguments[0].c_str(), pointers(arguments).data(), pointers(environment).data());
  fail("execve " + arguments[0]);
}

std::string cut(const std::string& text) {
  if (text.size() <= kShownBytes) return text;
  return text.substr(0, kShownBytes) + "[... " + std::to_string(text.size()) + " bytes]";
}

// Appends what is there; closes `fd` at the end of file.
void drain(UniqueFd& fd, std::string& text) {
  std::array<char, 65536> buffer;
  const ssize_t count = ::read(fd.get(), buffer.data(), buffer.size());
  if (count > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(count));
  } else if (count == 0 || (errno != EINTR && errno != EAGAIN)) {
    fd.reset();
  }
}

}  // namespace

std::string describe(const Ended& ended) {
  std::string text = ended.timed_out ? "timed out" : "status " + std::to_string(ended.status);
  if (ended.held_open) text += ", its output is still held open";
  return text + "\nout: " + cut(ended.out) + "\nerr: " + cut(ended.err);
}

Process::Process(const Invocation& invocation)
    : pending_input_(invocation.input.value_or("")),
      deadline_(Clock::now() + invocation.time_limit) {
  Pipe out = make_pipe(invocation.who);
  Pipe err = make_pipe(invocation.who);
  Pipe in;
  UniqueFd null_in;
  if (invocation.input) {
    in = make_pipe(invocation.who);
  } else {
    null_in.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  }
  const int default_in = invocation.input ? in.read_end.get() : null_in.get();
  const int child_in = invocation.stdin_fd >= 0 ? invocation.stdin_fd : default_in;
  const int child_out = invocation.stdout_fd >= 0 ? invocation.stdout_fd : out.write_end.get();
  const int child_err = invocation.stderr_fd >= 0 ? invocation.stderr_fd : err.write_end.get();

  pid_ = ::fork();
  if (pid_ == -1) fail("fork");
  if (pid_ == 0) become(invocation, child_in, child_out, child_err);

  pidfd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  if (!pidfd_.valid()) fail("pidfd_open");
  out_ = std::move(out.read_end);
  err_ = std::move(err.read_end);
  if (invocation.input) {
    input_ = std::move(in.write_end);
    ::signal(SIGPIPE, SIG_IGN);
    ::fcntl(input_.get(), F_SETFL, O_NONBLOCK);
  }
}

Process::~Process() {
  if (reaped_) return;
  send_signal(SIGKILL);
  reap(0);
}

pid_t Process::first_child() const {
  const std::string pid = std::to_string(pid_);
  return static_cast<pid_t>(
      std::atoi(read_file("/proc/" + pid + "/task/" + pid + "/children").c_str()));
}

void Process::send_signal(int signal) const {
  ::syscall(SYS_pidfd_send_signal, pidfd_.get(), signal, nullptr, 0);
}

void Process::reap(int options) {
  int status = 0;
  if (::waitpid(pid_, &status, options) != pid_) return;
  ended_.status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  reaped_ = true;
}

void Process::write_input(std::string_view text) { pending_input_.append(text); }

bool Process::wait_for_output(std::string_view text) { return pump(Until::kText, text); }

// Moves bytes until the text is there, or everything has ended.
bool Process::pump(Until until, std::string_view text) {
  std::optional<Clock::time_point> grace;
  for (;;) {
    if (until == Until::kText && ended_.out.find(text) != std::string::npos) return true;
    if (reaped_ && !out_.valid() && !err_.valid()) return false;
    const Clock::time_point now = Clock::now();
    if (reaped_ && !grace) grace = now + kHeldOpenGrace;
    if (grace && now >= *grace) {
      ended_.held_open = true;
      return false;
    }
    if (!reaped_ && now >= deadline_) {
      if (until == Until::kText) return false;
      ended_.timed_out = true;
      send_signal(SIGKILL);
      deadline_ = now + std::chrono::seconds(5);
    }
    const bool has_input = input_.valid() && !pending_input_.empty();
    std::array<pollfd, 4> watched{{{out_.get(), POLLIN, 0},
                                   {err_.get(), POLLIN, 0},
                                   {reaped_ ? -1 : pidfd_.get(), POLLIN, 0},
                                   {has_input ? input_.get() : -1, POLLOUT, 0}}};
    ::poll(watched.data(), watched.size(), 50);
    if (watched[0].revents != 0) drain(out_, ended_.out);
    if (watched[1].revents != 0) drain(err_, ended_.err);
    if (watched[2].revents != 0) reap(0);
    if (watched[3].revents != 0) {
      const ssize_t count = ::write(input_.get(), pending_input_.data(), pending_input_.size());
      if (count > 0) pending_input_.erase(0, static_cast<std::size_t>(count));
      if (count == -1 && errno != EAGAIN) input_.reset();
    }
    if (until == Until::kEnd && pending_input_.empty()) input_.reset();
  }
}

Ended Process::wait() {
  pump(Until::kEnd, "");
  return std::move(ended_);
}

Ended run(const Invocation& invocation) { return Process(invocation).wait(); }

void adopt_orphans() {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) == -1) fail("PR_SET_CHILD_SUBREAPER");
}

namespace {

std::vector<pid_t> all_processes() {
  std::vector<pid_t> result;
  DIR* proc = ::opendir("/proc");
  if (proc == nullptr) fail("opendir /proc");
  while (const dirent* entry = ::readdir(proc)) {
    const pid_t pid = static_cast<pid_t>(::atoi(entry->d_name));
    if (pid > 0) result.push_back(pid);
  }
  ::closedir(proc);
  return result;
}

struct ProcessStat {
  std::string name;
  char state = '?';
  pid_t parent = -1;
};

ProcessStat stat_of(pid_t pid) {
  const std::string text = read_file("/proc/" + std::to_string(pid) + "/stat");
  const std::size_t open = text.find('(');
  const std::size_t close = text.rfind(')');
  if (open == std::string::npos || close == std::string::npos || close + 4 > text.size()) return {};
  return {text.substr(open + 1, close - open - 1), text[close + 2],
          static_cast<pid_t>(::atoi(text.c_str() + close + 4))};
}

}  // namespace

std::vector<std::string> survivors(std::chrono::milliseconds grace) {
  const Clock::time_point deadline = Clock::now() + grace;
  for (;;) {
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    std::vector<std::string> alive;
    std::vector<pid_t> pids;
    for (const pid_t pid : all_processes()) {
      const ProcessStat stat = stat_of(pid);
      if (stat.parent != ::getpid() || stat.state == 'Z' || stat.state == 'X') continue;
      alive.push_back(std::to_string(pid) + " " + stat.name);
      pids.push_back(pid);
    }
    if (alive.empty()) return {};
    if (Clock::now() >= deadline) {
      // They are our unreaped children, so their numbers cannot have changed hands.
      for (const pid_t pid : pids) {
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
      }
      return alive;
    }
    ::usleep(500);
  }
}

std::vector<pid_t> processes_with(std::string_view text) {
  std::vector<pid_t> found;
  for (const pid_t pid : all_processes()) {
    if (pid == ::getpid()) continue;
    const std::string folder = "/proc/" + std::to_string(pid);
    if (read_file(folder + "/cmdline").find(text) != std::string::npos ||
        read_file(folder + "/environ").find(text) != std::string::npos) {
      found.push_back(pid);
    }
  }
  return found;
}

// Not by a stream: a process that ends while its /proc file is read makes one throw.
std::string read_file(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t count = ::read(fd.get(), buffer.data(), buffer.size());
    if (count == 0) return text;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return "";
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

void write_file(const std::string& path, std::string_view text, unsigned mode) {
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
  if (!fd.valid()) fail("open " + path);
  if (::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    fail("write " + path);
  }
  if (::fchmod(fd.get(), mode) == -1) fail("chmod " + path);
}

}  // namespace carrel::tests
