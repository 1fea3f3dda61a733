#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "policy/document.h"
#include "policy/format.h"
#include "policy/from_toml.h"
#include "policy/profile.h"

namespace carrel::policy {
namespace {

const Table& child(const Table& table, std::string_view key) {
  const Member* member = find_member(table, key);
  EXPECT_NE(member, nullptr) << key;
  return std::get<Table>(member->value.data);
}

std::set<std::string> property_names(const Table& schema) {
  std::set<std::string> names;
  for (const Member& member : child(schema, "properties")) names.insert(member.key);
  return names;
}

template <std::size_t N>
std::set<std::string> names(const std::array<std::string_view, N>& keys) {
  return {keys.begin(), keys.end()};
}

TEST(JsonSchema, HasExactlyTheKeysThatTheReaderKnows) {
  const Table schema = parse_json(json_schema(), "schema").value();
  const Table& root = child(schema, "properties");
  EXPECT_EQ(property_names(schema), names(kRootKeys));
  EXPECT_EQ(property_names(child(root, "files")), names(kFilesKeys));
  EXPECT_EQ(property_names(child(root, "environment")), names(kEnvironmentKeys));
  EXPECT_EQ(property_names(child(root, "limits")), names(kLimitsKeys));
  EXPECT_EQ(property_names(child(root, "network")), names(kNetworkKeys));
  EXPECT_EQ(property_names(child(root, "system_calls")), names(kSystemCallsKeys));
}

TEST(JsonSchema, KnowsEveryProfile) {
  const Table schema = parse_json(json_schema(), "schema").value();
  const Member* choices = find_member(child(child(schema, "properties"), "profile"), "enum");
  std::set<std::string> known;
  for (const Value& choice : std::get<Array>(choices->value.data)) {
    known.insert(std::get<std::string>(choice.data));
  }
  std::set<std::string> expected = {"none"};
  for (const std::string& name : profile_names()) expected.insert(name);
  EXPECT_EQ(known, expected);
}

TEST(JsonSchema, ClosesEveryTable) {
  const std::string text = json_schema();
  std::size_t closed = 0;
  for (std::size_t at = 0; (at = text.find("\"additionalProperties\": false", at)) != text.npos;
       ++at) {
    ++closed;
  }
  EXPECT_EQ(closed, 11u);  // the top, five tables, a deny rule, three lists and basic
}

}  // namespace
}  // namespace carrel::policy
