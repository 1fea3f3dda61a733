#include "cli/text.h"

#include <gtest/gtest.h>

#include "cli/json.h"

namespace carrel::cli {
namespace {

TEST(Text, IsPaddedByColumnsNotBytes) {
  EXPECT_EQ(padded("ab", 4), "ab  ");
  EXPECT_EQ(padded("\xc3\xa4\xc3\xb6", 4), "\xc3\xa4\xc3\xb6  ");
  EXPECT_EQ(padded("longer", 4), "longer");
}

TEST(Text, IsBrokenAtSpacesBeforeTheEdge) {
  const std::string word(40, 'x');
  EXPECT_EQ(wrapped(word + " " + word, 2), word + "\n  " + word);
  EXPECT_EQ(wrapped("a b", 2), "a b");
  EXPECT_EQ(wrapped(std::string(200, 'y'), 0), std::string(200, 'y'));
}

TEST(Text, ColumnsLineUp) {
  EXPECT_EQ(two_columns({{"a", "one"}, {"bcd", "two"}}), "  a    one\n  bcd  two\n");
  EXPECT_EQ(two_columns({{"too long", "one"}}, 3), "  too long\n       one\n");
}

TEST(Json, IsIndentedInTheOrderOfInsertion) {
  const boost::json::value value = {
      {"b", 1}, {"a", {true, nullptr}}, {"empty", boost::json::array{}}};
  EXPECT_EQ(json_text(value),
            "{\n  \"b\": 1,\n  \"a\": [\n    true,\n    null\n  ],\n  \"empty\": []\n}\n");
}

TEST(Json, IsSafeToPrintWhateverAStringHolds) {
  const auto text = [](std::string_view bytes) {
    return json_text(boost::json::value(boost::json::string(bytes)));
  };
  EXPECT_EQ(text("a\"\\\n\x1b"), "\"a\\\"\\\\\\u000a\\u001b\"\n");
  EXPECT_EQ(text("\xc2\x9b"), "\"\\u009b\"\n");                 // CSI of 8-bit terminals
  EXPECT_EQ(text("\xe2\x80\xae"), "\"\\u202e\"\n");             // right-to-left override
  EXPECT_EQ(text("\xf3\xa0\x81\x81"), "\"\\udb40\\udc41\"\n");  // a tag character
  EXPECT_EQ(text("\xff"), "\"\\ufffd\"\n");
  EXPECT_EQ(text("\xc3\xa4"), "\"\xc3\xa4\"\n");
}

TEST(Json, ReadsBackAsWhatWasWritten) {
  const boost::json::value value = {{"key \"x\"", "tab\t quote\" \xf0\x9f\x98\x80 bell\x07"},
                                    {"list", {1, -2, 3.5, false}}};
  EXPECT_EQ(boost::json::parse(json_text(value)), value);
}

}  // namespace
}  // namespace carrel::cli
