#include "egress/request_path.h"

#include "base/ascii.h"
#include "base/path.h"
#include "base/utf8.h"

namespace carrel::egress {
namespace {

Error two_ways(std::string_view what) {
  return Error{Errc::kInvalid, "the path can be read in two ways: it has " + std::string(what)};
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

// "." and "..", also with a parameter, which some servers take off first.
bool is_dots(std::string_view segment) {
  segment = segment.substr(0, segment.find(';'));
  return segment == "." || segment == "..";
}

Status check_segments(std::string_view path) {
  std::string_view rest = path.substr(1);
  while (true) {
    const std::size_t end = rest.find('/');
    const std::string_view segment = rest.substr(0, end);
    if (is_dots(segment)) return two_ways("'.' or '..' for a part");
    if (end == std::string_view::npos) return Unit{};
    if (segment.empty()) return two_ways("an empty part, '//'");
    rest.remove_prefix(end + 1);
  }
}

Status check_text(std::string_view path) {
  for (std::string_view rest = path; !rest.empty();) {
    const Utf8Char next = first_utf8_char(rest);
    if (!next.valid()) return two_ways("bytes that are no UTF-8");
    rest.remove_prefix(next.size);
  }
  // What a second decoding would make a separator of.
  for (std::size_t at = path.find('%'); at != std::string_view::npos; at = path.find('%', at + 1)) {
    const std::optional<char> again = percent_octet(path, at);
    if (again &&
        (*again == '/' || *again == '\\' || *again == '.' || *again == '%' || is_control(*again))) {
      return two_ways("what is percent-encoded twice");
    }
  }
  return Unit{};
}

}  // namespace

std::optional<char> percent_octet(std::string_view text, std::size_t at) {
  if (at + 2 >= text.size() || text[at] != '%') return std::nullopt;
  const auto high = hex_digit(text[at + 1]);
  const auto low = hex_digit(text[at + 2]);
  if (!high || !low) return std::nullopt;
  return static_cast<char>(*high << 4 | *low);
}

Result<std::string> judged_path(std::string_view target) {
  const std::string_view encoded = target.substr(0, target.find('?'));
  if (!encoded.starts_with('/')) return two_ways("no '/' at its start");
  std::string path;
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    char c = encoded[i];
    if (c == '\\' || c == '#' || is_control(c)) return two_ways("a backslash, '#' or control");
    if (c == '%') {
      const std::optional<char> decoded = percent_octet(encoded, i);
      if (!decoded) return two_ways("a '%' without two digits");
      if (*decoded == '/' || *decoded == '\\' || is_control(*decoded)) {
        return two_ways("an encoded '/', backslash or control");
      }
      c = *decoded;
      i += 2;
    }
    path += c;
  }
  CARREL_CHECK(check_segments(path));
  CARREL_CHECK(check_text(path));
  return path;
}

}  // namespace carrel::egress
