// Settings files of Anthropic's sandbox-runtime (srt), taken as they are: the
// keys of its Linux half with their semantics (allowRead wins over denyRead at
// the same place, denyWrite over allowWrite, deny over allow for domains).
#pragma once

#include <string_view>

#include "base/result.h"
#include "policy/policy.h"

namespace carrel::policy {

// kInvalid, as "SOURCE:LINE:COLUMN: what; fix", for malformed JSON, an empty
// file, a duplicate or unknown key, a wrong type, and for keys that Carrel
// knows but does not take over, each refused by name with the reason.
// Keys that have a meaning on macOS or Windows only are accepted and mean nothing.
[[nodiscard]] Result<Policy> from_settings(std::string_view text, std::string_view source,
                                           const PathContext& context);

}  // namespace carrel::policy
