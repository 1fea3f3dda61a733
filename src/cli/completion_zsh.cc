#include <utility>

#include "cli/completion_scripts.h"
#include "cli/text.h"

namespace carrel::cli {
namespace {

constexpr std::string_view kScript = R"script(#compdef carrel
# zsh completion for carrel; made by `carrel completion zsh`.

_carrel() {
  local curcontext="$curcontext" state line ret=1
  local -a subcommands
  typeset -A opt_args
  subcommands=(
@SUBCOMMANDS@
  )
  _arguments -C '(- *)'{-h,--help}'[show help]' '(- *)--version[print the version]' \
    '1: :->subcommand' '*:: :->rest' && ret=0
  case $state in
    subcommand) _describe -t commands 'subcommand' subcommands && ret=0 ;;
    rest)
      curcontext="${curcontext%:*:*}:carrel-$line[1]:"
      case $line[1] in
@CASES@
      esac ;;
  esac
  return ret
}

if [[ $funcstack[1] == _carrel ]]; then
  _carrel "$@"
else
  compdef _carrel carrel
fi
)script";

// Within '...' and within [...] or :...: of a specification of _arguments.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
      continue;
    }
    if (c == '[' || c == ']' || c == ':' || c == '\\' || c == '`') out += '\\';
    out += c;
  }
  return out;
}

std::string action(Kind kind) {
  switch (kind) {
    case Kind::kFlag:
      return "";
    case Kind::kPath:
      return "_files";
    case Kind::kFolder:
      return "_files -/";
    case Kind::kToml:
      return "_files -g \"*.toml(-.)\"";
    case Kind::kJson:
      return "_files -g \"*.json(-.)\"";
    case Kind::kHost:
      return "_hosts";
    case Kind::kEnvironment:
      return "_parameters -g \"*export*\"";
    case Kind::kLimit:
      return "{compadd -S \"\" - @LIMITS@}";
    case Kind::kDuration:
    case Kind::kPort:
    case Kind::kDescriptor:
      return " ";
    case Kind::kProfile:
      return "(@PROFILES@)";
  }
  return "";
}

std::string specification(const Option& option) {
  const std::vector<std::string> names = spellings(option);
  const bool many = option.repeat == Repeat::kMany;
  std::string out = "'";
  if (!many && names.size() > 1) out += "(" + joined(names, " ") + ")";
  if (many) out += '*';
  std::string tail = "[" + escaped(option.help) + "]";
  if (!option.value.empty()) {
    tail += ":" + escaped(option.value) + ":" + action(option.kind);
  }
  tail += "'";
  if (names.size() == 1) return out + names[0] + tail;
  return out + "'{" + joined(names, ",") + "}'" + tail;
}

std::string operands(Operands kind) {
  switch (kind) {
    case Operands::kNone:
      return "";
    case Operands::kHostPort:
      return " \\\n          '1:host:_hosts' '2:port:_ports'";
    case Operands::kOneHost:
      return " \\\n          '1:host:_hosts'";
    case Operands::kLogFile:
      return " \\\n          '*:log:_files'";
    case Operands::kCommand:
    case Operands::kMaybeCommand:
      return " \\\n          '(-)1: :_command_names -e' '*:: :_normal'";
    case Operands::kProfile:
      return " \\\n          '1:profile:(@PROFILES@)'";
    case Operands::kSubcommand:
      return " \\\n          '1:subcommand:(@NAMES@)'";
    case Operands::kShell:
      return " \\\n          '1:shell:(bash zsh fish)'";
  }
  return "";
}

std::string cases() {
  std::string out;
  for (const Subcommand& subcommand : subcommands()) {
    if (!out.empty()) out += '\n';
    out += "        " + std::string(subcommand.name) + ") _arguments -s -S -A '-*'";
    for (const Group& group : subcommand.groups) {
      for (const Option& option : group.options) out += " \\\n          " + specification(option);
    }
    out += operands(subcommand.operands) + " && ret=0 ;;";
  }
  return out;
}

}  // namespace

std::string zsh_completion(const std::vector<std::string>& profiles) {
  std::string described;
  for (const Subcommand& subcommand : subcommands()) {
    if (!described.empty()) described += '\n';
    described += "    '" + std::string(subcommand.name) + ":" + escaped(subcommand.summary) + "'";
  }
  std::vector<std::string> limits;
  for (const Named& limit : limit_names()) limits.push_back(std::string(limit.name) + "=");
  std::string out = replaced(std::string(kScript), "@SUBCOMMANDS@", described);
  out = replaced(std::move(out), "@CASES@", cases());
  out = replaced(std::move(out), "@NAMES@", joined(subcommand_names(), " "));
  out = replaced(std::move(out), "@LIMITS@", joined(limits, " "));
  return replaced(std::move(out), "@PROFILES@", joined(profiles, " "));
}

}  // namespace carrel::cli
