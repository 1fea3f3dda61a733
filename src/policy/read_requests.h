// The tables [[gateway]], [[credential]] and [[request]] of a policy file.
#pragma once

#include "policy/document.h"
#include "policy/policy.h"

namespace carrel::policy {

// Reads them into `network`, whose `inspect` has been read already, and refuses
// what they may not mean: each message points into the file.
[[nodiscard]] Status read_requests(const Source& source, const Table& root,
                                   const PathContext& context, NetworkPolicy& network);

}  // namespace carrel::policy
