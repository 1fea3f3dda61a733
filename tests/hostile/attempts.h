// A hostile program is a list of attempts, each made in a process of its own. It
// prints "refused NAME: why" or "ESCAPED NAME" for each, and exits with 1 if any
// escaped, else 0. Arguments: NAME makes only that attempt; key=value is for the program.
#pragma once

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>

namespace carrel::hostile {

class Attempts {
 public:
  Attempts(int argc, char** argv) : argc_(argc), argv_(argv) {}

  // `attempt` returns what a system call does: -1 with errno if it was refused.
  template <typename Attempt>
  void make(const char* name, Attempt attempt) {
    judge(name, attempt, [](int) { return false; });
  }

  // For calls that fail in any case, so that nothing happens where they are
  // allowed: only EPERM, EACCES and ENOSYS say that they were refused.
  template <typename Attempt>
  void make_harmless(const char* name, Attempt attempt) {
    judge(name, attempt,
          [](int code) { return code != EPERM && code != EACCES && code != ENOSYS; });
  }

  // The value of "key=value" on the command line; "" without it.
  [[nodiscard]] std::string argument(std::string_view key) const {
    for (int i = 1; i < argc_; ++i) {
      const std::string_view text = argv_[i];
      if (text.starts_with(key) && text.substr(key.size()).starts_with('=')) {
        return std::string(text.substr(key.size() + 1));
      }
    }
    return "";
  }

  [[nodiscard]] int exit_status() const { return escaped_ ? 1 : 0; }

 private:
  static constexpr int kEscaped = 255;

  [[nodiscard]] bool is_wanted(std::string_view name) const {
    bool any_name = false;
    for (int i = 1; i < argc_; ++i) {
      if (name == argv_[i]) return true;
      any_name = any_name || std::strchr(argv_[i], '=') == nullptr;
    }
    return !any_name;
  }

  template <typename Attempt, typename Counts>
  void judge(const char* name, Attempt attempt, Counts counts_as_escape) {
    if (!is_wanted(name)) return;
    std::fflush(stdout);
    const pid_t child = ::fork();
    if (child == 0) {
      ::alarm(10);  // what blocks was not refused, but got nowhere either
      errno = 0;
      const long result = attempt();
      const int code = errno;
      std::fflush(stdout);
      ::_exit(result >= 0 || counts_as_escape(code) ? kEscaped : code);
    }
    int status = 0;
    if (child == -1 || ::waitpid(child, &status, 0) != child) {
      std::printf("ESCAPED %s: could not be tried\n", name);
      escaped_ = true;
    } else if (WIFSIGNALED(status)) {
      std::printf("refused %s: signal %d\n", name, WTERMSIG(status));
    } else if (WEXITSTATUS(status) == kEscaped) {
      std::printf("ESCAPED %s\n", name);
      escaped_ = true;
    } else {
      std::printf("refused %s: %s\n", name, ::strerrordesc_np(WEXITSTATUS(status)));
    }
  }

  int argc_;
  char** argv_;
  bool escaped_ = false;
};

}  // namespace carrel::hostile
