// --record and explain: what is written down is what happened, and what is
// announced is what is done.
#include <algorithm>
#include <boost/json/serialize.hpp>
#include <map>
#include <set>
#include <sstream>

#include "fixture.h"
#include "json.h"

namespace carrel::tests {
namespace {

namespace json = boost::json;

class Record : public Sandboxed {
 protected:
  json::value recorded(std::vector<std::string> command, std::vector<std::string> options = {}) {
    const std::string file = world().outside() + "/record.json";
    options.insert(options.end(), {"--record", file});
    last_ = sealed(std::move(command), std::move(options));
    return parse_json(read_file(file));
  }
  Ended last_;
};
CARREL_AS_ROOT_AND_USER(Record);

TEST_P(Record, SaysHowTheCommandEnded) {
  json::value record = recorded({"/bin/sh", "-c", "exit 7"});
  EXPECT_EQ(text_at(record, "outcome.kind"), "exited") << json::serialize(record);
  EXPECT_EQ(number_at(record, "outcome.status"), 7);
  EXPECT_EQ(number_at(record, "exit_status"), 7);
  EXPECT_EQ(last_.status, 7);

  record = recorded({"/bin/sh", "-c", "kill -SEGV $$"});
  EXPECT_EQ(text_at(record, "outcome.kind"), "signaled");
  EXPECT_EQ(number_at(record, "outcome.signal"), 11);

  record = recorded({"/bin/sleep", "60"}, {"--timeout", "100ms"});
  EXPECT_EQ(text_at(record, "outcome.kind"), "timed_out");
  EXPECT_EQ(text_at(record, "limits_reached.0.limit"), "wall_time");
  EXPECT_EQ(number_at(record, "exit_status"), 124);

  record = recorded({"/no/such/command"});
  EXPECT_EQ(text_at(record, "outcome.kind"), "not_executed");
  EXPECT_EQ(number_at(record, "exit_status"), 127);

  record = recorded({"/bin/true"}, {"--write", "/no/such/folder"});
  EXPECT_EQ(text_at(record, "outcome.kind"), "refused");
  EXPECT_TRUE(contains(text_at(record, "outcome.message"), "/no/such/folder"));
  EXPECT_EQ(number_at(record, "exit_status"), 125);
}

TEST_P(Record, HoldsTheCommandTimesAndUsage) {
  const json::value record = recorded(
      {"/bin/bash", "-c", "for ((i = 0; i < 100000; i++)); do :; done; sleep 0.2", "x\ny"});
  EXPECT_EQ(text_at(record, "command.0"), "/bin/bash");
  EXPECT_EQ(text_at(record, "command.3"), "x\ny");
  EXPECT_EQ(text_at(record, "working_dir"), world().work());
  EXPECT_GE(number_at(record, "total_us"), 200000);
  EXPECT_GE(number_at(record, "usage.user_us"), 1000);
  EXPECT_GE(number_at(record, "usage.peak_memory_bytes"), 1000000);
  std::int64_t sum = 0;
  for (const char* phase : {"plan", "mounts", "seal", "command", "teardown", "report"}) {
    const std::int64_t took = number_at(record, std::string("phases_us.") + phase);
    EXPECT_GE(took, 0) << phase << json::serialize(record);
    sum += took;
  }
  EXPECT_GE(number_at(record, "beside_us.namespaces"), 0);
  EXPECT_GE(number_at(record, "beside_us.launcher"), 0);
  EXPECT_NEAR(static_cast<double>(sum), static_cast<double>(number_at(record, "total_us")), 1000);
}

TEST_P(Record, IsValidJsonForArgumentsOfAnyBytes) {
  const json::value record = recorded({"/bin/echo", "\xff\xfe", "\x1b[31m\x07", "\xe2\x80\xae"});
  ASSERT_TRUE(record.is_object());
  const std::string text = read_file(world().outside() + "/record.json");
  EXPECT_FALSE(contains(text, "\x1b")) << "a terminal would obey it";
  EXPECT_FALSE(contains(text, "\xe2\x80\xae"));
}

// Counting is done by another way through the kernel: it must refuse the same.
TEST_P(Record, RefusedCallsAreCountedAndStayRefused) {
  for (const char* program :
       {"namespaces", "mounts", "kernel_interfaces", "sockets", "setuid_bits"}) {
    const json::value record = recorded({world().hostile(program)});
    EXPECT_TRUE(exited(last_, 0)) << program;
    EXPECT_FALSE(contains(last_.out, "ESCAPED")) << describe(last_);
    EXPECT_GE(number_at(record, "denials.0.count"), 1) << json::serialize(record);
    EXPECT_EQ(text_at(record, "denials.0.program"),
              std::string(program).substr(0, 15));  // as ps shows it
  }
}

TEST_P(Record, DenialsNameTheReasonOfTheRuleThatRefused) {
  const json::value record = recorded({world().hostile("sockets"), "unix"});
  EXPECT_EQ(text_at(record, "denials.0.call"), "socket");
  EXPECT_TRUE(contains(text_at(record, "denials.0.reason"), "listens on a path"))
      << json::serialize(record);
}

TEST_P(Record, CannotBeForgedByTheCommand) {
  const std::string file = world().work() + "/record.json";
  const Ended ended = sealed_script(
      "(echo '{\"exit_status\": 0}' > record.json) 2>/dev/null; rm -f record.json; "
      "mv record.json r; ln -sf /tmp/x record.json; exit 9",
      {"--record", file});
  EXPECT_TRUE(exited(ended, 9));
  EXPECT_EQ(number_at(parse_json(read_file(file)), "exit_status"), 9);
}

TEST_P(Record, IsNotWrittenThroughASymbolicLink) {
  const std::string target = world().outside() + "/file.txt";
  const std::string link = world().make_link("work/record.json", target);
  EXPECT_TRUE(refused(sealed({"/bin/true"}, {"--record", link}), "record.json"));
  EXPECT_EQ(read_file(target), "untouched\n");
}

TEST_P(Record, QuietSilencesLimitsButNotFailures) {
  EXPECT_EQ(sealed({"/bin/sleep", "60"}, {"--quiet", "--timeout", "100ms"}).err, "");
  EXPECT_NE(sealed({"/bin/true"}, {"--quiet", "--write", "/no/such"}).err, "");
}

TEST_P(Record, MessagesAreOneLineWithoutControlCharacters) {
  const Ended ended = sealed({"/bin/true"}, {"--write", "/no/such\n\x1b[31mred"});
  EXPECT_TRUE(exited(ended, 125));
  EXPECT_EQ(std::count(ended.err.begin(), ended.err.end(), '\n'), 1) << ended.err;
  EXPECT_FALSE(contains(ended.err, "\x1b"));
}

class Explain : public Sandboxed {};
CARREL_AS_ROOT_AND_USER(Explain);

TEST_P(Explain, ChangesNothingAndRunsNothing) {
  const std::string before = world().listing();
  EXPECT_TRUE(exited(carrel({"explain", "--", "/usr/bin/touch", "ran"}), 0));
  EXPECT_TRUE(exited(carrel({"explain", "--json", "--", "/usr/bin/touch", "ran"}), 0));
  EXPECT_TRUE(exited(carrel({"explain"}), 0));
  EXPECT_EQ(world().listing(), before);
}

TEST_P(Explain, NamesWhatMatters) {
  world().make_file("work/.git/hooks/pre-commit", "");
  const Ended ended =
      carrel({"explain", "--hide", world().outside(), "--limit", "open_files=99", "--", "true"});
  EXPECT_TRUE(exited(ended, 0));
  for (const std::string& part :
       {world().work(), world().outside(), std::string("open_files"), std::string("99"),
        std::string(".git/hooks"), std::string("carrel"), std::string("/tmp")}) {
    EXPECT_TRUE(contains(ended.out, part)) << part << "\n" << ended.out;
  }
  EXPECT_FALSE(contains(ended.out, kSecret));
}

TEST_P(Explain, RefusesWhatRunRefuses) {
  EXPECT_TRUE(refused(carrel({"explain", "--write", "/no/such", "--", "true"}), "/no/such"));
  const std::string policy = world().make_file("outside/policy.toml", "colour = 1\n");
  EXPECT_TRUE(refused(carrel({"explain", "--policy", policy}), "policy.toml:1:"));
}

// The last mount of each target, as /proc/self/mountinfo shows it.
std::map<std::string, std::set<std::string>> mounted(const std::string& text) {
  std::map<std::string, std::set<std::string>> mounts;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::vector<std::string> word{std::istream_iterator<std::string>(words), {}};
    if (word.size() < 10) continue;
    std::set<std::string> options;
    std::istringstream list(word[5]);
    for (std::string option; std::getline(list, option, ',');) options.insert(option);
    mounts[word[4]] = options;
  }
  return mounts;
}

TEST_P(Explain, MountsAreWhatIsMounted) {
  world().make_file("work/.git/hooks/pre-commit", "");
  world().make_file("work/.env", "x");
  const std::vector<std::string> options = {"--hide", world().work() + "/.env", "--write",
                                            world().outside()};
  std::vector<std::string> arguments{"explain", "--json"};
  arguments.insert(arguments.end(), options.begin(), options.end());
  arguments.insert(arguments.end(), {"--", "/bin/cat", "/proc/self/mountinfo"});
  const json::value plan = parse_json(carrel(arguments).out);
  ASSERT_TRUE(plan.is_object());
  const auto mounts = mounted(sealed({"/bin/cat", "/proc/self/mountinfo"}, options).out);

  const json::value steps = at(plan, "mounts");
  ASSERT_TRUE(steps.is_array());
  std::map<std::string, json::value> last;  // a later step covers an earlier one at the same place
  for (const json::value& step : steps.as_array()) {
    const std::string op = text_at(step, "op");
    if (op == "mkdir" || op == "mkfile" || op == "symlink" || op == "restrict") continue;
    last[text_at(step, "target")] = step;
  }
  ASSERT_GE(last.size(), 6u);
  const std::map<std::string, std::string> names = {
      {"read-only", "ro"}, {"nosuid", "nosuid"}, {"nodev", "nodev"}, {"noexec", "noexec"}};
  for (const auto& [target, step] : last) {
    const auto mount = mounts.find(target);
    if (mount == mounts.end()) {
      EXPECT_TRUE(at(step, "optional").is_bool())
          << "announced, but not mounted: " << json::serialize(step);
      continue;
    }
    const json::value attributes = at(step, "attributes");
    for (const json::value& attribute : attributes.as_array()) {
      const auto name = names.find(std::string(attribute.as_string()));
      if (name == names.end()) continue;
      EXPECT_TRUE(mount->second.contains(name->second)) << json::serialize(step);
    }
  }
  EXPECT_TRUE(last.contains(world().work()));
  EXPECT_TRUE(last.contains(world().work() + "/.env"));
}

TEST_P(Explain, EnvironmentLimitsAndHostNameAreWhatTheCommandSees) {
  const json::value plan = parse_json(carrel({"explain", "--json", "--env", "COLOUR=blue",
                                              "--limit", "open_files=77", "--", "true"})
                                          .out);
  EXPECT_EQ(text_at(plan, "hostname"), "carrel");
  std::set<std::string> announced;
  const json::value variables = at(plan, "environment");
  ASSERT_TRUE(variables.is_array());
  for (const json::value& variable : variables.as_array())
    announced.insert(text_at(variable, "name"));
  std::set<std::string> seen;
  std::istringstream lines(sealed({"/usr/bin/env"}, {"--env", "COLOUR=blue"}).out);
  for (std::string line; std::getline(lines, line);) seen.insert(line.substr(0, line.find('=')));
  EXPECT_EQ(announced, seen);
  EXPECT_EQ(sealed_script("ulimit -n", {"--limit", "open_files=77"}).out, "77\n");
}

TEST_P(Explain, FiltersAreNamedWithTheirReasons) {
  const json::value plan = parse_json(carrel({"explain", "--json"}).out);
  const json::value filters = at(plan, "filters");
  ASSERT_TRUE(filters.is_array());
  EXPECT_GE(filters.as_array().size(), 2u);
  for (const json::value& filter : filters.as_array()) {
    EXPECT_NE(text_at(filter, "name"), "");
    const json::value rules = at(filter, "rules");
    ASSERT_TRUE(rules.is_array());
    for (const json::value& rule : rules.as_array()) EXPECT_NE(text_at(rule, "reason"), "");
  }
}

}  // namespace
}  // namespace carrel::tests
