#include "jail/launch.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "jail/cgroup.h"
#include "jail/image.h"
#include "plan/encode.h"
#include "sys/error.h"
#include "sys/files.h"

namespace carrel::jail {
namespace {

std::uint64_t monotonic_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(now.tv_nsec);
}

// The launcher inherits by number; what it starts, it closes.
Status keep_across_exec(int fd) {
  if (::fcntl(fd, F_SETFD, 0) == -1) return sys::failed("fcntl", "F_SETFD");
  return Unit{};
}

// A descriptor moved above those that the caller wants to keep, so that no
// number is taken twice.
Result<UniqueFd> above(UniqueFd fd, const std::vector<int>& kept) {
  const int least = kept.empty() ? 3 : kept.back() + 1;
  if (fd.get() >= least) return fd;
  const int moved = ::fcntl(fd.get(), F_DUPFD_CLOEXEC, least);
  if (moved == -1) return sys::failed("fcntl", "F_DUPFD_CLOEXEC");
  return UniqueFd(moved);
}

// A sealed copy: nobody can overwrite the program that is running.
Result<UniqueFd> launcher_file() {
  CARREL_TRY(UniqueFd file, sys::memfd_create("carrel-launcher", sys::Memfd::kExecutable));
  CARREL_CHECK(sys::write_all(file, launcher_image()));
  CARREL_CHECK(sys::seal(file));
  return file;
}

Result<UniqueFd> plan_file(const std::string& block, const std::vector<int>& kept) {
  CARREL_TRY(UniqueFd file, sys::memfd_create("carrel-plan", sys::Memfd::kData));
  CARREL_CHECK(sys::write_all(file, block));
  CARREL_CHECK(sys::seal(file));
  CARREL_TRY(file, above(std::move(file), kept));
  CARREL_CHECK(keep_across_exec(file.get()));
  return file;
}

struct Handles {
  plan::RunHandles numbers;
  UniqueFd carrel;
};

Result<Handles> gather(const Launch& launch, Cgroups& cgroups) {
  const std::vector<int>& kept = launch.plan.kept_fds;
  Handles handles;
  CARREL_TRY(handles.carrel, sys::open("/proc/self/exe", O_RDONLY));
  CARREL_TRY(handles.carrel, above(std::move(handles.carrel), kept));
  CARREL_CHECK(keep_across_exec(handles.carrel.get()));
  handles.numbers.carrel_fd = handles.carrel.get();
  for (UniqueFd& procs : cgroups.procs_fds) {
    CARREL_TRY(procs, above(std::move(procs), kept));
    CARREL_CHECK(keep_across_exec(procs.get()));
    handles.numbers.cgroup_procs_fds.push_back(procs.get());
  }
  if (cgroups.v2_folder.valid()) {
    CARREL_TRY(cgroups.v2_folder, above(std::move(cgroups.v2_folder), kept));
    CARREL_CHECK(keep_across_exec(cgroups.v2_folder.get()));
    handles.numbers.cgroup_fd = cgroups.v2_folder.get();
  }
  if (launch.handout_fd >= 0) CARREL_CHECK(keep_across_exec(launch.handout_fd));
  handles.numbers.handout_fd = launch.handout_fd;
  handles.numbers.proxy_pid = launch.proxy_pid;
  handles.numbers.cgroup_folders = cgroups.folders;
  handles.numbers.always_finish = launch.always_finish || !cgroups.folders.empty();
  handles.numbers.record_denials = launch.record_denials;
  handles.numbers.context = launch.context;
  handles.numbers.started_at = launch.started_at;
  handles.numbers.planned_at = monotonic_ns();
  return handles;
}

Error execute(const Launch& launch, Cgroups& cgroups) {
  CARREL_TRY(const Handles handles, gather(launch, cgroups));
  CARREL_TRY(const std::string block, plan::encode(launch.plan, handles.numbers));
  CARREL_TRY(const UniqueFd plan, plan_file(block, launch.plan.kept_fds));
  CARREL_TRY(const UniqueFd launcher, launcher_file());
  for (const int fd : launch.plan.kept_fds) CARREL_CHECK(keep_across_exec(fd));

  // ps(1) shows the command that was asked for.
  std::string name = "carrel";
  std::string words = "run";
  std::vector<char*> argv = {name.data(), words.data()};
  std::vector<std::string> arguments = launch.plan.command.arguments;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  std::string number = std::to_string(plan.get());
  char* envp[] = {number.data(), nullptr};
  ::fexecve(launcher.get(), argv.data(), envp);
  return sys::failed("fexecve", "carrel-launcher");
}

}  // namespace

Error launch(const Launch& launch) {
  CARREL_TRY(Cgroups cgroups, make_cgroups(launch.plan.limits, launch.machine));
  Error error = execute(launch, cgroups);
  remove_cgroups(cgroups.folders);
  return error;
}

}  // namespace carrel::jail
