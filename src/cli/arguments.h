// What was typed, checked against the description in options.h but not yet
// given a meaning.
#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/options.h"

namespace carrel::cli {

struct Arguments {
  // By Opt: each value in the order of the command line; a flag has one "".
  std::array<std::vector<std::string>, kOptCount> options;
  std::vector<std::string> operands;

  [[nodiscard]] const std::vector<std::string>& all(Opt option) const {
    return options[static_cast<std::size_t>(option)];
  }
  [[nodiscard]] bool has(Opt option) const { return !all(option).empty(); }
  // Precondition: has(option).
  [[nodiscard]] const std::string& one(Opt option) const { return all(option).back(); }
};

// `words` is what follows the subcommand. Options end at the first word that is
// none, or at "--" (where no command follows, options may stand behind operands); what follows is
// kept byte for byte. kInvalid for an unknown option, a missing value, an option given twice, and
// operands that the subcommand does not take.
[[nodiscard]] Result<Arguments> parse_arguments(const Subcommand& subcommand,
                                                std::span<char* const> words);

}  // namespace carrel::cli
