// Completion scripts for shells, made from the description in options.h.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace carrel::cli {

// `shell` is one of kShells; `profiles` are the names to complete.
[[nodiscard]] Result<std::string> completion_script(std::string_view shell,
                                                    const std::vector<std::string>& profiles);

}  // namespace carrel::cli
