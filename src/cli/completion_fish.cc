#include <utility>

#include "cli/completion_scripts.h"
#include "cli/text.h"

namespace carrel::cli {
namespace {

// __carrel_command prints the words of COMMAND so far, one a line, and fails
// while options may still be typed.
constexpr std::string_view kScript =
    R"script(# fish completion for carrel; made by `carrel completion fish`.

function __carrel_command
    set -l words (commandline -opc)
    set -e words[1..2]
    while set -q words[1]
        switch $words[1]
            case --
                set -e words[1]
                string join \n -- $words
                return 0
            case @TAKES_VALUE@
                set -e words[1]
                set -e words[1]
            case '-*'
                set -e words[1]
            case '*'
                string join \n -- $words
                return 0
        end
    end
    return 1
end

# True while options and operands of one of these subcommands may be typed.
function __carrel_in
    set -l words (commandline -opc)
    contains -- "$words[2]" $argv
    and not __carrel_command >/dev/null
end

function __carrel_runs_command
    set -l words (commandline -opc)
    contains -- "$words[2]" @COMMANDS@
end

function __carrel_complete_command
    set -l words (__carrel_command)
    set -l line (string join ' ' -- (string escape -- $words) (commandline -ct))
    string match -q -- '-*' $line
    or complete --do-complete=$line
end

complete -c carrel -f
complete -c carrel -n __fish_use_subcommand -l version -d 'print the version'
complete -c carrel -n __fish_use_subcommand -s h -l help -d 'show help'
complete -c carrel -n __carrel_runs_command -a '(__carrel_complete_command)'
)script";

// Within '...'.
std::string escaped(std::string_view text) {
  return replaced(replaced(std::string(text), "\\", "\\\\"), "'", "\\'");
}

std::string action(Kind kind) {
  switch (kind) {
    case Kind::kFlag:
      return "";
    case Kind::kPath:
      return " -r -F";
    case Kind::kFolder:
      return " -x -a '(__fish_complete_directories)'";
    case Kind::kToml:
      return " -x -a '(__fish_complete_suffix .toml)'";
    case Kind::kJson:
      return " -x -a '(__fish_complete_suffix .json)'";
    case Kind::kHost:
      return " -x -a '(__fish_print_hostnames)'";
    case Kind::kEnvironment:
      return " -x -a '(set -xn)'";
    case Kind::kLimit:
      return " -x -a '@LIMITS@'";
    case Kind::kDuration:
    case Kind::kPort:
    case Kind::kDescriptor:
      return " -x";
    case Kind::kProfile:
      return " -x -a '@PROFILES@'";
  }
  return "";
}

std::string operands(const Subcommand& subcommand) {
  const std::string condition =
      "complete -c carrel -n '__carrel_in " + std::string(subcommand.name) + "' -a '";
  switch (subcommand.operands) {
    case Operands::kNone:
    case Operands::kCommand:
    case Operands::kMaybeCommand:
    case Operands::kHostPort:
    case Operands::kOneHost:
    case Operands::kLogFile:
      return "";
    case Operands::kProfile:
      return condition + "@PROFILES@'\n";
    case Operands::kSubcommand:
      return condition + joined(subcommand_names(), " ") + "'\n";
    case Operands::kShell:
      return condition + "bash zsh fish'\n";
  }
  return "";
}

std::string lines(const Subcommand& subcommand) {
  const std::string name(subcommand.name);
  std::string out = "complete -c carrel -n __fish_use_subcommand -a " + name + " -d '" +
                    escaped(subcommand.summary) + "'\n" + operands(subcommand);
  for (const Group& group : subcommand.groups) {
    for (const Option& option : group.options) {
      out += "complete -c carrel -n '__carrel_in " + name + "' -l " + std::string(option.name);
      if (option.letter != 0) out += std::string(" -s ") + option.letter;
      out += action(option.kind) + " -d '" + escaped(option.help) + "'\n";
    }
  }
  return out;
}

}  // namespace

std::string fish_completion(const std::vector<std::string>& profiles) {
  std::vector<std::string> limits;
  for (const Named& limit : limit_names()) limits.push_back(std::string(limit.name) + "=");
  std::string out = replaced(std::string(kScript), "@TAKES_VALUE@", joined(value_spellings(), " "));
  out = replaced(std::move(out), "@COMMANDS@", joined(command_subcommand_names(), " "));
  for (const Subcommand& subcommand : subcommands()) out += lines(subcommand);
  out = replaced(std::move(out), "@LIMITS@", joined(limits, " "));
  return replaced(std::move(out), "@PROFILES@", joined(profiles, " "));
}

}  // namespace carrel::cli
