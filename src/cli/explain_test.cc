#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <vector>

#include "cli/child_probe.h"
#include "cli/commands.h"
#include "cli/json.h"

namespace carrel::cli {
namespace {

namespace json = boost::json;

std::string explained(std::vector<std::string> words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  const Result<Arguments> arguments = parse_arguments(*find_subcommand("explain"), pointers);
  EXPECT_TRUE(arguments.ok()) << arguments.error().message;
  const Result<std::string> text = explain(arguments.value());
  EXPECT_TRUE(text.ok()) << text.error().message;
  return text.ok() ? text.value() : "";
}

json::object explained_json(std::vector<std::string> words) {
  words.insert(words.begin(), "--json");
  return json::parse(explained(std::move(words))).as_object();
}

bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

TEST(Explain, NeverPrintsAValueThatIsTheCallersOwn) {
  ::setenv("CARREL_TEST_TOKEN", "hunter2", 1);  // NOLINT: one thread
  const std::vector<std::string> words = {"--env", "CARREL_TEST_TOKEN", "--env", "OTHER=shown"};
  for (const std::string& text : {explained(words), json_text(explained_json(words))}) {
    EXPECT_TRUE(holds(text, "CARREL_TEST_TOKEN"));
    EXPECT_FALSE(holds(text, "hunter2"));
    EXPECT_TRUE(holds(text, "shown"));
  }
  ::unsetenv("CARREL_TEST_TOKEN");  // NOLINT
}

TEST(Explain, SaysAllOfAPlan) {
  const json::object plan = explained_json({"--limit", "open_files=64", "--", "ls", "-l"});
  EXPECT_EQ(plan.at("version"), 1);
  EXPECT_EQ(plan.at("policy"), "profile default");
  EXPECT_EQ(plan.at("command").at("arguments"), (json::array{"ls", "-l"}));
  for (const json::value& mount : plan.at("mounts").as_array()) {
    EXPECT_FALSE(mount.at("why").as_string().empty()) << mount;
  }
  ASSERT_GE(plan.at("filters").as_array().size(), 2u);
  for (const json::value& filter : plan.at("filters").as_array()) {
    EXPECT_GT(filter.at("instructions").to_number<int>(), 0);
    for (const json::value& rule : filter.at("rules").as_array()) {
      EXPECT_FALSE(rule.at("reason").as_string().empty()) << rule;
    }
  }
  bool limited = false;
  for (const json::value& limit : plan.at("limits").as_array()) {
    limited = limited || (limit.at("name") == "open_files" && limit.at("value") == 64);
  }
  EXPECT_TRUE(limited);
  EXPECT_EQ(plan.at("network").at("allow"), json::array{});
  EXPECT_EQ(plan.at("network").at("unix_sockets"), "none");
}

TEST(Explain, NeedsNoCommand) {
  EXPECT_TRUE(explained_json({}).at("command").is_null());
  EXPECT_FALSE(holds(explained({}), "looked for as"));
}

TEST(Explain, TextNamesWhatTheJsonHolds) {
  const std::string text = explained({"ls"});
  for (const char* section : {"Files", "Network", "Limits", "Environment", "Mounts, in order",
                              "Filter socket-families", "Filter system-calls"}) {
    EXPECT_TRUE(holds(text, std::string("\n") + section)) << section;
  }
  const json::object plan = explained_json({"ls"});
  for (const json::value& mount : plan.at("mounts").as_array()) {
    EXPECT_TRUE(holds(text, std::string(mount.at("target").as_string()))) << mount;
  }
}

TEST(ChildProbe, ReportsWhatTheChildFound) {
  EXPECT_EQ(in_child([] { return reported(7); }).value, 7);
  const ProbeReport failed = in_child([] {
    errno = ENOENT;
    return failed_at("open");
  });
  EXPECT_TRUE(failed.failed_at("open"));
  EXPECT_EQ(failed.text(), "open: No such file or directory");
  EXPECT_FALSE(failed.lacks_user_namespace());
}

TEST(ChildProbe, SurvivesAChildThatDoesNotAnswer) {
  const ProbeReport report = in_child([]() -> ProbeReport { ::_exit(0); });
  EXPECT_EQ(report.text(), "ended without an answer");
}

}  // namespace
}  // namespace carrel::cli
