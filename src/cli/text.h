// Text for people: laid out for a terminal, and safe to print there.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace carrel::cli {

inline constexpr std::size_t kLineWidth = 80;

// Columns that `text` takes: one for each code point.
[[nodiscard]] std::size_t text_width(std::string_view text);

// `text` filled with spaces to `width` columns.
[[nodiscard]] std::string padded(std::string_view text, std::size_t width);

// `text` broken at spaces into lines that end before kLineWidth. The first one
// starts at column `indent` already; the others are indented to it.
[[nodiscard]] std::string wrapped(std::string_view text, std::size_t indent);

// Rows of two columns, "  left  right", the right one wrapped.
struct Row {
  std::string left;
  std::string right;
};
[[nodiscard]] std::string two_columns(const std::vector<Row>& rows, std::size_t max_left = 30);

// "a, b, c"
[[nodiscard]] std::string joined(const std::vector<std::string>& parts,
                                 std::string_view separator = ", ");

// Writes all of `text` to standard output.
[[nodiscard]] Status print(std::string_view text);

// "carrel: MESSAGE" as exactly one line on standard error, with nothing in it
// that could steer a terminal.
void complain(std::string_view message);

}  // namespace carrel::cli
