#include "jail/launcher/command.h"

#include "jail/launcher/kernel.h"

namespace carrel::launcher {
namespace {

using kernel::call;
using wire::Step;

constexpr std::size_t kStackSize = 16 << 10;  // execve and a message; nothing recurses

// argv or envp as execve(2) wants it, with room for one more in front.
class Pointers {
 public:
  Pointers(const PlanView& plan, const wire::Table<wire::Text>& table)
      : size_((std::size_t{table.count} + 2) * sizeof(char*)) {
    memory_ =
        call(__NR_mmap, nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!valid()) return;
    const auto texts = plan.table(table);
    for (std::uint32_t i = 0; i < texts.count; ++i) list()[i] = plan.text(texts[i]);
  }
  Pointers(const Pointers&) = delete;
  Pointers& operator=(const Pointers&) = delete;
  ~Pointers() {
    if (valid()) call(__NR_munmap, memory_, size_);
  }

  [[nodiscard]] bool valid() const { return memory_ > 0 || memory_ < -4095; }
  [[nodiscard]] const char** list() const { return reinterpret_cast<const char**>(memory_) + 1; }

 private:
  std::size_t size_;
  long memory_ = 0;
};

void set_limits(const PlanView& plan, const Failure& failure) {
  const auto limits = plan.table(plan.header().limits);
  for (std::uint32_t i = 0; i < limits.count; ++i) {
    const rlimit64 both{limits[i].value, limits[i].value};
    failure.must(Step::kLimit, call(__NR_prlimit64, 0, limits[i].resource, &both, nullptr), i);
  }
}

// A text without "#!" is what a shell would run itself (execvp(3) does the same).
long execute_as_script(const char* path, const char** argv, const char** envp) {
  argv[0] = path;
  argv[-1] = "/bin/sh";
  return call(__NR_execve, "/bin/sh", argv - 1, envp);
}

// Tries each candidate as a PATH search does: what is missing is passed over,
// what cannot be executed is remembered.
long execute_candidates(const PlanView& plan, const char** argv, const char** envp) {
  long remembered = -ENOENT;
  for (const wire::Text& candidate : plan.table(plan.header().candidates)) {
    const char* const path = plan.text(candidate);
    const long error = call(__NR_execve, path, argv, envp);
    if (error == -ENOEXEC) return execute_as_script(path, argv, envp);
    if (error == -ENOENT || error == -ENOTDIR) continue;
    // A folder that may not be searched hides nothing of this name for sure.
    if (error == -EACCES && call(__NR_faccessat, AT_FDCWD, path, 0) < 0) continue;
    remembered = error;
    if (error != -EACCES) break;
  }
  return remembered;
}

struct Child {
  const CommandStart& start;
  const Failure& failure;
  const char** argv;
  const char** envp;
};

[[noreturn]] void be_command(void* argument) {
  const Child& child = *static_cast<const Child*>(argument);
  const CommandStart& start = child.start;
  child.failure.must(Step::kSession, call(__NR_setpgid, 0, 0));
  if (start.tty >= 0) {
    // SIGTTOU is blocked, so a background process may do this.
    const int group = static_cast<int>(call(__NR_getpid));
    child.failure.must(Step::kTerminal, kernel::ioctl(start.tty, TIOCSPGRP, &group));
  }
  set_limits(start.plan, child.failure);
  // Dispositions were never touched: what the caller ignores stays ignored.
  kernel::set_signal_mask(start.signal_mask);
  const long error = execute_candidates(start.plan, child.argv, child.envp);

  Message message{};
  message.kind = Message::Kind::kNotExecuted;
  message.value = static_cast<std::uint32_t>(-error);
  send(start.control, message);
  kernel::exit(error == -ENOENT ? 127 : 126);
}

}  // namespace

long start_command(const CommandStart& start, const Failure& failure) {
  const Pointers arguments(start.plan, start.plan.header().arguments);
  const Pointers environment(start.plan, start.plan.header().environment);
  if (!arguments.valid() || !environment.valid()) failure.report(Step::kExecute, -ENOMEM);
  alignas(16) char stack[kStackSize];
  Child child{start, failure, arguments.list(), environment.list()};
  return kernel::vfork_onto(stack + kStackSize, be_command, &child);
}

}  // namespace carrel::launcher
