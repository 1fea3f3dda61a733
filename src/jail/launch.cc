#include "jail/launch.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include "jail/cgroup.h"
#include "jail/image.h"
#include "jail/launcher/begin.h"
#include "jail/outcome.h"
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

Error step_failed(wire::Step step, int error) {
  return Error{Errc::kSystem, describe(Outcome(SetupFailed{step, error, ""})), error};
}

Result<launcher::BegunRoom> take_room() {
  const launcher::BegunRoom room = launcher::begun_room();
  if (room.begun_at == 0) {
    return Error{Errc::kSystem,
                 "the sandbox could not be begun; mount /proc, or start carrel with its standard "
                 "input, output and error open"};
  }
  if (room.pid == 0) return step_failed(room.step, room.error);
  CARREL_CHECK(keep_across_exec(room.pidfd));
  CARREL_CHECK(keep_across_exec(room.control));
  return room;
}

Result<Handles> gather(const Launch& launch, const launcher::BegunRoom& room,
                       const std::vector<std::string>& cgroups) {
  Handles handles;
  CARREL_TRY(handles.carrel, sys::open("/proc/self/exe", O_RDONLY));
  CARREL_TRY(handles.carrel, above(std::move(handles.carrel), launch.plan.kept_fds));
  CARREL_CHECK(keep_across_exec(handles.carrel.get()));
  handles.numbers.carrel_fd = handles.carrel.get();
  if (launch.proxy_pid != 0) {
    CARREL_CHECK(keep_across_exec(launch.handout_fd));
    handles.numbers.proxy_pid = launch.proxy_pid;
    handles.numbers.proxy_fd = launch.handout_fd;
  } else if (launch.handout_fd >= 0 && ::fcntl(launch.handout_fd, F_SETFD, FD_CLOEXEC) == -1) {
    return sys::failed("fcntl", "F_SETFD");  // the caller's: of no use to the launcher
  }
  handles.numbers.room_pid = room.pid;
  handles.numbers.room_fd = room.pidfd;
  handles.numbers.control_fd = room.control;
  handles.numbers.cgroup_folders = cgroups;
  handles.numbers.always_finish = launch.always_finish || !cgroups.empty();
  handles.numbers.record_denials = launch.record_denials;
  handles.numbers.context = launch.context;
  handles.numbers.begun_at = room.begun_at;
  handles.numbers.started_at = std::min(launch.started_at, room.begun_at);
  handles.numbers.planned_at = monotonic_ns();
  return handles;
}

// From here on signals wait for the launcher, which forwards them.
void hold_signals() {
  sigset_t all;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
}

Status give_plan(const Launch& launch, const launcher::BegunRoom& room, int plan_fd) {
  if (launch.plan.identity.map_all) {
    const long mapped = launcher::map_ids_of(room);
    if (mapped < 0) return step_failed(wire::Step::kMapIds, static_cast<int>(-mapped));
  }
  const long given = launcher::hand_over_plan(room, plan_fd, launch.handout_fd);
  // A room that has failed is gone, and said why: the launcher will find its words.
  if (given < 0 && given != -EPIPE && given != -ECONNRESET)
    return step_failed(wire::Step::kLost, static_cast<int>(-given));
  return Unit{};
}

Error execute(const Launch& launch, const std::vector<std::string>& cgroups) {
  CARREL_TRY(const launcher::BegunRoom room, take_room());
  CARREL_CHECK(join_cgroups(cgroups, room.pid));
  CARREL_TRY(const Handles handles, gather(launch, room, cgroups));
  CARREL_TRY(const std::string block, plan::encode(launch.plan, handles.numbers));
  CARREL_TRY(const UniqueFd plan, plan_file(block, launch.plan.kept_fds));
  hold_signals();
  CARREL_CHECK(give_plan(launch, room, plan.get()));

  // The room makes its mounts while the launcher starts.
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
  CARREL_TRY(const std::vector<std::string> cgroups,
             make_cgroups(launch.plan.limits, launch.machine));
  Error error = execute(launch, cgroups);
  abandon();
  remove_cgroups(cgroups);
  return error;
}

void abandon() { launcher::end_begun_room(); }

}  // namespace carrel::jail
