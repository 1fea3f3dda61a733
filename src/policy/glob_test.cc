#include "policy/glob.h"

#include <gtest/gtest.h>

#include <chrono>
#include <ostream>
#include <random>

#include "base/path.h"

namespace carrel::policy {
namespace {

Glob glob(std::string_view text) {
  Result<Glob> parsed = Glob::parse(text);
  EXPECT_TRUE(parsed.ok()) << text << ": " << parsed.error().message;
  return std::move(parsed).value();
}

bool matches(std::string_view pattern, std::string_view path) {
  return glob(pattern).matches(path);
}

TEST(Glob, StarStaysWithinOneComponent) {
  EXPECT_TRUE(matches("*.key", "a.key"));
  EXPECT_TRUE(matches("*.key", ".key"));
  EXPECT_FALSE(matches("*.key", "a/b.key"));
  EXPECT_FALSE(matches("*.key", "a.keys"));
  EXPECT_TRUE(matches("settings*.json", "settings.json"));
  EXPECT_TRUE(matches("settings*.json", "settings.local.json"));
  EXPECT_TRUE(matches("*a*b*", "xaxbx"));
  EXPECT_FALSE(matches("*a*b*", "xbxax"));
}

TEST(Glob, StarMatchesDotFilesToo) { EXPECT_TRUE(matches("/home/*", "/home/.cache")); }

TEST(Glob, QuestionMarkIsExactlyOneCharacter) {
  EXPECT_TRUE(matches("file?.txt", "file1.txt"));
  EXPECT_TRUE(matches("file?.txt", "fileé.txt"));
  EXPECT_TRUE(matches("file?.txt", "file\xff.txt"));
  EXPECT_FALSE(matches("file?.txt", "file.txt"));
  EXPECT_FALSE(matches("file?.txt", "file12.txt"));
  EXPECT_FALSE(matches("a?b", "a/b"));
}

TEST(Glob, ClassesMatchMembersAndRanges) {
  EXPECT_TRUE(matches("[abc]", "b"));
  EXPECT_TRUE(matches("v[0-9]", "v7"));
  EXPECT_FALSE(matches("v[0-9]", "vx"));
  EXPECT_TRUE(matches("[!a]", "b"));
  EXPECT_TRUE(matches("[^a]", "b"));
  EXPECT_FALSE(matches("[!a]", "a"));
  EXPECT_TRUE(matches("[]a]", "]"));
  EXPECT_TRUE(matches("[a-]", "-"));
  EXPECT_TRUE(matches("[\\]]", "]"));
  EXPECT_TRUE(matches("[à-ü]", "é"));
  EXPECT_FALSE(matches("[!a]", ""));
}

TEST(Glob, BackslashTakesTheNextCharacterLiterally) {
  EXPECT_TRUE(matches("\\*", "*"));
  EXPECT_FALSE(matches("\\*", "a"));
  EXPECT_TRUE(matches("app/\\[id\\]", "app/[id]"));
  EXPECT_TRUE(matches("a\\\\b", "a\\b"));
}

TEST(Glob, TwoStarsMatchAnyNumberOfComponents) {
  EXPECT_TRUE(matches("**/.env", ".env"));
  EXPECT_TRUE(matches("**/.env", "a/b/c/.env"));
  EXPECT_TRUE(matches("a/**/z", "a/z"));
  EXPECT_TRUE(matches("a/**/z", "a/b/c/z"));
  EXPECT_FALSE(matches("a/**/z", "a/b/c"));
  EXPECT_TRUE(matches("a/**", "a"));
  EXPECT_TRUE(matches("a/**", "a/b/c"));
  EXPECT_FALSE(matches("a/**", "ab"));
  EXPECT_TRUE(matches("**", "any/thing"));
  EXPECT_TRUE(matches("**/a/**/b/**", "x/a/y/z/b"));
}

TEST(Glob, LeadingAndTrailingSlashesDoNotCount) {
  EXPECT_TRUE(matches("/a/b", "a/b/"));
  EXPECT_TRUE(matches("a/b/", "/a/b"));
  EXPECT_TRUE(glob("/a/*").matches(std::vector<std::string_view>{"a", "b"}));
}

TEST(Glob, HasOneSpelling) {
  EXPECT_EQ(glob("a//b/").text(), "a/b");
  EXPECT_EQ(glob("./a/./b").text(), "a/b");
  EXPECT_EQ(glob("/").text(), "/");
  EXPECT_EQ(glob("a/**/**/**/b").text(), "a/**/b");
}

TEST(Glob, WritesClassesInOneWay) {
  EXPECT_EQ(glob("[^a]"), glob("[!a]"));
  EXPECT_EQ(glob("[]]"), glob("[\\]]"));
  EXPECT_EQ(glob("\\a"), glob("a"));
}

TEST(Glob, KnowsItsLiteralPart) {
  EXPECT_EQ(glob("/a/b/*.key").literal_prefix(), "/a/b");
  EXPECT_EQ(glob("/a/\\*/c?").literal_prefix(), "/a/*");
  EXPECT_EQ(glob("/*/x").literal_prefix(), "/");
  EXPECT_EQ(glob("*/x").literal_prefix(), "");
  EXPECT_EQ(glob("a/b").literal_prefix(), "a/b");
  EXPECT_FALSE(glob("/a/*").is_literal());
  EXPECT_FALSE(glob("/a/**").is_literal());
  EXPECT_TRUE(glob("/a/\\[id\\]").is_literal());
  EXPECT_EQ(glob("/a/\\[id\\]").literal(), "/a/[id]");
}

TEST(Glob, OfLiteralMatchesThatPathAlone) {
  for (const char* path : {"/a/b", "/we[i]rd/*?\\", "/", "/a/**/b", "/caf\xc3\xa9/\xff"}) {
    const Glob g = Glob::of_literal(path);
    EXPECT_TRUE(g.is_literal());
    EXPECT_EQ(g.literal(), path);
    EXPECT_TRUE(g.matches(path));
    EXPECT_EQ(glob(g.text()), g);
    EXPECT_FALSE(g.matches("/other"));
  }
}

TEST(Glob, KnowsWhereAMatchMayStillCome) {
  EXPECT_TRUE(glob("/a/*.key").may_match_below("/a"));
  EXPECT_TRUE(glob("/a/*.key").may_match_below("/"));
  EXPECT_FALSE(glob("/a/*.key").may_match_below("/a/b"));
  EXPECT_FALSE(glob("/a/*.key").may_match_below("/b"));
  EXPECT_FALSE(glob("/a").may_match_below("/a"));
  EXPECT_TRUE(glob("**/.env").may_match_below("/any/where"));
  EXPECT_TRUE(glob("/a/**").may_match_below("/a/b/c"));
  EXPECT_FALSE(glob("/a/**/x").may_match_below("/b"));
}

struct Fault {
  const char* name;
  const char* text;
  const char* message;
};

void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.text; }

class GlobRefuses : public testing::TestWithParam<Fault> {};

TEST_P(GlobRefuses, AndSaysWhy) {
  const Result<Glob> parsed = Glob::parse(GetParam().text);
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.error().code, Errc::kInvalid);
  EXPECT_NE(parsed.error().message.find(GetParam().message), std::string::npos)
      << parsed.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    , GlobRefuses,
    testing::Values(Fault{"Nothing", "", "the pattern is empty"},
                    Fault{"TheCurrentFolder", ".", "the pattern names nothing"},
                    Fault{"TheParent", "a/../b", "'..' in a pattern"},
                    Fault{"TheParentInDisguise", "a/\\../b", "'..' in a pattern"},
                    Fault{"AnOpenClass", "a[bc", "'[' is not closed"},
                    Fault{"AnEmptyClass", "a[]", "'[' is not closed"},
                    Fault{"AClassAcrossASlash", "a[b/c]", "'[' is not closed"},
                    Fault{"ABackwardsRange", "[z-a]", "the range 'z-a' is backwards"},
                    Fault{"ANamedClass", "[[:alpha:]]", "write 'a-zA-Z'"},
                    Fault{"ATrailingBackslash", "a\\", "'\\' at the end"},
                    Fault{"ABackslashBeforeASlash", "a\\/b", "'\\' at the end"},
                    Fault{"StarsAgainstText", "**.pem", "'**' stands against other text"},
                    Fault{"TextAgainstStars", "a/b**/c", "'**' stands against other text"},
                    Fault{"ThreeStars", "***", "'**' stands against other text"},
                    Fault{"ANewline", "a\nb", "control character"}),
    [](const auto& fault) { return std::string(fault.param.name); });

