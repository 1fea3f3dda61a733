// "did you mean ...?"
#pragma once

#include <span>
#include <string_view>

namespace carrel {

// The first of `choices` that is fewest edits away from `wrong` (inserted, deleted
// or other characters, neighbours swapped); "" if none is near.
[[nodiscard]] std::string_view closest(std::string_view wrong,
                                       std::span<const std::string_view> choices);

}  // namespace carrel
