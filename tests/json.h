// Reading the JSON that carrel prints.
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <string>
#include <string_view>

namespace carrel::tests {

// null if `text` is not JSON.
[[nodiscard]] boost::json::value parse_json(const std::string& text);

// The value at "a.b.0.c"; null if there is none.
[[nodiscard]] boost::json::value at(const boost::json::value& value, std::string_view path);

[[nodiscard]] std::string text_at(const boost::json::value& value, std::string_view path);
[[nodiscard]] std::int64_t number_at(const boost::json::value& value, std::string_view path);

}  // namespace carrel::tests
