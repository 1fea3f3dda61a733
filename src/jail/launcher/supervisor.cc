#include "jail/launcher/supervisor.h"

#include "jail/launcher/control.h"
#include "jail/launcher/denials.h"
#include "jail/launcher/finish.h"
#include "jail/launcher/kernel.h"
#include "jail/launcher/plan_file.h"
#include "jail/launcher/plan_view.h"
#include "jail/launcher/terminal.h"

namespace carrel::launcher {
namespace {

using kernel::call;
using wire::Ended;
using wire::Step;

constexpr std::uint64_t kNever = ~0ull;
constexpr unsigned kFixed = 5;                     // descriptors that are always watched
constexpr std::uint64_t kGraceNs = 2'000'000'000;  // between SIGTERM and SIGKILL at a time-out
constexpr long long kProxyGraceSeconds = 2;        // for its last words

constexpr kernel::SignalSet kNotForwarded =
    kernel::signal_bit(SIGCHLD) | kernel::signal_bit(SIGPIPE) | kernel::signal_bit(SIGTTIN) |
    kernel::signal_bit(SIGTTOU) | kernel::signal_bit(SIGWINCH) | kernel::signal_bit(SIGSEGV) |
    kernel::signal_bit(SIGBUS) | kernel::signal_bit(SIGFPE) | kernel::signal_bit(SIGILL);

// Signals that the caller had ignored (nohup(1)): they stay ignored.
kernel::SignalSet ignored_signals() {
  kernel::SignalSet ignored = 0;
  for (int signal = 1; signal <= 31; ++signal) {
    kernel::SignalAction action{};
    if (call(__NR_rt_sigaction, signal, nullptr, &action, sizeof action.mask) == 0 &&
        action.handler == 1) {
      ignored |= kernel::signal_bit(signal);
    }
  }
  return ignored;
}

// True if a shell watches over this process group: only then may it stop.
bool can_be_resumed() {
  const long parent = call(__NR_getppid);
  return call(__NR_getsid, parent) == call(__NR_getsid, 0) &&
         call(__NR_getpgid, parent) != call(__NR_getpgid, 0);
}

class Supervisor {
 public:
  explicit Supervisor(const PlanView& plan, int plan_fd)
      : plan_(plan), finish_(plan, plan_fd), relay_(TerminalRelay::find()) {
    outcome_.phases.launcher = kernel::monotonic_ns();
  }

  [[noreturn]] void run() {
    block_signals();
    watch_proxy();
    take_room();
    while (!gone_) wait_once();
    relay_.finish();
    outcome_.phases.gone = kernel::monotonic_ns();
    finish();
  }

 private:
  [[noreturn]] void finish() {
    end_proxy();
    finish_.finish(outcome_);
  }

  void must(Step step, long result) {
    if (result >= 0) return;
    if (room_ >= 0) call(__NR_pidfd_send_signal, room_, SIGKILL, nullptr, 0);
    outcome_.ended = Ended::kFailed;
    outcome_.step = step;
    outcome_.value = static_cast<std::uint32_t>(-result);
    finish();
  }

  void block_signals() {
    kernel::SignalSet all = ~kernel::SignalSet{0};
    must(Step::kSignals, kernel::set_signal_mask(all));
    ignored_ = ignored_signals();
    all &= ~ignored_;
    const long fd = call(__NR_signalfd4, -1, &all, sizeof all, O_CLOEXEC | O_NONBLOCK);
    must(Step::kSignals, fd);
    signals_ = static_cast<int>(fd);
  }

  // It was started before this program was executed.
  void watch_proxy() {
    const wire::Header& plan = plan_.header();
    if (plan.proxy_pid == 0) return;
    handout_ = plan.proxy_fd;
    must(Step::kHandOut, proxy_ = static_cast<int>(call(__NR_pidfd_open, plan.proxy_pid, 0)));
  }

  // The room has the plan since before this program ran.
  void take_room() {
    const wire::Header& plan = plan_.header();
    pid_ = plan.room_pid;
    room_ = plan.room_fd;
    control_ = plan.control_fd;
    for (const std::int32_t fd : plan_.table(plan.kept_fds)) kernel::close(fd);
    if (plan.wall_time_ms != 0) {
      deadline_ = outcome_.phases.launcher + plan.wall_time_ms * 1'000'000;
    }
  }

