// Built-in profiles. A profile is an ordinary policy file that ships inside the
// program, so `carrel profile NAME` prints exactly what is used.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "policy/policy.h"

namespace carrel::policy {

// "default", "strict", "cowork".
[[nodiscard]] std::vector<std::string> profile_names();

// The TOML text of a profile. kNotFound names the profiles that exist.
[[nodiscard]] Result<std::string> profile_text(std::string_view name);

// The policy of a profile, to be used or added to. Where the working directory
// is a folder that the profile hides it contradicts itself, unless what is added
// settles that: check() tells. Where it would be private it is not.
[[nodiscard]] Result<Policy> profile(std::string_view name, const PathContext& context);

}  // namespace carrel::policy
