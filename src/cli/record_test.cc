#include "cli/record.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <regex>
#include <string>

#include "base/unique_fd.h"
#include "sys/files.h"

namespace carrel::cli {
namespace {

namespace json = boost::json;

json::object record_of(jail::Outcome outcome) {
  jail::Finished finished;
  finished.outcome = std::move(outcome);
  finished.started_at = 1'000'000;
  finished.begun_at = 1'100'000;
  finished.planned_at = 1'500'000;
  finished.phases.launcher = 1'600'000;
  finished.phases.namespaces = 1'400'000;
  finished.phases.ended = 9'000'000;
  finished.limits_reached = {{"memory", 2, "memory.events oom_kill"}};
  finished.denials = {{"mount", "m\x1bnt", "no", 3}};
  return json::parse(record_text(R"({"version": 1})", finished, 10'000'000)).as_object();
}

TEST(Record, SaysHowARunEnded) {
  const json::object exited = record_of(jail::Exited{7});
  EXPECT_EQ(exited.at("version"), 1);
  EXPECT_EQ(exited.at("outcome"), (json::object{{"kind", "exited"}, {"status", 7}}));
  EXPECT_EQ(exited.at("exit_status"), 7);
  EXPECT_EQ(record_of(jail::Signaled{9}).at("outcome").at("signal"), 9);
  EXPECT_EQ(record_of(jail::Signaled{9}).at("exit_status"), 137);
  EXPECT_EQ(record_of(jail::TimedOut{}).at("outcome").at("kind"), "timed_out");
  EXPECT_EQ(record_of(jail::LimitHit{"memory", 137}).at("outcome").at("limit"), "memory");
  EXPECT_EQ(record_of(jail::SetupFailed{}).at("exit_status"), 125);
  EXPECT_EQ(record_of(jail::NotExecuted{2, "x"}).at("outcome").at("kind"), "not_executed");
}

TEST(Record, HoldsTheDurationOfEachPhaseThatWasReached) {
  const json::object record = record_of(jail::Exited{0});
  EXPECT_EQ(record.at("phases_us"),
            (json::object{{"plan", 500}, {"command", 7500}, {"report", 1000}}));
  EXPECT_EQ(record.at("beside_us"), (json::object{{"namespaces", 300}, {"launcher", 100}}));
  EXPECT_EQ(record.at("total_us"), 9000);
}

TEST(Record, ListsLimitsAndDenials) {
  const json::object record = record_of(jail::Exited{0});
  EXPECT_EQ(record.at("limits_reached").at(0).at("count"), 2);
  EXPECT_EQ(record.at("denials").at(0).at("call"), "mount");
  EXPECT_EQ(record.at("denials").at(0).at("program"), "m\x1bnt");
}

TEST(Record, OfARefusalSaysWhy) {
  const json::value record =
      json::parse(refused_record_text({"ls", "-l"}, "2026-01-01T00:00:00.000Z", "no"));
  EXPECT_EQ(record.at("outcome"), (json::object{{"kind", "refused"}, {"message", "no"}}));
  EXPECT_EQ(record.at("exit_status"), 125);
  EXPECT_EQ(record.at("command").at(1), "-l");
}

TEST(Record, ReplacesWhatTheFileHolds) {
  const UniqueFd file = sys::memfd_create("record", sys::Memfd::kData).value();
  ASSERT_TRUE(write_record(file.get(), "long text").ok());
  ASSERT_TRUE(write_record(file.get(), "short").ok());
  EXPECT_EQ(sys::read_file("/proc/self/fd/" + std::to_string(file.get())).value(), "short");
}

TEST(Record, CarriesATimeOfRfc3339) {
  const std::regex form(R"(20\d\d-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-6]\d\.\d{3}Z)");
  EXPECT_TRUE(std::regex_match(timestamp(), form)) << timestamp();
}

TEST(FinishContext, SurvivesTheWayThroughTheLauncher) {
  EXPECT_EQ(to_text(FinishContext{}), "");
  EXPECT_EQ(parse_finish_context("").value().record_fd, -1);

  FinishContext context;
  context.words = Words::kFailuresOnly;
  context.record_fd = 17;
  context.record_head = "{\"command\": [\"\\ufffd \\\"\"]}";
  const Result<FinishContext> read = parse_finish_context(to_text(context));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read.value().words, Words::kFailuresOnly);
  EXPECT_EQ(read.value().record_fd, 17);
  EXPECT_EQ(read.value().record_head, context.record_head);
  EXPECT_FALSE(parse_finish_context("{").ok());
}

}  // namespace
}  // namespace carrel::cli
