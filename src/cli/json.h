// JSON that is printed or kept.
#pragma once

#include <boost/json.hpp>
#include <string>
#include <string_view>

namespace carrel::cli {

// Indented, in the order of insertion, with a newline at the end. Always valid
// JSON in UTF-8 and safe to print on a terminal: strings may hold any bytes;
// what is not printable is escaped, and a byte that is not UTF-8 becomes U+FFFD.
[[nodiscard]] std::string json_text(const boost::json::value& value);

}  // namespace carrel::cli