TEST(Glob, RefusesNul) { EXPECT_FALSE(Glob::parse(std::string_view("a\0b", 3)).ok()); }

// The definition, as plainly as it can be written: exponential, and right.
bool naive_name(std::string_view pattern, std::string_view name) {
  if (pattern.empty()) return name.empty();
  if (pattern[0] == '*') {
    return naive_name(pattern.substr(1), name) ||
           (!name.empty() && naive_name(pattern, name.substr(1)));
  }
  if (name.empty()) return false;
  if (pattern[0] == '[') {  // only "[ab]" and "[!a]" are generated
    const std::size_t end = pattern.find(']');
    const bool negated = pattern[1] == '!';
    const std::string_view members = pattern.substr(negated ? 2 : 1, end - (negated ? 2 : 1));
    return (members.find(name[0]) != std::string_view::npos) != negated &&
           naive_name(pattern.substr(end + 1), name.substr(1));
  }
  return (pattern[0] == '?' || pattern[0] == name[0]) &&
         naive_name(pattern.substr(1), name.substr(1));
}

using Names = std::vector<std::string_view>;

bool naive(const Names& pattern, const Names& path, std::size_t p = 0, std::size_t i = 0) {
  if (p == pattern.size()) return i == path.size();
  if (pattern[p] == "**") {
    return naive(pattern, path, p + 1, i) || (i < path.size() && naive(pattern, path, p, i + 1));
  }
  return i < path.size() && naive_name(pattern[p], path[i]) && naive(pattern, path, p + 1, i + 1);
}

