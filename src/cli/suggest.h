// "did you mean ...?"
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace carrel::cli {

// The one of `known` that differs least from `word`; "" if none is near.
[[nodiscard]] std::string closest(std::string_view word, std::span<const std::string> known);

}  // namespace carrel::cli
