#include <utility>

#include "cli/completion_scripts.h"
#include "cli/text.h"

namespace carrel::cli {
namespace {

// @NAME@ is filled in from the description. The loop finds where COMMAND
// stands, for bash-completion's _command_offset to complete it as if it stood alone.
constexpr std::string_view kScript =
    R"script(# bash completion for carrel; made by `carrel completion bash`.

_carrel_reply() {
    mapfile -t COMPREPLY < <(compgen "$@" -- "$cur")
}

_carrel_files() {
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -d -- "$cur"; compgen -f -X "!*.$1" -- "$cur")
}

_carrel_value() {
    case $1 in
@VALUES@
    esac
}

_carrel_options() {
    case $1 in
@OPTIONS@
    esac
}

_carrel() {
    local cur=${COMP_WORDS[COMP_CWORD]} sub=${COMP_WORDS[1]} option='' i=2
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        _carrel_reply -W '@SUBCOMMANDS@ --help --version'
        return
    fi
    while ((i < COMP_CWORD)); do
        case ${COMP_WORDS[i]} in
        --) ((i += 1)) && break ;;
        @TAKES_VALUE@)
            [[ ${COMP_WORDS[i + 1]} == = ]] && ((i += 1))
            if ((i + 1 >= COMP_CWORD)); then
                option=${COMP_WORDS[i]}
                [[ $option == = ]] && option=${COMP_WORDS[i - 1]}
                [[ $cur == = ]] && cur=''
                _carrel_value "$option"
                return
            fi
            ((i += 2)) ;;
        = | :) ((i += 2)) ;; # readline splits NAME=VALUE and HOST:PORT
        -*) ((i += 1)) ;;
        *) break ;;
        esac
    done
    if [[ $cur == -* && ${COMP_WORDS[i - 1]} != -- ]] && ((i == COMP_CWORD)); then
        _carrel_reply -W "$(_carrel_options "$sub")"
        return
    fi
    case $sub in
    @COMMANDS@)
        if declare -F _command_offset >/dev/null; then
            _command_offset "$i"
        elif ((i == COMP_CWORD)); then
            _carrel_reply -c
        else
            compopt -o filenames 2>/dev/null
            _carrel_reply -f
        fi ;;
    profile) _carrel_reply -W '@PROFILES@' ;;
    completion) _carrel_reply -W 'bash zsh fish' ;;
    man | help) _carrel_reply -W '@SUBCOMMANDS@' ;;
    esac
}

complete -F _carrel carrel
)script";

std::string values_of(Kind kind) {
  switch (kind) {
    case Kind::kFlag:
      return ":";
    case Kind::kPath:
      return "compopt -o filenames 2>/dev/null; _carrel_reply -f";
    case Kind::kFolder:
      return "compopt -o filenames 2>/dev/null; _carrel_reply -d";
    case Kind::kToml:
      return "_carrel_files toml";
    case Kind::kJson:
      return "_carrel_files json";
    case Kind::kHost:
      return "_carrel_reply -A hostname";
    case Kind::kEnvironment:
      return "_carrel_reply -e";
    case Kind::kLimit:
      return "compopt -o nospace 2>/dev/null; _carrel_reply -W '@LIMITS@'";
    case Kind::kDuration:
    case Kind::kPort:
    case Kind::kDescriptor:
      return ":";
    case Kind::kProfile:
      return "_carrel_reply -W '@PROFILES@'";
  }
  return ":";
}

std::string values() {
  std::string out;
  std::vector<std::string> seen;
  for (const Subcommand& subcommand : subcommands()) {
    if (subcommand.verb != Verb::kRun) continue;  // explain's are the same
    for (const Group& group : subcommand.groups) {
      for (const Option& option : group.options) {
        if (option.kind == Kind::kFlag) continue;
        if (!out.empty()) out += '\n';
        out += "    " + joined(spellings(option), " | ") + ") " + values_of(option.kind) + " ;;";
      }
    }
  }
  return out;
}

std::string options() {
  std::string out;
  for (const Subcommand& subcommand : subcommands()) {
    std::vector<std::string> words;
    for (const Group& group : subcommand.groups) {
      for (const Option& option : group.options) words.push_back("--" + std::string(option.name));
    }
    if (!out.empty()) out += '\n';
    out += "    " + std::string(subcommand.name) + ") echo '" + joined(words, " ") + "' ;;";
  }
  return out;
}

}  // namespace

std::string bash_completion(const std::vector<std::string>& profiles) {
  std::vector<std::string> limits;
  for (const Named& limit : limit_names()) limits.push_back(std::string(limit.name) + "=");
  std::string out(kScript);
  out = replaced(std::move(out), "@VALUES@", values());
  out = replaced(std::move(out), "@OPTIONS@", options());
  out = replaced(std::move(out), "@TAKES_VALUE@", joined(value_spellings(), " | "));
  out = replaced(std::move(out), "@SUBCOMMANDS@", joined(subcommand_names(), " "));
  out = replaced(std::move(out), "@COMMANDS@", joined(command_subcommand_names(), " | "));
  out = replaced(std::move(out), "@LIMITS@", joined(limits, " "));
  return replaced(std::move(out), "@PROFILES@", joined(profiles, " "));
}

}  // namespace carrel::cli
