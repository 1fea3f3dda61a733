// Letters of ASCII, whatever the locale: names of hosts and protocols have no others.
#pragma once

#include <algorithm>
#include <string_view>

namespace carrel {

[[nodiscard]] constexpr char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Boost.Beast's iequals() of 1.74 looks at one character beyond both texts.
[[nodiscard]] constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, to_lower, to_lower);
}

[[nodiscard]] constexpr bool starts_ignoring_case(std::string_view text, std::string_view with) {
  return equal_ignoring_case(text.substr(0, with.size()), with);
}

}  // namespace carrel
