// Which mechanism keeps which limit on this machine.
// Sources: getrlimit(2), cgroups(7), Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/.
#pragma once

#include "base/result.h"
#include "plan/machine.h"
#include "plan/plan.h"
#include "policy/policy.h"

namespace carrel::plan {

// kUnsupported names the limit that cannot be kept here, and what would help,
// unless the policy says best_effort or has the limit from a profile; `notes` then says so.
[[nodiscard]] Result<LimitPlan> plan_limits(const policy::LimitsPolicy& limits,
                                            const Machine& machine,
                                            std::vector<std::string>& notes);

}  // namespace carrel::plan
