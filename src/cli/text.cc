#include "cli/text.h"

#include <unistd.h>

#include <algorithm>

#include "base/path.h"
#include "base/utf8.h"
#include "sys/error.h"

namespace carrel::cli {
namespace {

Status write_to(int fd, std::string_view text, std::string_view name) {
  while (!text.empty()) {
    const ssize_t written = sys::retry([&] { return ::write(fd, text.data(), text.size()); });
    if (written < 0) return sys::failed("write", name);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return Unit{};
}

}  // namespace

std::size_t text_width(std::string_view text) {
  std::size_t width = 0;
  for (; !text.empty(); ++width) text.remove_prefix(first_utf8_char(text).size);
  return width;
}

std::string padded(std::string_view text, std::size_t width) {
  std::string out(text);
  const std::size_t taken = text_width(text);
  if (taken < width) out.append(width - taken, ' ');
  return out;
}

std::string wrapped(std::string_view text, std::size_t indent) {
  std::string out;
  std::size_t column = indent;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    const std::size_t width = text_width(word);
    if (column > indent && column + 1 + width > kLineWidth) {
      out += '\n';
      out.append(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ';
      ++column;
    }
    out += word;
    column += width;
    text.remove_prefix(std::min(word.size() + 1, text.size()));
  }
  return out;
}

std::string two_columns(const std::vector<Row>& rows, std::size_t max_left) {
  std::size_t left = 0;
  for (const Row& row : rows) left = std::max(left, std::min(text_width(row.left), max_left));
  const std::size_t right = 2 + left + 2;
  std::string out;
  for (const Row& row : rows) {
    out += "  " + (row.right.empty() ? row.left : padded(row.left, left));
    if (!row.right.empty()) {
      out += text_width(row.left) > left ? "\n" + std::string(right, ' ') : "  ";
      out += wrapped(row.right, right);
    }
    out += '\n';
  }
  return out;
}

std::string joined(const std::vector<std::string>& parts, std::string_view separator) {
  std::string out;
  for (const std::string& part : parts) {
    if (!out.empty()) out += separator;
    out += part;
  }
  return out;
}

Status print(std::string_view text) { return write_to(STDOUT_FILENO, text, "standard output"); }

void complain(std::string_view message) {
  // Where standard error is gone there is nobody left to tell.
  (void)write_to(STDERR_FILENO, "carrel: " + printable(message) + "\n", "standard error");
}

}  // namespace carrel::cli
