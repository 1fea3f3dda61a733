#include "cli/arguments.h"

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

class Parser {
 public:
  Parser(const Subcommand& subcommand, std::span<char* const> words)
      : subcommand_(subcommand), words_(words) {}

  Result<Arguments> parse() {
    while (next_ < words_.size()) {
      const std::string_view word = words_[next_];
      if (!is_option(word)) {
        // A command's own words are not looked at; others may stand before an option.
        if (takes_command(subcommand_.operands)) break;
        arguments_.operands.emplace_back(words_[next_++]);
        continue;
      }
      ++next_;
      if (word == "--") break;
      CARREL_CHECK(word.starts_with("--") ? take_long(word) : take_letters(word));
    }
    const std::span<char* const> rest = words_.subspan(next_);
    arguments_.operands.insert(arguments_.operands.end(), rest.begin(), rest.end());
    return std::move(arguments_);
  }

 private:
  // "--write PATH", "--write=PATH", "--quiet".
  Status take_long(std::string_view word) {
    const std::size_t equals = word.find('=');
    const Option* option = find_option(subcommand_, word.substr(0, equals));
    if (option == nullptr) return unknown_option(subcommand_, word);
    const bool has_value = equals != std::string_view::npos;
    if (option->kind == Kind::kFlag) {
      if (has_value) return usage(subcommand_, dashed(*option) + ": takes no value");
      return keep(*option, "");
    }
    if (!has_value) return take_next(*option);
    if (equals + 1 == word.size()) return wrong_form(*option, word);
    return keep(*option, word.substr(equals + 1));
  }

  // "-w PATH", "-wPATH", "-qw PATH".
  Status take_letters(std::string_view word) {
    for (std::size_t at = 1; at < word.size(); ++at) {
      const Option* option = find_option(subcommand_, std::string("-") + word[at]);
      if (option == nullptr) return unknown_option(subcommand_, word);
      if (option->kind == Kind::kFlag) {
        CARREL_CHECK(keep(*option, ""));
        continue;
      }
      const std::string_view rest = word.substr(at + 1);
      if (rest.empty()) return take_next(*option);
      if (rest.front() == '=') return wrong_form(*option, word);
      return keep(*option, rest);
    }
    return Unit{};
  }

  Status take_next(const Option& option) {
    const std::string_view value = next_ < words_.size() ? words_[next_++] : "";
    if (value.empty()) return needs_value(subcommand_, option);
    if (!is_option(value)) return keep(option, value);
    return usage(subcommand_, dashed(option) + ": needs a value, and " + shell_quoted(value) +
                                  " looks like an option; write " + dashed(option) + "=" +
                                  shell_quoted(value) + " if it is meant");
  }

  Error wrong_form(const Option& option, std::string_view word) const {
    return usage(subcommand_, shell_quoted(word) + ": write " + dashed(option) + "=" +
                                  std::string(option.value));
  }

  Status keep(const Option& option, std::string_view value) {
    std::vector<std::string>& values = arguments_.options[static_cast<std::size_t>(option.id)];
    if (option.repeat == Repeat::kOnce && option.kind != Kind::kFlag && !values.empty()) {
      return usage(subcommand_, dashed(option) + ": given twice");
    }
    values.emplace_back(value);
    return Unit{};
  }

  const Subcommand& subcommand_;
  std::span<char* const> words_;
  std::size_t next_ = 0;
  Arguments arguments_;
};

Status check_operands(const Subcommand& subcommand, const std::vector<std::string>& operands) {
  if (takes_command(subcommand.operands)) return Unit{};
  std::size_t most = subcommand.operands == Operands::kNone ? 0 : 1;
  if (subcommand.operands == Operands::kHostPort || subcommand.operands == Operands::kLogFile) {
    most = 2;
  }
  if (operands.size() <= most) return Unit{};
  return usage(subcommand, "unexpected argument " + shell_quoted(operands[most]));
}

}  // namespace

Result<Arguments> parse_arguments(const Subcommand& subcommand, std::span<char* const> words) {
  CARREL_TRY(Arguments arguments, Parser(subcommand, words).parse());
  CARREL_CHECK(check_operands(subcommand, arguments.operands));
  return arguments;
}

}  // namespace carrel::cli
