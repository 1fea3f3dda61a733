#include "cli/credentials.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>

#include "base/path.h"
#include "base/unique_fd.h"
#include "sys/error.h"
#include "sys/files.h"

namespace carrel::cli {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kMaxSecret = 8 << 10;  // a head of HTTP must hold it
constexpr std::chrono::seconds kPatience{30};

Error missing(std::string message) { return Error{Errc::kNotFound, std::move(message)}; }

Result<std::string> from_variable(const std::string& name, const plan::Machine& machine) {
  const auto found = machine.environment.find(name);
  if (found == machine.environment.end() || found->second.empty()) {
    return missing("the variable " + printable(name) +
                   " is not set; set it in the environment that carrel is started in");
  }
  return found->second;
}

Result<std::string> from_file(const std::string& path) {
  Result<std::string> text = sys::read_file(path, kMaxSecret);
  if (text.ok()) return text;
  const Error& error = text.error();
  const std::string why = error.sys_errno == 0 ? error.message : sys::errno_text(error.sys_errno);
  return missing("the file " + shell_quoted(path) + " cannot be read: " + why +
                 "; write the secret into it");
}

// What the process writes until its end; kSystem if that takes too long or is too much.
Result<std::string> read_output(int fd) {
  const auto deadline = steady_clock::now() + kPatience;
  std::string text;
  char part[4096];
  while (true) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady_clock::now());
    pollfd state{fd, POLLIN, 0};
    const int ready = left.count() <= 0 ? 0 : ::poll(&state, 1, static_cast<int>(left.count()));
    if (ready == -1 && errno == EINTR) continue;
    if (ready <= 0) {
      return Error{Errc::kSystem, "did not end within " + std::to_string(kPatience.count()) + " s"};
    }
    const ssize_t size = sys::retry([&] { return ::read(fd, part, sizeof part); });
    if (size < 0) return sys::failed("read", "a pipe");
    if (size == 0) break;
    text.append(part, static_cast<std::size_t>(size));
    if (text.size() > kMaxSecret) return Error{Errc::kInvalid, "prints more than a secret"};
  }
  ::explicit_bzero(part, sizeof part);
  return text;
}

Result<pid_t> start(const std::vector<std::string>& words, int output) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  // Nothing of the project that is worked in shall steer it.
  ::posix_spawn_file_actions_addchdir_np(&actions, "/");
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  pid_t pid = -1;
  const int error = ::posix_spawnp(&pid, argv[0], &actions, &attributes, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (error != 0) {
    return Error{Errc::kNotFound, "cannot be started: " + sys::errno_text(error), error};
  }
  return pid;
}

Result<std::string> from_command(const std::vector<std::string>& words) {
  const std::string name = "the command " + shell_quoted(words.front());
  const auto failed = [&](const std::string& why) {
    return missing(name + " " + why + "; it must print the secret and exit with 0");
  };
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return sys::failed("pipe2", "");
  const UniqueFd output(ends[0]);
  UniqueFd input(ends[1]);
  const Result<pid_t> pid = start(words, input.get());
  input.reset();
  if (!pid.ok()) return failed(pid.error().message);
  Result<std::string> text = read_output(output.get());
  if (!text.ok()) ::kill(pid.value(), SIGKILL);
  int status = 0;
  static_cast<void>(sys::retry([&] { return ::waitpid(pid.value(), &status, 0); }));
  if (!text.ok()) return failed(text.error().message);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return failed(WIFEXITED(status) ? "exited with " + std::to_string(WEXITSTATUS(status))
                                    : "was ended by signal " + std::to_string(WTERMSIG(status)));
  }
  return text;
}

Result<std::string> read_text(const policy::Credential& credential, const plan::Machine& machine) {
  switch (credential.source) {
    case policy::Credential::Source::kVariable:
      return from_variable(credential.from.front(), machine);
    case policy::Credential::Source::kFile:
      return from_file(credential.from.front());
    case policy::Credential::Source::kCommand:
      return from_command(credential.from);
  }
  return missing("it comes from nowhere");
}

Result<egress::Secret> read_secret(const policy::Credential& credential,
                                   const plan::Machine& machine) {
  CARREL_TRY(std::string text, read_text(credential, machine));
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  const bool fit = !text.empty() && text.size() <= kMaxSecret &&
                   std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7F; });
  Result<egress::Secret> secret =
      fit ? egress::Secret::of(text)
          : Error{Errc::kInvalid,
                  "what it holds cannot stand in a header; it must be one line of printable ASCII, "
                  "and not empty"};
  egress::wipe(text);
  return secret;
}

}  // namespace

Result<Placeholders> make_placeholders(const policy::NetworkPolicy& policy) {
  Placeholders placeholders;
  for (const policy::Credential& credential : policy.credentials) {
    if (credential.placeholder_variable.empty()) continue;
    CARREL_TRY(placeholders[credential.name], egress::make_placeholder());
  }
  return placeholders;
}

Result<std::vector<egress::HeldCredential>> read_credentials(const policy::NetworkPolicy& policy,
                                                             const Placeholders& placeholders,
                                                             const plan::Machine& machine) {
  std::vector<egress::HeldCredential> held;
  for (const policy::Credential& credential : policy.credentials) {
    Result<egress::Secret> secret = read_secret(credential, machine);
    if (!secret.ok()) {
      return std::move(secret).error().in("the credential " + in_quotes(credential.name));
    }
    const auto placeholder = placeholders.find(credential.name);
    held.push_back({credential, std::move(secret).value(),
                    placeholder == placeholders.end() ? "" : placeholder->second});
  }
  return held;
}

}  // namespace carrel::cli
