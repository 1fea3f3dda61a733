#include "jail/launcher/command.h"

#include "jail/launcher/kernel.h"

namespace carrel::launcher {
namespace {

using kernel::call;
using wire::Step;

// argv or envp as execve(2) wants it, in memory that only this process has.
const char** pointers(const PlanView& plan, const wire::Table<wire::Text>& table,
                      std::uint32_t spare) {
  const auto texts = plan.table(table);
  const std::size_t size = (std::size_t{texts.count} + spare + 1) * sizeof(char*);
  const long memory =
      call(__NR_mmap, nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory < 0 && memory > -4096) return nullptr;
  auto** list = reinterpret_cast<const char**>(memory) + spare;
  for (std::uint32_t i = 0; i < texts.count; ++i) list[i] = plan.text(texts[i]);
  list[texts.count] = nullptr;
  return list;
}

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

}  // namespace

void execute(const CommandStart& start, const Failure& failure) {
  const PlanView& plan = start.plan;
  failure.must(Step::kSession, call(__NR_setpgid, 0, 0));
  if (start.tty >= 0) {
    // SIGTTOU is blocked, so a background process may do this.
    const int group = static_cast<int>(call(__NR_getpid));
    failure.must(Step::kTerminal, kernel::ioctl(start.tty, TIOCSPGRP, &group));
  }
  const char** const argv = pointers(plan, plan.header().arguments, 1);
  const char** const envp = pointers(plan, plan.header().environment, 0);
  if (argv == nullptr || envp == nullptr) failure.report(Step::kExecute, -ENOMEM);
  set_limits(plan, failure);
  // Dispositions were never touched: what the caller ignores stays ignored.
  kernel::set_signal_mask(start.signal_mask);
  const long error = execute_candidates(plan, argv, envp);

  Message message{};
  message.kind = Message::Kind::kNotExecuted;
  message.value = static_cast<std::uint32_t>(-error);
  send(start.control, message);
  kernel::exit(error == -ENOENT ? 127 : 126);
}

}  // namespace carrel::launcher
