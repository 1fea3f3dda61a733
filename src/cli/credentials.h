// The secrets of a policy's credentials, read on the host before the proxy is
// forked. Nothing else of carrel ever sees them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "egress/credential.h"
#include "plan/machine.h"
#include "policy/policy.h"

namespace carrel::cli {

// By the names of credentials: what stands for their secrets inside.
using Placeholders = std::map<std::string, std::string>;
[[nodiscard]] Result<Placeholders> make_placeholders(const policy::NetworkPolicy& policy);

// Reads variables, files, and what commands print (within 30 s, started in "/" with
// the caller's environment). A secret that is missing or could not stand in a header
// is an error that names the credential, never the value.
[[nodiscard]] Result<std::vector<egress::HeldCredential>> read_credentials(
    const policy::NetworkPolicy& policy, const Placeholders& placeholders,
    const plan::Machine& machine);

}  // namespace carrel::cli
