// The network of a run, as far as the command line decides it.
#pragma once

#include "base/result.h"
#include "plan/plan.h"
#include "policy/policy.h"

namespace carrel::cli {

// kUnsupported if `policy` allows hosts and nobody would serve them: to run
// without the network that was asked for would only look like success.
[[nodiscard]] Status check_network(const policy::Policy& policy, const plan::Request& request);

}  // namespace carrel::cli