  void send_signal(Message::Kind kind, int signal) {
    Message message{};
    message.kind = kind;
    message.value = static_cast<std::uint32_t>(signal);
    send(control_, message);  // a room that has just ended cannot hear: not an error
  }

  void wait_once() {
    pollfd fds[kFixed + 2] = {{signals_, POLLIN, 0},
                              {room_, POLLIN, 0},
                              {control_, POLLIN, 0},
                              {notifier_, POLLIN, 0},  // ppoll passes over a descriptor of -1
                              {proxy_, POLLIN, 0}};
    const unsigned relayed = relay_.watch(fds + kFixed);
    __kernel_timespec left{};
    const long ready = kernel::ppoll(fds, kFixed + relayed, time_left(left) ? &left : nullptr);
    if (ready < 0) return;
    if (kernel::monotonic_ns() >= deadline_) run_out_of_time();
    relay_.handle(fds + kFixed, relayed);
    if (fds[0].revents != 0) take_signals();
    if (fds[2].revents != 0) take_message();
    if (fds[3].revents != 0) take_refused_call(fds[3].revents);
    if (fds[4].revents != 0) lose_proxy();
    if (fds[1].revents != 0) take_end();
  }

  void take_refused_call(short events) {
    if ((events & POLLIN) != 0) {
      answer_refused_call(plan_, notifier_, outcome_);
    } else {
      kernel::close(notifier_);  // nobody is left who could be refused
      notifier_ = -1;
    }
  }

  // Nobody decides any more what may be reached, and nothing can be.
  void lose_proxy() {
    const int status = reap_proxy();
    if (told_) return;
    told_ = true;
    outcome_.ended = Ended::kFailed;
    outcome_.step = Step::kProxy;
    outcome_.value = static_cast<std::uint32_t>(status & 0x7f);
    call(__NR_pidfd_send_signal, room_, SIGKILL, nullptr, 0);
  }

  int reap_proxy() {
    int status = 0;
    kernel::wait4(plan_.header().proxy_pid, &status, 0, nullptr);
    kernel::close(proxy_);
    proxy_ = -1;
    return status;
  }

  void tell_proxy_of_the_end() {
    if (handout_ >= 0) kernel::close(handout_);
    handout_ = -1;
  }

  // Waits for it, so that nothing is left when this process is gone.
  void end_proxy() {
    tell_proxy_of_the_end();
    if (proxy_ < 0) return;
    pollfd fd{proxy_, POLLIN, 0};
    const __kernel_timespec patience{kProxyGraceSeconds, 0};
    if (kernel::ppoll(&fd, 1, &patience) <= 0) {
      call(__NR_pidfd_send_signal, proxy_, SIGKILL, nullptr, 0);
    }
    reap_proxy();
  }

