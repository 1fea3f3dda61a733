// Most of what a policy hides is not there. A folder's listing says so of all the
// names in it at once, for a fifth of what asking for each one costs.
#pragma once

#include <string_view>
#include <vector>

namespace carrel::plan {

// For each of `paths`, absolute and normalized (sorted, it is quick): false only if nothing can
// be there now. Where a listing cannot be trusted to be complete, or is long, the
// answer is true.
[[nodiscard]] std::vector<bool> may_exist(const std::vector<std::string_view>& paths);

}  // namespace carrel::plan
