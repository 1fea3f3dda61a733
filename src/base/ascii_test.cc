#include "base/ascii.h"

#include <gtest/gtest.h>

namespace carrel {
namespace {

TEST(Ascii, ComparesLettersWhateverTheirCase) {
  EXPECT_TRUE(equal_ignoring_case("Chunked", "chunkeD"));
  EXPECT_TRUE(equal_ignoring_case("", ""));
  EXPECT_FALSE(equal_ignoring_case("chunked", "chunked "));
  EXPECT_FALSE(equal_ignoring_case("@", "`")) << "not letters, though 32 apart as letters are";
  EXPECT_FALSE(equal_ignoring_case("\xC4", "\xE4")) << "letters of Latin-1";
}

TEST(Ascii, FindsAPrefix) {
  EXPECT_TRUE(starts_ignoring_case("httP://", "http://"));
  EXPECT_TRUE(starts_ignoring_case("HTTP://a", "http://"));
  EXPECT_FALSE(starts_ignoring_case("http:/", "http://"));
}

}  // namespace
}  // namespace carrel
