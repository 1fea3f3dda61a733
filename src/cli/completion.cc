#include "cli/completion.h"

#include <algorithm>

#include "base/path.h"
#include "cli/completion_scripts.h"

namespace carrel::cli {

Result<std::string> completion_script(std::string_view shell,
                                      const std::vector<std::string>& profiles) {
  if (shell == "bash") return bash_completion(profiles);
  if (shell == "zsh") return zsh_completion(profiles);
  if (shell == "fish") return fish_completion(profiles);
  return Error{Errc::kInvalid, "completion: there is none for the shell " + shell_quoted(shell) +
                                   "; write bash, zsh or fish"};
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

std::vector<std::string> subcommand_names() {
  std::vector<std::string> names;
  for (const Subcommand& subcommand : subcommands()) names.emplace_back(subcommand.name);
  return names;
}

std::vector<std::string> command_subcommand_names() {
  std::vector<std::string> names;
  for (const Subcommand& subcommand : subcommands()) {
    if (takes_command(subcommand.operands)) names.emplace_back(subcommand.name);
  }
  return names;
}

std::vector<std::string> spellings(const Option& option) {
  std::vector<std::string> out = {"--" + std::string(option.name)};
  if (option.letter != 0) out.push_back(std::string{'-', option.letter});
  return out;
}

std::vector<std::string> value_spellings() {
  std::vector<std::string> out;
  for (const Subcommand& subcommand : subcommands()) {
    for (const Group& group : subcommand.groups) {
      for (const Option& option : group.options) {
        if (option.kind == Kind::kFlag) continue;
        for (std::string& spelling : spellings(option)) {
          if (std::ranges::find(out, spelling) == out.end()) out.push_back(std::move(spelling));
        }
      }
    }
  }
  return out;
}

}  // namespace carrel::cli
