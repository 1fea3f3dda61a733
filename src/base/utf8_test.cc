#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace carrel {
namespace {

std::string encode(char32_t code) {
  const auto tail = [&](int shift) { return static_cast<char>(0x80 | ((code >> shift) & 0x3F)); };
  if (code < 0x80) return {static_cast<char>(code)};
  if (code < 0x800) return {static_cast<char>(0xC0 | (code >> 6)), tail(0)};
  if (code < 0x10000) return {static_cast<char>(0xE0 | (code >> 12)), tail(6), tail(0)};
  return {static_cast<char>(0xF0 | (code >> 18)), tail(12), tail(6), tail(0)};
}

TEST(FirstUtf8Char, ReadsEveryCodePointAndNoSurrogate) {
  for (char32_t code = 0; code < 0x110000; ++code) {
    const std::string text = encode(code) + "x";
    const Utf8Char c = first_utf8_char(text);
    if (code >= 0xD800 && code <= 0xDFFF) {
      ASSERT_FALSE(c.valid()) << static_cast<unsigned>(code);
    } else {
      ASSERT_EQ(c.code, code);
      ASSERT_EQ(c.size, text.size() - 1);
    }
  }
}

TEST(FirstUtf8Char, TakesOneByteOfWhatIsInvalid) {
  for (const std::string text :
       {"\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xf5\x80\x80\x80", "\xe2\x28"}) {
    const Utf8Char c = first_utf8_char(text);
    EXPECT_FALSE(c.valid());
    EXPECT_EQ(c.size, 1u);
    EXPECT_EQ(c.code, Utf8Char::kInvalidByte + static_cast<unsigned char>(text[0]));
  }
}

TEST(IsPrintable, RefusesControlsAndInvisibleCharacters) {
  for (const char32_t code : {0x00u, 0x1Bu, 0x7Fu, 0x9Bu, 0xADu, 0x200Bu, 0x202Eu, 0x2066u, 0xFEFFu,
                              0xFFFEu, 0x1FFFFu, 0xE0041u, 0x10FFFFu, 0x110080u}) {
    EXPECT_FALSE(is_printable(code)) << static_cast<unsigned>(code);
  }
}

TEST(IsPrintable, AcceptsLettersOfAllScripts) {
  for (const char32_t code : {0x20u, 0x41u, 0xA0u, 0xE9u, 0x3B1u, 0x5D0u, 0x65E5u, 0x1F642u}) {
    EXPECT_TRUE(is_printable(code)) << static_cast<unsigned>(code);
  }
}

}  // namespace
}  // namespace carrel
