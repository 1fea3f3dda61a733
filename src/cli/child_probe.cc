#include "cli/child_probe.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "base/unique_fd.h"
#include "sys/error.h"
#include "sys/files.h"

namespace carrel::cli {
namespace {

constexpr unsigned kSecondsForAProbe = 10;

ProbeReport report(const char* step, int error) {
  ProbeReport out;
  std::strncpy(out.step, step, sizeof(out.step) - 1);
  out.error = error;
  return out;
}

}  // namespace

bool ProbeReport::failed_at(const char* name) const { return std::strcmp(step, name) == 0; }

bool ProbeReport::lacks_user_namespace() const {
  return failed_at("unshare(CLONE_NEWUSER)") || failed_at("setgroups") || failed_at("uid_map") ||
         failed_at("gid_map");
}

std::string ProbeReport::text() const {
  if (ok()) return "works";
  return std::string(step) + (error == 0 ? "" : ": " + sys::errno_text(error));
}

ProbeReport failed_at(const char* step) { return report(step, errno); }

ProbeReport reported(int value) {
  ProbeReport out;
  out.value = value;
  return out;
}

ProbeReport in_child(const std::function<ProbeReport()>& probe) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return failed_at("pipe2");
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return failed_at("fork");
  if (child == 0) {
    ::alarm(kSecondsForAProbe);
    const ProbeReport result = probe();
    const bool told = ::write(writer.get(), &result, sizeof(result)) == sizeof(result);
    ::_exit(told ? 0 : 1);
  }
  writer.reset();
  ProbeReport result;
  const ssize_t size = sys::retry([&] { return ::read(reader.get(), &result, sizeof(result)); });
  int status = 0;
  (void)sys::retry([&] { return ::waitpid(child, &status, 0); });
  if (size == sizeof(result)) return result;
  return report(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? "no answer in time"
                                                                   : "ended without an answer",
                0);
}

ProbeReport enter_namespaces(int flags) {
  const std::string uid = std::to_string(::geteuid());
  const std::string gid = std::to_string(::getegid());
  if (::unshare(CLONE_NEWUSER) != 0) return failed_at("unshare(CLONE_NEWUSER)");
  const auto write = [](const char* step, const std::string& path,
                        const std::string& text) -> ProbeReport {
    const Status written = sys::write_existing(path, text);
    return written.ok() ? ProbeReport{} : report(step, written.error().sys_errno);
  };
  if (const auto done = write("setgroups", "/proc/self/setgroups", "deny"); !done.ok()) return done;
  if (const auto done = write("uid_map", "/proc/self/uid_map", uid + " " + uid + " 1");
      !done.ok()) {
    return done;
  }
  if (const auto done = write("gid_map", "/proc/self/gid_map", gid + " " + gid + " 1");
      !done.ok()) {
    return done;
  }
  if (flags != 0 && ::unshare(flags) != 0) return failed_at("unshare");
  return {};
}

}  // namespace carrel::cli
