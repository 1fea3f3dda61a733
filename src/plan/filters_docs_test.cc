// docs/system-calls.md has the rules as tables. A failure prints the right one.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plan/filters.h"

namespace carrel::plan {
namespace {

std::string document() {
  std::ifstream file(CARREL_DOCS_DIR "/system-calls.md");
  EXPECT_TRUE(file.is_open()) << CARREL_DOCS_DIR "/system-calls.md";
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The lines between "<!-- NAME -->" and "<!-- end -->".
std::string section(const std::string& text, std::string_view name) {
  const std::string begin = "<!-- " + std::string(name) + " -->\n";
  const std::size_t from = text.find(begin);
  const std::size_t to = text.find("<!-- end -->", from);
  if (from == std::string::npos || to == std::string::npos) return "";
  return text.substr(from + begin.size(), to - from - begin.size());
}

// Calls that are refused alike and for the same reason: "`mount`, `umount2`",
// "`chmod` with S_ISUID; S_ISGID".
class Row {
 public:
  explicit Row(const Rule& rule) : first_(rule) { add(rule); }

  [[nodiscard]] bool takes(const Rule& rule) const {
    return rule.refusal == first_.refusal && rule.reason == first_.reason;
  }

  void add(const Rule& rule) {
    for (auto& [call, whens] : calls_) {
      if (call != rule.call) continue;
      whens += "; " + std::string(rule.when);
      return;
    }
    calls_.emplace_back(rule.call, rule.when);
  }

  [[nodiscard]] std::string text() const {
    std::string line = "|";
    for (const auto& [call, whens] : calls_) {
      if (line.size() > 1) line += whens.empty() ? "," : "<br>";
      line += (line.ends_with("<br>") ? "`" : " `") + call + "`";
      if (!whens.empty()) line += " with " + whens;
    }
    line += " | " + std::string(refusal_name(first_.refusal)) + " | " + std::string(first_.reason);
    return line + " |\n";
  }

 private:
  Rule first_;
  std::vector<std::pair<std::string, std::string>> calls_;
};

std::string table(const Filter& filter) {
  std::vector<Row> rows;
  for (const Rule& rule : filter.rules) {
    if (!rows.empty() && rows.back().takes(rule)) {
      rows.back().add(rule);
    } else {
      rows.emplace_back(rule);
    }
  }
  std::string text = "| Call | Answer | Reason |\n|---|---|---|\n";
  for (const Row& row : rows) text += row.text();
  return text;
}

// The tables have the calls of x86-64, of which other architectures lack some.
#ifdef __x86_64__
constexpr bool kHasEveryCall = true;
#else
constexpr bool kHasEveryCall = false;
#endif

TEST(FiltersDocument, HasEveryRule) {
  const std::string text = document();
  const Result<std::vector<Filter>> all = filter_rules(FilterSpec{});
  ASSERT_TRUE(all.ok()) << all.error().message;
  for (const Filter& filter : all.value()) {
    const std::string written = section(text, filter.name);
    if (kHasEveryCall) {
      EXPECT_EQ(written, table(filter)) << "the section " << filter.name;
    }
    for (const Rule& rule : filter.rules) {
      EXPECT_NE(written.find("`" + rule.call + "`"), std::string::npos) << rule.name();
    }
  }
}

}  // namespace
}  // namespace carrel::plan
