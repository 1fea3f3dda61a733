#include "cli/help.h"

#include <vector>

#include "cli/text.h"

namespace carrel::cli {
namespace {

std::string paragraphs(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = text.find("\n\n");
    out += wrapped(text.substr(0, end), 0) + "\n";
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 2);
    out += '\n';
  }
  return out;
}

// "-w, --write PATH", long forms under each other.
std::string option_text(const Option& option) {
  std::string out = option.letter == 0 ? "    " : std::string{'-', option.letter, ',', ' '};
  out += "--" + std::string(option.name);
  if (!option.value.empty()) out += " " + std::string(option.value);
  return out;
}

std::vector<Row> rows_of(std::span<const Named> named) {
  std::vector<Row> rows;
  for (const Named& one : named) rows.push_back({std::string(one.name), std::string(one.help)});
  return rows;
}

}  // namespace

std::string usage_line(const Subcommand& subcommand) {
  std::string out = "carrel " + std::string(subcommand.name) + " [OPTIONS]";
  if (subcommand.operands != Operands::kNone) {
    out += " " + std::string(operands_text(subcommand.operands));
  }
  return out;
}

std::string overview_help() {
  std::string out = "carrel " + std::string(kTagline) + "\n\nUsage: carrel SUBCOMMAND ...\n\n";
  std::vector<Row> rows;
  for (const Subcommand& subcommand : subcommands()) {
    rows.push_back({std::string(subcommand.name), std::string(subcommand.summary)});
  }
  out += two_columns(rows) + "\nExamples:\n";
  for (const Named& example : examples()) {
    out += "  " + std::string(example.name) + "\n      " + std::string(example.help) + "\n";
  }
  return out + "\n`carrel help SUBCOMMAND` says more, `carrel man | man -l -` everything.\n";
}

std::string subcommand_help(const Subcommand& subcommand) {
  std::string out = "carrel " + std::string(subcommand.name) + ": " +
                    std::string(subcommand.summary) + "\n\nUsage: " + usage_line(subcommand) + "\n";
  if (!subcommand.more.empty()) out += "\n" + paragraphs(subcommand.more);
  for (const Group& group : subcommand.groups) {
    std::vector<Row> rows;
    for (const Option& option : group.options) {
      rows.push_back({option_text(option), std::string(option.help)});
    }
    out += "\n" + std::string(group.title) + ":\n" + two_columns(rows);
  }
  if (takes_command(subcommand.operands)) {
    out += "\nLimits:\n" + two_columns(rows_of(limit_names()));
  }
  if (subcommand.verb == Verb::kRun) {
    out += "\nExit status:\n" + two_columns(rows_of(exit_statuses()));
  }
  return out;
}

}  // namespace carrel::cli
