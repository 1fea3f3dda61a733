// What the three completion scripts share.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/options.h"

namespace carrel::cli {

[[nodiscard]] std::string bash_completion(const std::vector<std::string>& profiles);
[[nodiscard]] std::string zsh_completion(const std::vector<std::string>& profiles);
[[nodiscard]] std::string fish_completion(const std::vector<std::string>& profiles);

// `text` with every `from` replaced.
[[nodiscard]] std::string replaced(std::string text, std::string_view from, std::string_view to);

[[nodiscard]] std::vector<std::string> subcommand_names();
// Those whose operands are a command.
[[nodiscard]] std::vector<std::string> command_subcommand_names();
// {"--write", "-w"}
[[nodiscard]] std::vector<std::string> spellings(const Option& option);
// Every spelling of an option that takes a value, of any subcommand.
[[nodiscard]] std::vector<std::string> value_spellings();

}  // namespace carrel::cli
