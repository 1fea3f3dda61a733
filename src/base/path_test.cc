#include "base/path.h"

#include <gtest/gtest.h>

#include <random>

namespace carrel {
namespace {

TEST(NormalizePath, JoinsRelativePathsToTheBase) {
  EXPECT_EQ(normalize_path("/work", "src"), "/work/src");
  EXPECT_EQ(normalize_path("/work", "./src/"), "/work/src");
  EXPECT_EQ(normalize_path("/work", "."), "/work");
  EXPECT_EQ(normalize_path("/work", ""), "/work");
  EXPECT_EQ(normalize_path("/", "a"), "/a");
}

TEST(NormalizePath, LetsAnAbsolutePathStandAlone) {
  EXPECT_EQ(normalize_path("/work", "/etc"), "/etc");
  EXPECT_EQ(normalize_path("/work", "/"), "/");
  EXPECT_EQ(normalize_path("/work", "//etc///ssh//"), "/etc/ssh");
}

TEST(NormalizePath, ResolvesDotDotAndStaysAtTheRoot) {
  EXPECT_EQ(normalize_path("/a/b", "../c"), "/a/c");
  EXPECT_EQ(normalize_path("/a", "../../../x"), "/x");
  EXPECT_EQ(normalize_path("/a", "/../.."), "/");
  EXPECT_EQ(normalize_path("/a", "b/.../..c"), "/a/b/.../..c");
}

TEST(NormalizePath, IsIdempotentForRandomText) {
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    std::string path;
    for (unsigned i = random() % 12; i > 0; --i) path += "/..a"[random() % 4];
    const std::string once = normalize_path("/base", path);
    EXPECT_EQ(normalize_path("/", once), once) << path;
    EXPECT_TRUE(once.starts_with('/'));
    EXPECT_TRUE(once == "/" || !once.ends_with('/')) << path;
    EXPECT_EQ(once.find("//"), std::string::npos) << path;
  }
}

TEST(IsWithin, ComparesWholeComponents) {
  EXPECT_TRUE(is_within("/a/b", "/a"));
  EXPECT_TRUE(is_within("/a", "/a"));
  EXPECT_TRUE(is_within("/a", "/"));
  EXPECT_TRUE(is_within("/", "/"));
  EXPECT_FALSE(is_within("/ab", "/a"));
  EXPECT_FALSE(is_within("/a", "/a/b"));
  EXPECT_FALSE(is_within("/", "/a"));
}

TEST(PathComponents, SkipsEmptyOnes) {
  EXPECT_EQ(path_components("/a/b"), (std::vector<std::string_view>{"a", "b"}));
  EXPECT_EQ(path_components("//a//b/"), (std::vector<std::string_view>{"a", "b"}));
  EXPECT_TRUE(path_components("/").empty());
  EXPECT_TRUE(path_components("").empty());
}

TEST(ParentPath, EndsAtTheRoot) {
  EXPECT_EQ(parent_path("/a/b"), "/a");
  EXPECT_EQ(parent_path("/a"), "/");
  EXPECT_EQ(parent_path("/"), "/");
}

TEST(ShellQuoted, LeavesPlainWordsAlone) {
  EXPECT_EQ(shell_quoted("/usr/bin/g++-12"), "/usr/bin/g++-12");
  EXPECT_EQ(shell_quoted("user@host:a=b,c"), "user@host:a=b,c");
}

TEST(ShellQuoted, QuotesWhatAShellWouldRead) {
  EXPECT_EQ(shell_quoted(""), "''");
  EXPECT_EQ(shell_quoted("a b"), "'a b'");
  EXPECT_EQ(shell_quoted("$HOME"), "'$HOME'");
  EXPECT_EQ(shell_quoted("~"), "'~'");
  EXPECT_EQ(shell_quoted("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_quoted("a\\b"), "'a\\b'");
  EXPECT_EQ(shell_quoted("naïve"), "'naïve'");
}

TEST(ShellQuoted, SpellsUnprintableBytesInHexadecimal) {
  EXPECT_EQ(shell_quoted("a\x1b[31m"), "$'a\\x1b[31m'");
  EXPECT_EQ(shell_quoted("it's\n\\"), "$'it\\'s\\x0a\\\\'");
  EXPECT_EQ(shell_quoted(std::string_view("a\0b", 3)), "$'a\\x00b'");
}

TEST(Printable, KeepsPrintableUtf8) {
  EXPECT_EQ(printable("plain, naïve, 日本語, 🙂"), "plain, naïve, 日本語, 🙂");
}

TEST(Printable, EscapesEverythingElse) {
  EXPECT_EQ(printable("\x1b]0;x\x07"), "\\x1b]0;x\\x07");
  EXPECT_EQ(printable("a\nb\tc\x7f"), "a\\x0ab\\x09c\\x7f");
  EXPECT_EQ(printable("\xc2\x9b"), "\\xc2\\x9b");                    // C1: CSI
  EXPECT_EQ(printable("\xe2\x80\xae"), "\\xe2\\x80\\xae");           // right-to-left override
  EXPECT_EQ(printable("\xe2\x80\x8b"), "\\xe2\\x80\\x8b");           // zero-width space
  EXPECT_EQ(printable("\xf3\xa0\x81\x81"), "\\xf3\\xa0\\x81\\x81");  // tag 'A'
}

TEST(Printable, EscapesInvalidUtf8ByteByByte) {
  EXPECT_EQ(printable("\xff"), "\\xff");
  EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf");                    // over-long '/'
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");           // surrogate
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");  // above U+10FFFF
  EXPECT_EQ(printable("\xe2\x82"), "\\xe2\\x82");                    // cut short
  EXPECT_EQ(printable("\xc3(é"), "\\xc3(é");
}

TEST(Printable, IsStableWhenAppliedTwice) {
  std::mt19937 random(2);
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (unsigned i = random() % 16; i > 0; --i) text += static_cast<char>(random());
    EXPECT_EQ(printable(printable(text)), printable(text));
  }
}

}  // namespace
}  // namespace carrel
