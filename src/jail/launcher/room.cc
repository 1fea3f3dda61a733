#include "jail/launcher/room.h"

#include <asm/termbits.h>
#include <asm/termios.h>

#include "jail/launcher/denials.h"
#include "jail/launcher/identity.h"
#include "jail/launcher/init.h"
#include "jail/launcher/kernel.h"
#include "jail/launcher/mounts.h"
#include "jail/launcher/network.h"
#include "jail/launcher/privileges.h"

namespace carrel::launcher {
namespace {

using kernel::call;
using wire::Step;

// Ids are mapped from outside, and the cgroup is joined there.
void wait_for_go(int control) {
  Message message{};
  int fd = -1;
  if (receive(control, message, fd) != 1) kernel::exit(125);  // the supervisor is gone
}

void take_identity(const RoomStart& start, const Failure& failure) {
  const wire::Header& plan = start.plan.header();
  if (plan.map_all == 0) {
    failure.must(Step::kMapIds, write_existing("/proc/self/setgroups", "deny", 4));
    failure.must(Step::kMapIds, map_one_id("/proc/self/uid_map", plan.uid));
    failure.must(Step::kMapIds, map_one_id("/proc/self/gid_map", plan.gid));
    return;
  }
  if (plan.drop_groups != 0) failure.must(Step::kGroups, call(__NR_setgroups, 0, nullptr));
}

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

// The pty that stands for the caller's terminal: made inside, so that its name
// exists inside and characters pushed into it never reach the caller's shell.
int open_pty(const RoomStart& start, const Failure& failure) {
  const long master =
      failure.must(Step::kTerminal, kernel::openat(AT_FDCWD, "/dev/pts/ptmx", O_RDWR | O_NOCTTY));
  const int unlock = 0;
  failure.must(Step::kTerminal, kernel::ioctl(static_cast<int>(master), TIOCSPTLCK, &unlock));
  const long slave = failure.must(
      Step::kTerminal,
      call(__NR_ioctl, master, 0x5441 /* TIOCGPTPEER */, O_RDWR | O_NOCTTY | O_CLOEXEC));
  for (int fd = 0; fd <= 2; ++fd) {
    if ((start.terminal_fds & (1u << fd)) == 0) continue;
    copy_settings(fd, static_cast<int>(slave), start.terminal_fds, failure);
    break;
  }
  // Only now: with the master in hand the supervisor makes the caller's terminal raw.
  Message message{};
  message.kind = Message::Kind::kTerminal;
  failure.must(Step::kTerminal, send(start.control, message, static_cast<int>(master)));
  kernel::close(static_cast<int>(master));
  failure.must(Step::kTerminal, call(__NR_ioctl, slave, TIOCSCTTY, 0));
  for (int fd = 0; fd <= 2; ++fd) {
    if ((start.terminal_fds & (1u << fd)) == 0) continue;
    failure.must(Step::kTerminal, call(__NR_dup3, slave, fd, 0));
  }
  return static_cast<int>(slave);
}

}  // namespace

void live_in_room(const RoomStart& start) {
  const Failure failure(start.control);
  const wire::Header& plan = start.plan.header();
  wire::Phases phases{};
  NetworkMaker network(start.plan, failure);
  network.start();
  if (start.wait_for_go) wait_for_go(start.control);
  take_identity(start, failure);
  failure.must(Step::kSession, call(__NR_setsid));
  if (plan.join_cgroup != 0) {
    // Only now: the namespace's root is the cgroup that the process is in.
    failure.must(Step::kJoinCgroup, call(__NR_unshare, CLONE_NEWCGROUP));
  }
  failure.must(Step::kHostname,
               call(__NR_sethostname, start.plan.text(plan.hostname), plan.hostname.size));
  make_mounts(start.plan, failure);
  phases.mounts = kernel::monotonic_ns();
  network.enter();
  phases.network = kernel::monotonic_ns();

  const int tty = start.terminal == Terminal::kPty ? open_pty(start, failure) : -1;
  failure.must(Step::kWorkingDir, call(__NR_chdir, start.plan.text(plan.working_dir)));
  close_descriptors_at_exec(start.plan, failure);
  drop_capabilities(failure);
  bind_to_parent(failure);
  if (plan.record_denials != 0) {
    install_recording_filters(start.plan, start.control, failure);
  } else {
    install_filters(start.plan, failure);
  }
  phases.sealed = kernel::monotonic_ns();

  run_as_init({start.plan, start.control, tty, start.signal_mask, phases}, failure);
}

}  // namespace carrel::launcher
