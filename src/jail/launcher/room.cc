#include "jail/launcher/room.h"

#include <asm/termbits.h>
#include <asm/termios.h>

#include "jail/launcher/denials.h"
#include "jail/launcher/identity.h"
#include "jail/launcher/init.h"
#include "jail/launcher/kernel.h"
#include "jail/launcher/mounts.h"
#include "jail/launcher/network.h"
#include "jail/launcher/plan_file.h"
#include "jail/launcher/privileges.h"
#include "jail/launcher/terminal.h"

// The image's first byte, and the one behind its last: the linker's.
extern "C" {
extern char __executable_start[];  // NOLINT(bugprone-reserved-identifier)
extern char _end[];                // NOLINT(bugprone-reserved-identifier)
}

namespace carrel::launcher {
namespace {

using kernel::call;
using wire::Step;

alignas(16) char the_stack[64 << 10];
alignas(16) char the_mounters_stack[32 << 10];

// Line settings and size of the caller's terminal, before the command can look.
void copy_settings(int from, int to, std::uint32_t terminal_fds, const Failure& failure) {
  termios settings{};
  winsize size{};
  failure.must(Step::kTerminal, kernel::ioctl(from, TCGETS, &settings));
  failure.must(Step::kTerminal, kernel::ioctl(from, TIOCGWINSZ, &size));
  // Without input the caller's terminal stays cooked and post-processes itself.
  if ((terminal_fds & 1u) == 0) settings.c_oflag &= ~static_cast<tcflag_t>(OPOST);
  failure.must(Step::kTerminal, kernel::ioctl(to, TCSETS, &settings));
  failure.must(Step::kTerminal, kernel::ioctl(to, TIOCSWINSZ, &size));
}

// Two threads. This process's own makes the network namespace, which takes as
// long as everything else, and gives up all rights. The other one takes the plan
// and makes the mounts, and with it the last capability is gone.
class Room {
 public:
  explicit Room(const RoomStart& start)
      : start_(start), control_(start.control), failure_(start.control) {}

  [[noreturn]] void live() {
    block_signals();
    give_memory_back();
    failure_.must(Step::kNamespaces, call(__NR_unshare, CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS));
    failure_.must(Step::kFork, kernel::thread_onto(the_mounters_stack + sizeof the_mounters_stack,
                                                   make_all_mounts, this, &mounter_runs_));
    make_network(failure_);
    phases_.namespaces = kernel::monotonic_ns();

    failure_.must(Step::kSession, call(__NR_setsid));
    forbid_new_privileges(failure_);
    take_carrels_processor();
    wait_for_plan();
    open_listeners(plan_, handout_, failure_);
    enter_cgroup_namespace();
    failure_.must(Step::kHostname, call(__NR_sethostname, plan_.text(plan_.header().hostname),
                                        plan_.header().hostname.size));
    give_up_rights();

    kernel::wait_while(&mounter_runs_, 1);
    phases_.mounts = mounted_at_;
    const std::uint32_t terminals = TerminalRelay::find();
    const int tty = terminals != 0 ? open_pty(terminals) : -1;
    failure_.must(Step::kWorkingDir, call(__NR_chdir, plan_.text(plan_.header().working_dir)));
    close_descriptors_at_exec(plan_, failure_);
    give_back_processors();
    bind_to_parent(failure_);
    phases_.sealed = kernel::monotonic_ns();
    run_as_init({plan_, control_, tty, signal_mask_, phases_}, failure_);
  }

 private:
  void block_signals() {
    const kernel::SignalSet all = ~kernel::SignalSet{0};
    failure_.must(Step::kSignals,
                  call(__NR_rt_sigprocmask, 2, &all, &signal_mask_, sizeof signal_mask_));
  }

  // The caller's environment is in there, and may be anybody's keys.
  void give_memory_back() {
    constexpr std::uintptr_t kPage = 4096;
    const std::uintptr_t start =
        reinterpret_cast<std::uintptr_t>(__executable_start) & ~(kPage - 1);
    const std::uintptr_t end = (reinterpret_cast<std::uintptr_t>(_end) + kPage - 1) & ~(kPage - 1);
    failure_.must(Step::kLoad, call(__NR_munmap, 0, start));
    // Where a process's memory ends depends on the architecture and its page tables.
    // The largest first: a smaller one would leave the caller's stack where it is.
    constexpr std::uintptr_t kTops[] = {1ul << 52, 1ul << 48, 1ul << 47, (1ul << 47) - kPage,
                                        1ul << 42, 1ul << 39, 1ul << 36};
    long unmapped = -EINVAL;
    for (const std::uintptr_t top : kTops) {
      if (unmapped == -EINVAL) unmapped = call(__NR_munmap, end, top - end);
    }
    failure_.must(Step::kLoad, unmapped);
  }

