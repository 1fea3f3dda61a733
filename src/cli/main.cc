#include "cli/main.h"

#include <unistd.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/closest.h"
#include "base/path.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/completion.h"
#include "cli/descriptors.h"
#include "cli/help.h"
#include "cli/man.h"
#include "cli/text.h"
#include "jail/launch.h"
#include "policy/from_toml.h"
#include "policy/profile.h"

namespace carrel::cli {
namespace {

int fail(const Error& error) {
  complain(error.message);
  return kOwnFailure;
}

int show(const Result<std::string>& text) {
  if (!text.ok()) return fail(text.error());
  const Status printed = print(text.value());
  return printed.ok() ? 0 : fail(printed.error());
}

Error unknown_subcommand(std::string_view word) {
  std::vector<std::string_view> known;
  for (const Subcommand& subcommand : subcommands()) known.push_back(subcommand.name);
  const std::string close(closest(word, known));
  return Error{Errc::kInvalid,
               "there is no subcommand " + shell_quoted(word) +
                   (close.empty() ? "" : ", did you mean " + close + "?") +
                   "; a command is run with `carrel run -- COMMAND`, and `carrel help` lists the "
                   "subcommands"};
}

// The first sentence of the comment that a profile starts with.
std::string profile_summary(std::string_view text) {
  std::string out;
  while (text.starts_with('#')) {
    const std::string_view line = text.substr(0, text.find('\n'));
    out += line.substr(1);
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  out = out.substr(0, out.find(". "));
  if (out.ends_with('.')) out.pop_back();
  return out.substr(std::min(out.find_first_not_of(' '), out.size()));
}

Result<std::string> profiles(const std::vector<std::string>& operands) {
  if (!operands.empty()) return policy::profile_text(operands.front());
  std::vector<Row> rows;
  for (std::string& name : policy::profile_names()) {
    CARREL_TRY(const std::string text, policy::profile_text(name));
    rows.push_back({std::move(name), profile_summary(text)});
  }
  return two_columns(rows);
}

Result<std::string> completion(const std::vector<std::string>& operands) {
  if (operands.empty()) {
    return Error{Errc::kInvalid, "completion: which shell? write bash, zsh or fish"};
  }
  return completion_script(operands.front(), policy::profile_names());
}

Result<std::string> manual(const std::vector<std::string>& operands) {
  if (operands.empty()) return man_page();
  const Subcommand* named = find_subcommand(operands.front());
  if (named == nullptr) return unknown_subcommand(operands.front());
  return man_page(*named);
}

Result<std::string> help(const std::vector<std::string>& operands) {
  if (operands.empty()) return overview_help();
  const Subcommand* named = find_subcommand(operands.front());
  if (named == nullptr) return unknown_subcommand(operands.front());
  return subcommand_help(*named);
}

int finish_with(const Status& done) { return done.ok() ? 0 : fail(done.error()); }

int diagnose(const Result<Diagnosis>& diagnosis) {
  if (!diagnosis.ok()) return fail(diagnosis.error());
  const int shown = show(diagnosis.value().text);
  return shown != 0 ? shown : diagnosis.value().exit_status;
}

int dispatch(const Subcommand& subcommand, const Arguments& arguments, std::uint64_t started_at) {
  switch (subcommand.verb) {
    case Verb::kRun:
      return fail(run(arguments, started_at));
    case Verb::kExplain:
      return show(explain(arguments));
    case Verb::kDoctor:
      return diagnose(doctor(arguments));
    case Verb::kProfile:
      return show(profiles(arguments.operands));
    case Verb::kSchema:
      return show(policy::json_schema());
    case Verb::kCompletion:
      return show(completion(arguments.operands));
    case Verb::kMan:
      return show(manual(arguments.operands));
    case Verb::kConnect:
      return finish_with(connect(arguments.operands));
    case Verb::kLog:
      return finish_with(log(arguments));
    case Verb::kProxy:
      return finish_with(proxy(arguments));
    case Verb::kWhy:
      return diagnose(why(arguments));
    case Verb::kVersion:
      return show("carrel " + std::string(kVersion) + "\n");
    case Verb::kHelp:
      return show(help(arguments.operands));
  }
  return kOwnFailure;
}

}  // namespace

int run_main(std::span<char* const> words, std::uint64_t started_at) {
  const Result<bool> filled = fill_standard_descriptors();
  if (!filled.ok()) return fail(filled.error());
  // Once more from the start, where a run begins its room (jail/launcher/begin.h).
  if (filled.value()) ::execv("/proc/self/exe", words.data());
  if (words.size() < 2) {
    return fail({Errc::kInvalid,
                 "there is nothing to do; run a command with `carrel run -- COMMAND`, or see "
                 "`carrel help`"});
  }
  std::string_view name = words[1];
  if (name == "--help" || name == "-h") name = "help";
  if (name == "--version" || name == "-V") name = "version";
  const Subcommand* subcommand = find_subcommand(name);
  if (subcommand == nullptr) return fail(unknown_subcommand(name));

  const Result<Arguments> arguments = parse_arguments(*subcommand, words.subspan(2));
  if (!arguments.ok() || arguments.value().has(Opt::kHelp)) jail::abandon();  // nothing will run
  if (!arguments.ok()) return fail(arguments.error());
  if (arguments.value().has(Opt::kHelp)) return show(subcommand_help(*subcommand));
  return dispatch(*subcommand, arguments.value(), started_at);
}

}  // namespace carrel::cli
