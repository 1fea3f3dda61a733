#include "jail/launcher/denials.h"

#include "jail/launcher/bpf.h"
#include "jail/launcher/identity.h"
#include "jail/launcher/kernel.h"

namespace carrel::launcher {
namespace {

using kernel::call;
using wire::Step;

const sock_filter* program_of(const PlanView& plan, const wire::Filter& filter) {
  return reinterpret_cast<const sock_filter*>(plan.text(wire::Text{filter.offset, filter.count}));
}

bool refuses(const sock_filter& step) {
  return step.code == (BPF_RET | BPF_K) && (step.k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO;
}

bool allows(const sock_filter& step) {
  return step.code == (BPF_RET | BPF_K) && step.k == SECCOMP_RET_ALLOW;
}

// All of the plan's programs as one, in memory of this process.
struct Merged {
  sock_filter* program;
  std::uint32_t count;
};

// A process can have one listener: the programs are chained, each going on to
// the next where it would allow, and answering `instead` where it would refuse.
Merged merge(const PlanView& plan, std::uint32_t instead, const Failure& failure) {
  const auto filters = plan.table(plan.header().filters);
  std::uint32_t total = 0;
  for (const wire::Filter& filter : filters) total += filter.count;
  const long memory = failure.must(
      Step::kSeccomp, call(__NR_mmap, nullptr, total * sizeof(sock_filter), PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  auto* const out = reinterpret_cast<sock_filter*>(memory);
  std::uint32_t at = 0;
  for (std::uint32_t i = 0; i < filters.count; ++i) {
    const sock_filter* const program = program_of(plan, filters[i]);
    const std::uint32_t next = at + filters[i].count;
    for (std::uint32_t j = 0; j < filters[i].count; ++j, ++at) {
      out[at] = program[j];
      if (refuses(program[j])) out[at].k = instead;
      if (allows(program[j]) && next < total) out[at] = {BPF_JMP | BPF_JA, 0, 0, next - at - 1};
    }
  }
  return {out, total};
}

// Installs, and gives the memory back.
long load(const Merged& merged, unsigned flags) {
  sock_fprog program{static_cast<unsigned short>(merged.count), merged.program};
  const long loaded = call(__NR_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
  call(__NR_munmap, merged.program, merged.count * sizeof(sock_filter));
  return loaded;
}

// What the plan's own filters say. Where several refuse a call, the kernel
// answers for the one that was installed last (seccomp(2)).
int planned_error(const PlanView& plan, const seccomp_data& data) {
  const auto filters = plan.table(plan.header().filters);
  for (std::uint32_t i = filters.count; i-- > 0;) {
    const std::uint32_t action =
        evaluate_filter(program_of(plan, filters[i]), filters[i].count, data);
    if ((action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO) {
      return static_cast<int>(action & SECCOMP_RET_DATA);
    }
  }
  return EPERM;
}

void read_program(std::uint32_t pid, char (&name)[16]) {
  const Number number(pid);
  char path[48] = "/proc/";
  unsigned size = 6;
  for (unsigned i = 0; i < number.size; ++i) path[size++] = number.text[i];
  for (const char* tail = "/comm"; *tail != 0; ++tail) path[size++] = *tail;
  const long fd = kernel::openat(AT_FDCWD, path, O_RDONLY);
  if (fd < 0) return;
  const long got = kernel::read(static_cast<int>(fd), name, sizeof name - 1);
  kernel::close(static_cast<int>(fd));
  if (got > 0 && name[got - 1] == '\n') name[got - 1] = 0;
}

bool same_program(const wire::Denial& denial, const char (&program)[16]) {
  for (unsigned i = 0; i < sizeof program; ++i) {
    if (denial.program[i] != program[i]) return false;
  }
  return true;
}

void count(wire::Outcome& outcome, const seccomp_data& data, int error, const char (&program)[16]) {
  for (std::uint32_t i = 0; i < outcome.denial_count; ++i) {
    wire::Denial& denial = outcome.denials[i];
    if (denial.number == data.nr && same_program(denial, program)) {
      ++denial.count;
      return;
    }
  }
  if (outcome.denial_count == wire::kMaxDenials) {
    outcome.denials_lost = 1;
    return;
  }
  wire::Denial& denial = outcome.denials[outcome.denial_count++];
  denial.number = data.nr;
  for (unsigned i = 0; i < 6; ++i) denial.arguments[i] = data.args[i];
  denial.error = error;
  denial.count = 1;
  for (unsigned i = 0; i < sizeof program; ++i) denial.program[i] = program[i];
}

}  // namespace

void install_recording_filters(const PlanView& plan, int control, const Failure& failure) {
  // First without the listener: that foreign architectures are killed is said by
  // two filters here too.
  failure.must(Step::kSeccomp, load(merge(plan, SECCOMP_RET_ALLOW, failure), 0));
  const long listener = failure.must(
      Step::kSeccomp,
      load(merge(plan, SECCOMP_RET_USER_NOTIF, failure), SECCOMP_FILTER_FLAG_NEW_LISTENER));
  Message message{};
  message.kind = Message::Kind::kNotifier;
  failure.must(Step::kSeccomp, send(control, message, static_cast<int>(listener)));
  kernel::close(static_cast<int>(listener));
}

void answer_refused_call(const PlanView& plan, int listener, wire::Outcome& outcome) {
  seccomp_notif request{};
  if (kernel::ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request) < 0) return;  // it is gone
  char program[16] = {};
  read_program(request.pid, program);
  const int error = planned_error(plan, request.data);
  count(outcome, request.data, error, program);
  seccomp_notif_resp response{};
  response.id = request.id;
  response.error = -error;
  kernel::ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

}  // namespace carrel::launcher
