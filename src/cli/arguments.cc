#include "cli/arguments.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string_view>
#include <utility>

#include "base/closest.h"
#include "base/path.h"

namespace carrel::cli {
namespace {

std::string dashed(const Option& option) { return "--" + std::string(option.name); }

bool is_option(std::string_view word) { return word.size() > 1 && word.front() == '-'; }

// `carrel run --help` is where a usage error sends people.
Error usage(const Subcommand& subcommand, std::string problem) {
  return Error{Errc::kInvalid,
               std::move(problem) + "; see `carrel " + std::string(subcommand.name) + " --help`"};
}

Error needs_value(const Subcommand& subcommand, const Option& option) {
  return usage(subcommand, dashed(option) + ": needs a value, " + std::string(option.value));
}

Error unknown_option(const Subcommand& subcommand, std::string_view word) {
  const std::string_view typed = word.substr(0, word.find('='));
  std::vector<std::string> known;
  for (const Group& group : subcommand.groups) {
    for (const Option& option : group.options) known.push_back(dashed(option));
  }
  const std::vector<std::string_view> choices(known.begin(), known.end());
  const std::string close(closest(typed, choices));
  std::string problem = "there is no option " + shell_quoted(typed);
  if (!close.empty()) problem += ", did you mean " + close + "?";
  return usage(subcommand, std::move(problem));
}

// The subcommand's options for CLI11, and which of them is which.
struct Parser {
  CLI::App app;
  std::vector<std::pair<const Option*, CLI::Option*>> options;
};

// CLI11 takes 2 us for each option that it has to know, so it is told only of
// those that may be meant.
bool may_be_among(const Option& option, std::span<char* const> words) {
  return std::ranges::any_of(words, [&](std::string_view word) {
    if (!word.starts_with('-')) return false;
    if (word.starts_with("--")) return word.substr(2).starts_with(option.name);
    return option.letter != 0 && word.find(option.letter) != std::string_view::npos;
  });
}

void add_options(const Subcommand& subcommand, std::span<char* const> words, Parser& parser) {
  parser.app.set_help_flag();  // ours is an option like any other
  parser.app.prefix_command();
  for (const Group& group : subcommand.groups) {
    for (const Option& option : group.options) {
      if (!may_be_among(option, words)) continue;
      std::string names = dashed(option);
      if (option.letter != 0) names += std::string(",-") + option.letter;
      CLI::Option* added = nullptr;
      if (option.kind == Kind::kFlag) {
        added = parser.app.add_flag(std::move(names));
        added->disable_flag_override();
      } else {
        added = parser.app.add_option(std::move(names));
        added->type_size(1)->expected(1)->allow_extra_args(false);
      }
      added->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
      parser.options.emplace_back(&option, added);
    }
  }
}

// CLI11 takes the next word where the text after '=' is empty, and a value that
// looks like an option; both are slips. `words` are those before the command.
Status check_values(const Subcommand& subcommand, std::span<char* const> words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    const Option* option = find_option(subcommand, word.substr(0, word.find('=')));
    if (option == nullptr || option->kind == Kind::kFlag) continue;
    if (word.find('=') != std::string_view::npos) {
      if (word[1] == '-' && !word.ends_with('=')) continue;
      return usage(subcommand, shell_quoted(word) + ": write " + dashed(*option) + "=" +
                                   std::string(option->value));
    }
    if (++i >= words.size()) return needs_value(subcommand, *option);
    const std::string_view value = words[i];
    if (value.empty()) return needs_value(subcommand, *option);
    if (is_option(value)) {
      return usage(subcommand, dashed(*option) + ": needs a value, and " + shell_quoted(value) +
                                   " looks like an option; write " + dashed(*option) + "=" +
                                   shell_quoted(value) + " if it is meant");
    }
  }
  return Unit{};
}

// Where no command stands behind them, options may stand behind the operands too.
std::vector<char*> options_first(const Subcommand& subcommand, std::span<char* const> words) {
  std::vector<char*> options;
  std::vector<char*> operands;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (word == "--") {
      operands.insert(operands.end(), words.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                      words.end());
      break;
    }
    if (!is_option(word)) {
      operands.push_back(words[i]);
      continue;
    }
    options.push_back(words[i]);
    const Option* option = find_option(subcommand, word);
    const bool takes_next = option != nullptr && option->kind != Kind::kFlag;
    if (takes_next && i + 1 < words.size()) options.push_back(words[++i]);
  }
  static char end_of_options[] = "--";
  if (!options.empty()) options.push_back(end_of_options);
  options.insert(options.end(), operands.begin(), operands.end());
  return options;
}

// CLI11 starts its messages with the option.
Error explain_failure(const Subcommand& subcommand, std::string_view message) {
  std::string name(message.substr(0, message.find_first_of(": ")));
  if (!name.starts_with('-')) name.insert(0, "--");
  const Option* option = find_option(subcommand, name);
  if (option == nullptr) return usage(subcommand, std::string(message));
  if (option->kind == Kind::kFlag) return usage(subcommand, dashed(*option) + ": takes no value");
  return needs_value(subcommand, *option);
}

Status check_operands(const Subcommand& subcommand, const std::vector<std::string>& operands) {
  if (takes_command(subcommand.operands)) return Unit{};
  std::size_t most = subcommand.operands == Operands::kNone ? 0 : 1;
  if (subcommand.operands == Operands::kHostPort || subcommand.operands == Operands::kLogFile) {
    most = 2;
  }
  if (operands.size() <= most) return Unit{};
  return usage(subcommand, "unexpected argument " + shell_quoted(operands[most]));
}

Result<Arguments> parse_in_order(const Subcommand& subcommand, std::span<char* const> words) {
  // The common cases, without the 100 us that CLI11 takes.
  const bool no_options = !words.empty() && words.front() == std::string_view("--");
  if (words.empty() || no_options || !is_option(words.front())) {
    if (no_options) words = words.subspan(1);
    Arguments plain;
    plain.operands.assign(words.begin(), words.end());
    CARREL_CHECK(check_operands(subcommand, plain.operands));
    return plain;
  }
  Parser parser;
  add_options(subcommand, words, parser);
  try {
    // In reverse, as CLI11 wants them.
    parser.app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::Error& failure) {
    return explain_failure(subcommand, failure.what());
  }

  Arguments arguments;
  arguments.operands = parser.app.remaining();
  const std::span<char* const> before = words.first(words.size() - arguments.operands.size());
  CARREL_CHECK(check_values(subcommand, before));
  if (!arguments.operands.empty()) {
    const std::string& first = arguments.operands.front();
    // CLI11 leaves what it does not know to the command; here that is a mistake.
    if (first == "--") {
      arguments.operands.erase(arguments.operands.begin());
    } else if (is_option(first)) {
      return unknown_option(subcommand, first);
    }
  }
  for (const auto& [option, parsed] : parser.options) {
    if (option->repeat == Repeat::kOnce && option->kind != Kind::kFlag && parsed->count() > 1) {
      return usage(subcommand, dashed(*option) + ": given twice");
    }
    arguments.options[static_cast<std::size_t>(option->id)] = parsed->results();
  }
  CARREL_CHECK(check_operands(subcommand, arguments.operands));
  return arguments;
}

}  // namespace

Result<Arguments> parse_arguments(const Subcommand& subcommand, std::span<char* const> words) {
  if (takes_command(subcommand.operands)) return parse_in_order(subcommand, words);
  return parse_in_order(subcommand, options_first(subcommand, words));
}

}  // namespace carrel::cli