std::string random_path(std::mt19937& random, const std::vector<std::string>& pieces,
                        unsigned max_components) {
  std::string out;
  for (unsigned c = random() % max_components + 1; c > 0; --c) {
    if (!out.empty()) out += '/';
    for (unsigned i = random() % 3 + 1; i > 0; --i) out += pieces[random() % pieces.size()];
  }
  return out;
}

TEST(Glob, AgreesWithItsDefinitionOnRandomPatterns) {
  std::mt19937 random(3);
  unsigned matched = 0;
  for (int round = 0; round < 60000; ++round) {
    std::string pattern = random_path(random, {"a", "b", "?", "[ab]", "[!a]", "*"}, 4);
    for (unsigned i = random() % 3; i > 0; --i) {
      const std::size_t slash = pattern.find('/', random() % pattern.size());
      pattern.insert(slash == std::string::npos ? 0 : slash + 1, "**/");
    }
    const Result<Glob> parsed = Glob::parse(pattern);
    if (!parsed.ok()) continue;  // "**" came together inside a component
    const std::string path = random_path(random, {"a", "b"}, 5);
    const bool expected = naive(path_components(pattern), path_components(path));
    ASSERT_EQ(parsed.value().matches(path), expected) << pattern << " on " << path;
    matched += expected ? 1 : 0;
    if (expected) {
      // Every folder on the way says that a match may come.
      for (std::string_view dir = path; dir.find('/') != std::string_view::npos;) {
        dir = dir.substr(0, dir.rfind('/'));
        ASSERT_TRUE(parsed.value().may_match_below(dir)) << pattern << " below " << dir;
      }
    }
  }
  EXPECT_GT(matched, 1000u);
}

TEST(Glob, SpellingIsAFixedPoint) {
  std::mt19937 random(4);
  const std::vector<std::string> pieces = {"a", "\\*",  "[^b]", "[]x]",   "?",
                                           "*", "\\\\", "é",    "[a\\-z]"};
  for (int round = 0; round < 20000; ++round) {
    const Result<Glob> once = Glob::parse(random_path(random, pieces, 3));
    if (!once.ok()) continue;
    ASSERT_EQ(glob(once.value().text()), once.value());
  }
}

TEST(Glob, TakesNoExponentialTime) {
  std::string stars, depths, path, name(2000, 'a');
  for (int i = 0; i < 200; ++i) {
    stars += "*a";
    depths += "**/a/";
    path += "a/";
  }
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(glob(stars + "b").matches(name));
  EXPECT_FALSE(glob(depths + "b").matches(path));
  EXPECT_TRUE(glob(depths + "**").may_match_below(path));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

}  // namespace
}  // namespace carrel::policy