  bool time_left(__kernel_timespec& left) const {
    if (deadline_ == kNever) return false;
    const std::uint64_t now = kernel::monotonic_ns();
    const std::uint64_t ns = now >= deadline_ ? 0 : deadline_ - now;
    left.tv_sec = static_cast<long long>(ns / 1'000'000'000);
    left.tv_nsec = static_cast<long long>(ns % 1'000'000'000);
    return true;
  }

  void run_out_of_time() {
    if (timed_out_) {
      call(__NR_pidfd_send_signal, room_, SIGKILL, nullptr, 0);
      deadline_ = kNever;
      return;
    }
    timed_out_ = true;
    deadline_ = kernel::monotonic_ns() + kGraceNs;
    send_signal(Message::Kind::kSignalAll, SIGTERM);
    send_signal(Message::Kind::kSignalAll, SIGCONT);
  }

  void take_signals() {
    signalfd_siginfo info{};
    while (kernel::read(signals_, &info, sizeof info) == sizeof info) {
      const int signal = static_cast<int>(info.ssi_signo);
      if (signal == SIGWINCH) relay_.resize();
      if (signal == SIGCONT) relay_.resume();
      if ((kNotForwarded & kernel::signal_bit(signal)) != 0) continue;
      send_signal(Message::Kind::kSignal, signal);
    }
  }

  void take_message() {
    Message message{};
    int fd = -1;
    const long received = receive(control_, message, fd, kernel::kMsgDontWait);
    if (received == -EAGAIN) return;
    if (received != 1) {
      kernel::close(control_);
      control_ = -1;
      return;
    }
    switch (message.kind) {
      case Message::Kind::kTerminal:
        relay_.start(fd);
        break;
      case Message::Kind::kNotifier:
        notifier_ = fd;
        break;
      case Message::Kind::kStopped:
        stop_with_command();
        break;
      case Message::Kind::kFailed:
        take_failure(message);
        break;
      case Message::Kind::kNotExecuted:
        outcome_.step = Step::kExecute;
        outcome_.index = message.value;
        break;
      case Message::Kind::kEnded:
        take_status(message);
        break;
      default:
        break;
    }
  }

  // Ctrl-Z inside: this process stops too, so that the caller's shell notices.
  void stop_with_command() {
    if (can_be_resumed()) {
      relay_.suspend();
      kernel::kill(static_cast<int>(call(__NR_getpid)), SIGSTOP);
      relay_.resume();
    }
    send_signal(Message::Kind::kSignal, SIGCONT);
  }

  void take_failure(const Message& message) {
    told_ = true;
    outcome_.ended = Ended::kFailed;
    outcome_.value = message.value;
    outcome_.step = message.step;
    outcome_.index = message.index;
  }

  void take_status(const Message& message) {
    if (told_) return;  // the proxy was lost just before
    told_ = true;
    tell_proxy_of_the_end();
    const std::uint32_t status = message.value;
    const std::uint32_t signal = status & 0x7f;
    outcome_.ended = timed_out_    ? Ended::kTimedOut
                     : signal != 0 ? Ended::kSignaled
                                   : Ended::kExited;
    outcome_.value = signal != 0 ? signal : (status >> 8) & 0xff;
    outcome_.processes_at_end = message.index;
    outcome_.private_full = message.private_full;
    outcome_.phases.namespaces = message.phases.namespaces;
    outcome_.phases.mounts = message.phases.mounts;
    outcome_.phases.sealed = message.phases.sealed;
    outcome_.phases.ended = message.phases.ended;
  }

  // PID 1 is gone, and with it everything inside.
  void take_end() {
    while (control_ >= 0) take_message_before_end();
    int status = 0;
    rusage usage{};
    if (kernel::wait4(pid_, &status, 0, &usage) != pid_) return;
    gone_ = true;
    outcome_.user_us = microseconds(usage.ru_utime);
    outcome_.system_us = microseconds(usage.ru_stime);
    outcome_.max_rss_kib = static_cast<std::uint64_t>(usage.ru_maxrss);
    if (told_) return;
    outcome_.ended = timed_out_ ? Ended::kTimedOut : Ended::kFailed;
    outcome_.step = Step::kLost;
    outcome_.value = static_cast<std::uint32_t>(status & 0x7f);
  }

  // What PID 1 said last may still be on its way when its end is seen.
  void take_message_before_end() {
    pollfd fd{control_, POLLIN, 0};
    const __kernel_timespec now{};
    if (kernel::ppoll(&fd, 1, &now) <= 0 || fd.revents == 0) {
      kernel::close(control_);
      control_ = -1;
      return;
    }
    take_message();
  }

  static std::uint64_t microseconds(const __kernel_old_timeval& time) {
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 +
           static_cast<std::uint64_t>(time.tv_usec);
  }

  const PlanView& plan_;
  const Finish finish_;
  TerminalRelay relay_;
  wire::Outcome outcome_{};
  kernel::SignalSet ignored_ = 0;
  std::uint64_t deadline_ = kNever;
  int signals_ = -1;
  int control_ = -1;
  int room_ = -1;  // pidfd of PID 1
  int notifier_ = -1;
  int handout_ = -1;  // while the proxy is to serve
  int proxy_ = -1;    // pidfd of carrel's own proxy
  int pid_ = -1;
  bool timed_out_ = false;
  bool told_ = false;
  bool gone_ = false;
};

int parse_fd(const char* text) {
  int fd = 0;
  while (text != nullptr && *text >= '0' && *text <= '9') fd = fd * 10 + (*text++ - '0');
  return fd;
}

}  // namespace

void supervise(char** environment) {
  kernel::prctl(PR_SET_NAME, reinterpret_cast<unsigned long>("carrel"));  // for ps(1)
  const int plan_fd = parse_fd(environment[0]);
  const PlanView plan = map_plan(plan_fd);
  if (!plan.valid()) {
    constexpr char kWords[] =
        "carrel: the launcher cannot read its plan: it is started by carrel, not by hand\n";
    (void)kernel::write(2, kWords, sizeof kWords - 1);
    kernel::exit(125);
  }
  Supervisor(plan, plan_fd).run();
}

}  // namespace carrel::launcher
