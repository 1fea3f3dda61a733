// Reading UTF-8 that may be broken: paths are bytes and need not be valid.
#pragma once

#include <cstddef>
#include <string_view>

namespace carrel {

struct Utf8Char {
  char32_t code = 0;     // of an invalid byte: kInvalidByte + the byte
  std::size_t size = 1;  // bytes taken

  // Above every code point, so that an invalid byte equals only itself.
  static constexpr char32_t kInvalidByte = 0x110000;
  [[nodiscard]] bool valid() const { return code < kInvalidByte; }
};

// The first character of `text`, by the table of RFC 3629 (no over-long forms,
// no surrogates). Precondition: `text` is not empty.
[[nodiscard]] Utf8Char first_utf8_char(std::string_view text);

// False for what must not reach a terminal: control characters, line and
// bidirectional controls, invisible and tag characters, non-characters.
[[nodiscard]] bool is_printable(char32_t code);

}  // namespace carrel
