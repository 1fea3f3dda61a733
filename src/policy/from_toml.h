// The policy file: TOML, version 1. docs/policy.md describes every key, and
// json_schema() the same for editors.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "policy/policy.h"

namespace carrel::policy {

// Parses a policy file. It starts from the built-in profile that its `profile`
// key names ("default" without one) and adds to it; `inherit = false` under a
// table starts that table empty. Every failure reads
// "SOURCE:LINE:COLUMN: what is wrong; what to do", and unknown keys, wrong
// types, contradictions and unknown units are failures.
[[nodiscard]] Result<Policy> from_toml(std::string_view text, std::string_view source,
                                       const PathContext& context);

// JSON Schema 2020-12 of the same format.
[[nodiscard]] std::string json_schema();

}  // namespace carrel::policy
