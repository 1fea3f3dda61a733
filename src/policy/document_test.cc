#include "policy/document.h"

#include <gtest/gtest.h>

#include <random>

namespace carrel::policy {
namespace {

std::string json_fault(std::string_view text) {
  const Result<Table> parsed = parse_json(text, "s.json");
  return parsed.ok() ? "accepted" : parsed.error().message;
}

TEST(ParseJson, KnowsThePlaceOfEveryKeyAndValue) {
  const Table table =
      parse_json("{\n  \"a\": [1, true,\n  \"x\"],\"é\" : {\"b\":-2.5e3}}", "s").value();
  ASSERT_EQ(table.size(), 2u);
  EXPECT_EQ(table[0].at, (Position{2, 3}));
  EXPECT_EQ(table[0].value.at, (Position{2, 8}));
  const auto& list = std::get<Array>(table[0].value.data);
  EXPECT_EQ(list[0].at, (Position{2, 9}));
  EXPECT_EQ(std::get<std::int64_t>(list[0].data), 1);
  EXPECT_EQ(list[1].at, (Position{2, 12}));
  EXPECT_TRUE(std::get<bool>(list[1].data));
  EXPECT_EQ(list[2].at, (Position{3, 3}));
  EXPECT_EQ(table[1].key, "é");
  EXPECT_EQ(table[1].at, (Position{3, 8}));
  EXPECT_EQ(table[1].value.at, (Position{3, 14}));
  const auto& inner = std::get<Table>(table[1].value.data);
  EXPECT_EQ(inner[0].at, (Position{3, 15}));
  EXPECT_EQ(inner[0].value.at, (Position{3, 19}));
  EXPECT_DOUBLE_EQ(std::get<double>(inner[0].value.data), -2500);
}

TEST(ParseJson, ReadsEscapes) {
  const Table table = parse_json(R"({"a\"b":"\u00e9\ud83d\ude42\n\\","c":"\u0000"})", "s").value();
  EXPECT_EQ(table[0].key, "a\"b");
  EXPECT_EQ(std::get<std::string>(table[0].value.data), "é🙂\n\\");
  EXPECT_EQ(table[1].at, (Position{1, 34}));
  EXPECT_EQ(std::get<std::string>(table[1].value.data), std::string(1, '\0'));
}

TEST(ParseJson, ReadsEveryKindOfValue) {
  const Table table =
      parse_json(R"({"a":null,"b":false,"c":9223372036854775808,"d":[],"e":{},"f":""} )", "s")
          .value();
  EXPECT_TRUE(std::holds_alternative<Null>(table[0].value.data));
  EXPECT_FALSE(std::get<bool>(table[1].value.data));
  EXPECT_DOUBLE_EQ(std::get<double>(table[2].value.data), 9223372036854775808.0);
  EXPECT_TRUE(std::get<Array>(table[3].value.data).empty());
  EXPECT_TRUE(std::get<Table>(table[4].value.data).empty());
  EXPECT_EQ(std::get<std::string>(table[5].value.data), "");
}

TEST(ParseJson, SaysWhereTheSyntaxBreaks) {
  const std::string tail = "; look for a missing or extra comma, quote or comment here";
  EXPECT_EQ(json_fault("{\"a\":1,}"), "s.json:1:8: this is not JSON (syntax error)" + tail);
  EXPECT_EQ(json_fault("{\n  // note\n}"), "s.json:2:3: this is not JSON (syntax error)" + tail);
  EXPECT_EQ(json_fault("{\"a\":1} x"), "s.json:1:9: this is not JSON (extra data)" + tail);
  EXPECT_EQ(json_fault("{\"a\":1}{}"), "s.json:1:8: this is not JSON (extra data)" + tail);
  EXPECT_EQ(json_fault("{\"a\":1"), "s.json:1:7: this is not JSON (incomplete JSON)" + tail);
  EXPECT_EQ(json_fault("{\"a\":\"x\n\"}"), "s.json:1:8: this is not JSON (syntax error)" + tail);
  EXPECT_NE(json_fault("{'a':1}"), "accepted");
  EXPECT_NE(json_fault("{\"a\":01}"), "accepted");
  EXPECT_NE(json_fault("{\"a\":\"\xff\"}"), "accepted");
  EXPECT_NE(json_fault("{\"a\":\"\xc0\xaf\"}"), "accepted");
  EXPECT_NE(json_fault("{\"a\":\"\\ud800\"}"), "accepted");
  EXPECT_NE(json_fault("{\"a\":NaN}"), "accepted");
  EXPECT_NE(json_fault("{\"a\" 1}"), "accepted");
  EXPECT_NE(json_fault("\xef\xbb\xbf{}"), "accepted");
}

TEST(ParseJson, RefusesAnEmptyFile) {
  EXPECT_EQ(json_fault(""), "s.json:1:1: the file is empty; write at least {}");
  EXPECT_EQ(json_fault(" \n\t"), "s.json:1:1: the file is empty; write at least {}");
  EXPECT_EQ(json_fault("{}"), "accepted");
  EXPECT_EQ(json_fault(" {} \n"), "accepted");
}

TEST(ParseJson, RefusesWhatIsNoObject) {
  for (const char* text : {"[]", "1", "\"x\"", "null", "true"}) {
    EXPECT_EQ(json_fault(text), "s.json:1:1: the file must hold one object; write { ... }") << text;
  }
}

TEST(ParseJson, RefusesDuplicateKeysAtAnyDepth) {
  EXPECT_EQ(json_fault("{\"a\":1,\n \"a\":2}"),
            "s.json:2:2: the key 'a' is here twice; remove one of them");
  EXPECT_EQ(json_fault("{\"x\":[{\"a\":1,\"\\u0061\":2}]}"),
            "s.json:1:14: the key 'a' is here twice; remove one of them");
  EXPECT_EQ(json_fault("{\"a\":{\"a\":1},\"b\":{\"a\":1}}"), "accepted");
}

TEST(ParseJson, BoundsTheDepth) {
  const std::string deep = "{\"a\":" + std::string(100000, '[');
  EXPECT_NE(json_fault(deep).find("too deep"), std::string::npos) << json_fault(deep);
}

TEST(ParseToml, KnowsThePlaceOfEveryKeyAndValue) {
  const Table table =
      parse_toml("a = 1\n[t]\n  b = [\"x\", 2.5,\n true]\n[\"é\"]\nc = 1979-05-27", "p").value();
  ASSERT_EQ(table.size(), 3u);
  EXPECT_EQ(table[0].at, (Position{1, 1}));
  EXPECT_EQ(table[0].value.at, (Position{1, 5}));
  const auto& inner = std::get<Table>(table[1].value.data);
  EXPECT_EQ(inner[0].at, (Position{3, 3}));
  const auto& list = std::get<Array>(inner[0].value.data);
  EXPECT_EQ(list[0].at, (Position{3, 8}));
  EXPECT_EQ(list[1].at, (Position{3, 13}));
  EXPECT_EQ(list[2].at, (Position{4, 2}));
  EXPECT_EQ(std::get<Table>(table[2].value.data)[0].at, (Position{6, 1}));
}

TEST(ParseToml, KeepsTheOrderOfTheFile) {
  const Table table = parse_toml("b = 1\na = 2\n", "p").value();
  EXPECT_EQ(table[0].key, "b");
  EXPECT_EQ(table[1].key, "a");
}

TEST(ParseToml, SurvivesAnyCharacterOutsideAString) {
  for (const char* c :
       {"é", "§", "Ж", "、", "\u00a0", "\u2000", "\u180f", "\ufeff", "\U0001f642"}) {
    for (const char* where : {"", "a", "a ", "a = ", "a = 1", "a = [", "a = [1 ", "[", "#"}) {
      const std::string text = where + std::string(c) + "\n";
      const Result<Table> parsed = parse_toml(text, "p");
      if (!parsed.ok()) EXPECT_TRUE(parsed.error().message.starts_with("p:")) << text;
    }
    const Result<Table> joined = parse_toml("s = \"\"\"\\\n" + std::string(c) + "\"\"\"", "p");
    EXPECT_TRUE(joined.ok()) << c;
  }
}

TEST(Suggestion, FindsTheNearestChoice) {
  const std::vector<std::string_view> choices = {"write", "read", "protect", "protect_names"};
  EXPECT_EQ(suggestion("wirte", choices), "did you mean 'write'?");
  EXPECT_EQ(suggestion("wrte", choices), "did you mean 'write'?");
  EXPECT_EQ(suggestion("protects", choices), "did you mean 'protect'?");
  EXPECT_EQ(suggestion("protect-names", choices), "did you mean 'protect_names'?");
  EXPECT_EQ(suggestion("x", choices), "it can be write, read, protect, protect_names");
  EXPECT_EQ(suggestion(std::string(10000, 'w'), choices),
            "it can be write, read, protect, protect_names");
}

TEST(Source, EscapesWhatAFileSays) {
  const Source source("p");
  const Table table = parse_json("{\"\\u001b[2J\":1}", "p").value();
  const Status checked = source.check_keys(table, "here", std::vector<std::string_view>{"a"});
  EXPECT_EQ(checked.error().message, "p:1:2: unknown key '\\x1b[2J' here; it can be a");
}

}  // namespace
}  // namespace carrel::policy
