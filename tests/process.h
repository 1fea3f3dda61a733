// One program run for a test: with arguments, environment, working directory
// and streams; always bounded in time; killed, if it must be, by descriptor.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/unique_fd.h"

namespace carrel::tests {

enum class Who { kRoot, kUser };

// The ids of the ordinary user: without an entry in /etc/passwd, as in many
// containers. A suite that an ordinary user runs keeps that user's ids.
inline constexpr unsigned kUserId = 12345;

struct Invocation {
  std::vector<std::string> argv;  // argv[0] is a path
  Who who = Who::kUser;
  std::string cwd = "/";
  std::map<std::string, std::string> env;

  std::optional<std::string> input;  // written to stdin, then end of file; else /dev/null
  // Descriptors of the test to give as 0, 1 and 2 instead; not owned.
  int stdin_fd = -1;
  int stdout_fd = -1;
  int stderr_fd = -1;
  enum class Stdout { kOpen, kClosed };
  Stdout stdout_state = Stdout::kOpen;
  std::vector<std::pair<int, int>> fds;  // (the test's descriptor, its number in the program)
  std::vector<int> namespaces;           // entered first, in this order; not owned
  bool own_terminal = false;             // stdin becomes its controlling terminal

  std::chrono::milliseconds time_limit{60000};
};

struct Ended {
  int status = -1;         // exit status; of a signal, minus its number
  bool timed_out = false;  // the test killed it
  bool held_open = false;  // it ended, but something still holds its output
  std::string out;
  std::string err;
};

// "status 3, out: ..., err: ..." for failure messages; long texts are cut.
[[nodiscard]] std::string describe(const Ended& ended);

class Process {
 public:
  explicit Process(const Invocation& invocation);
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();  // kills it if it still runs

  [[nodiscard]] pid_t pid() const { return pid_; }
  // The process ID of its first child: of `carrel run`, the room's PID 1. 0 without one.
  [[nodiscard]] pid_t first_child() const;
  void send_signal(int signal) const;
  void write_input(std::string_view text);
  void close_input() { input_.reset(); }

  // Reads until stdout holds `text`; false if it ended or the time is over before.
  [[nodiscard]] bool wait_for_output(std::string_view text);

  // Waits for the end and gives what was written. Call once.
  [[nodiscard]] Ended wait();

 private:
  enum class Until { kText, kEnd };
  bool pump(Until until, std::string_view text);
  void reap(int options);

  pid_t pid_ = -1;
  UniqueFd pidfd_;
  UniqueFd input_;
  UniqueFd out_;
  UniqueFd err_;
  std::string pending_input_;
  std::chrono::steady_clock::time_point deadline_;
  Ended ended_;
  bool reaped_ = false;
};

// Starts it and waits for its end.
[[nodiscard]] Ended run(const Invocation& invocation);

// Makes this process the parent of every orphan among its descendants, so that
// no survivor of a sandbox can hide. Call once, before the first Process.
void adopt_orphans();

// Children of this process that still run after `grace`, as "pid name"; they are
// killed and reaped. Dead ones are reaped without a word. No Process may be alive.
[[nodiscard]] std::vector<std::string> survivors(std::chrono::milliseconds grace);

// Every process of the machine that has `text` in its arguments or, where that
// may be read, its environment.
[[nodiscard]] std::vector<pid_t> processes_with(std::string_view text);

[[nodiscard]] std::string read_file(const std::string& path);  // "" if it cannot be read
void write_file(const std::string& path, std::string_view text, unsigned mode = 0644);

}  // namespace carrel::tests