  // carrel is done with it when there is a plan, and the mounts' thread has another.
  void take_carrels_processor() const {
    if (start_.processor < 0) return;
    const auto processor = static_cast<std::uint32_t>(start_.processor);
    constexpr std::uint32_t kBits = 8 * sizeof(unsigned long);
    Processors one;
    one.mask[processor / kBits] = 1ul << processor % kBits;
    call(__NR_sched_setaffinity, 0, start_.processors.size, one.mask);  // only for speed
  }

  // The command may run wherever its caller may.
  void give_back_processors() const {
    if (start_.processor < 0) return;
    failure_.must(Step::kProcessors,
                  call(__NR_sched_setaffinity, 0, start_.processors.size, start_.processors.mask));
  }

  static void make_all_mounts(void* self) {
    auto& room = *static_cast<Room*>(self);
    // Files can be made once there are ids: root's come with the plan.
    const bool has_ids = room.take_identity();
    if (has_ids) prepare_mounts(room.failure_);
    room.take_plan();
    if (!has_ids) prepare_mounts(room.failure_);
    make_mounts(room.plan_, room.failure_);
    room.mounted_at_ = kernel::monotonic_ns();
    kernel::end_thread();
  }

  // No plan comes if carrel refuses to make one, or is gone.
  void take_plan() {
    Message message{};
    int fd = -1;
    for (;;) {
      if (receive(control_, message, fd) != 1) kernel::exit(125);
      if (message.kind == Message::Kind::kPlan) break;
      handout_ = fd;
    }
    plan_ = map_plan(fd);
    kernel::close(fd);
    if (!plan_.valid()) failure_.report(Step::kReadPlan, -EINVAL);
    kernel::set_and_wake(&has_plan_, 1);
  }

  void wait_for_plan() { kernel::wait_while(&has_plan_, 0); }

  // An ordinary user's one ID. Root's are all mapped from outside, with the plan.
  bool take_identity() {
    if (start_.uid == 0) return false;
    failure_.must(Step::kMapIds, write_existing("/proc/self/setgroups", "deny", 4));
    failure_.must(Step::kMapIds, map_one_id("/proc/self/uid_map", start_.uid));
    failure_.must(Step::kMapIds, map_one_id("/proc/self/gid_map", start_.gid));
    return true;
  }

  // Only now: the namespace's root is the cgroup that the process is in.
  void enter_cgroup_namespace() {
    failure_.must(Step::kNamespaces, call(__NR_unshare, CLONE_NEWCGROUP));
  }

  void give_up_rights() {
    const wire::Header& plan = plan_.header();
    if (plan.drop_groups != 0) {
      failure_.must(Step::kGroups, call(__NR_setgroups, 0, nullptr));
    }
    drop_capabilities(failure_);
    if (plan.record_denials != 0) {
      install_recording_filters(plan_, control_, failure_);
    } else {
      install_filters(plan_, failure_);
    }
  }

  // The pty that stands for the caller's terminal: made inside, so that its name
  // exists inside and characters pushed into it never reach the caller's shell.
  int open_pty(std::uint32_t terminals) {
    const long master = failure_.must(Step::kTerminal,
                                      kernel::openat(AT_FDCWD, "/dev/pts/ptmx", O_RDWR | O_NOCTTY));
    const int unlock = 0;
    failure_.must(Step::kTerminal, kernel::ioctl(static_cast<int>(master), TIOCSPTLCK, &unlock));
    const long slave = failure_.must(
        Step::kTerminal,
        call(__NR_ioctl, master, 0x5441 /* TIOCGPTPEER */, O_RDWR | O_NOCTTY | O_CLOEXEC));
    for (int fd = 0; fd <= 2; ++fd) {
      if ((terminals & (1u << fd)) == 0) continue;
      copy_settings(fd, static_cast<int>(slave), terminals, failure_);
      break;
    }
    // Only now: with the master in hand the supervisor makes the caller's terminal raw.
    Message message{};
    message.kind = Message::Kind::kTerminal;
    failure_.must(Step::kTerminal, send(control_, message, static_cast<int>(master)));
    kernel::close(static_cast<int>(master));
    failure_.must(Step::kTerminal, call(__NR_ioctl, slave, TIOCSCTTY, 0));
    for (int fd = 0; fd <= 2; ++fd) {
      if ((terminals & (1u << fd)) == 0) continue;
      failure_.must(Step::kTerminal, call(__NR_dup3, slave, fd, 0));
    }
    return static_cast<int>(slave);
  }

  const RoomStart start_;
  const int control_;
  const Failure failure_;
  PlanView plan_;
  int handout_ = -1;
  kernel::SignalSet signal_mask_ = 0;
  std::uint32_t mounter_runs_ = 0;
  std::uint32_t has_plan_ = 0;
  std::uint64_t mounted_at_ = 0;
  wire::Phases phases_{};
};

void live_on_own_stack(void* start) { Room(*static_cast<const RoomStart*>(start)).live(); }

}  // namespace

void live_in_room(const RoomStart& start) {
  static RoomStart kept;  // what `start` lies in will be gone
  kept = start;
  kernel::call_onto(the_stack + sizeof the_stack, live_on_own_stack, &kept);
}

}  // namespace carrel::launcher
