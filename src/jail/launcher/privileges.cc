#include "jail/launcher/privileges.h"

#include <linux/securebits.h>

#include "jail/launcher/kernel.h"

namespace carrel::launcher {
namespace {

using kernel::call;
using kernel::prctl;
using wire::Step;

constexpr int kHighestCapability = 63;  // of a capability set's 64 bits

}  // namespace

void forbid_new_privileges(const Failure& failure) {
  failure.must(Step::kCapabilities, prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL));
  for (unsigned long capability = 0; capability <= kHighestCapability; ++capability) {
    const long dropped = prctl(PR_CAPBSET_DROP, capability);
    if (dropped == -EINVAL && capability > 0) break;  // the kernel knows no more
    failure.must(Step::kCapabilities, dropped);
  }
  failure.must(Step::kCapabilities, prctl(PR_SET_SECUREBITS, SECURE_ALL_BITS | SECURE_ALL_LOCKS));
  failure.must(Step::kNoNewPrivileges, prctl(PR_SET_NO_NEW_PRIVS, 1));
}

void drop_capabilities(const Failure& failure) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
  failure.must(Step::kCapabilities, call(__NR_capset, &header, none));
}

void bind_to_parent(const Failure& failure) {
  failure.must(Step::kNoNewPrivileges, prctl(PR_SET_DUMPABLE, 0));
  failure.must(Step::kParentDeath, prctl(PR_SET_PDEATHSIG, SIGKILL));
}

void install_filters(const PlanView& plan, const Failure& failure) {
  const auto filters = plan.table(plan.header().filters);
  for (std::uint32_t i = 0; i < filters.count; ++i) {
    sock_fprog program{};
    program.len = static_cast<unsigned short>(filters[i].count);
    program.filter = const_cast<sock_filter*>(reinterpret_cast<const sock_filter*>(
        plan.text(wire::Text{filters[i].offset, filters[i].count})));
    failure.must(Step::kSeccomp, call(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program), i);
  }
}

void close_descriptors_at_exec(const PlanView& plan, const Failure& failure) {
  constexpr unsigned kCloexec = 1u << 2;  // CLOSE_RANGE_CLOEXEC
  failure.must(Step::kDescriptors, call(__NR_close_range, 3, ~0u, kCloexec));
  for (const std::int32_t fd : plan.table(plan.header().kept_fds)) {
    failure.must(Step::kDescriptors, call(__NR_fcntl, fd, F_SETFD, 0),
                 static_cast<std::uint32_t>(fd));
  }
}

}  // namespace carrel::launcher
