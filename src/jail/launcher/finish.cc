#include "jail/launcher/finish.h"

#include "jail/launcher/identity.h"
#include "jail/launcher/kernel.h"

namespace carrel::launcher {
namespace {

using kernel::call;
using wire::Ended;

// The status to end with if carrel itself cannot be executed any more.
int plain_status(const wire::Outcome& outcome) {
  switch (outcome.ended) {
    case Ended::kExited:
      return static_cast<int>(outcome.value);
    case Ended::kSignaled:
      return static_cast<int>(128 + outcome.value);
    case Ended::kTimedOut:
      return 124;
    case Ended::kFailed:
      return 125;
  }
  return 125;
}

}  // namespace

void Finish::finish(wire::Outcome& outcome) const {
  const bool silent = outcome.ended == Ended::kExited && outcome.value == 0;
  if (silent && plan_.header().always_finish == 0) kernel::exit(0);

  outcome.magic = wire::kMagic;
  const long fd = call(__NR_memfd_create, "carrel-outcome", 0);
  if (fd >= 0 && kernel::write(static_cast<int>(fd), &outcome, sizeof outcome) ==
                     static_cast<long>(sizeof outcome)) {
    const Number plan_number(static_cast<std::uint64_t>(plan_fd_));
    const Number outcome_number(static_cast<std::uint64_t>(fd));
    const char* const argv[] = {"carrel-finish", plan_number.text, outcome_number.text, nullptr};
    const char* const envp[] = {nullptr};
    kernel::set_signal_mask(0);
    call(__NR_execveat, plan_.header().carrel_fd, "", argv, envp, AT_EMPTY_PATH);
  }
  kernel::exit(plain_status(outcome));
}

}  // namespace carrel::launcher
