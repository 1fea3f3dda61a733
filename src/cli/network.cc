#include "cli/network.h"

#include "base/path.h"

namespace carrel::cli {

Status check_network(const policy::Policy& policy, const plan::Request& request) {
  if (policy.network.allow.empty() || request.hand_out_listeners) return Unit{};
  return Error{Errc::kUnsupported,
               "the policy allows " + printable(policy.network.allow.begin()->text()) +
                   ", but this version has no proxy of its own, so it could not be reached; serve "
                   "the network with --proxy-fd N, or run without hosts to allow"};
}

}  // namespace carrel::cli
