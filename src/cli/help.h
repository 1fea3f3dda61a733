// --help, made from the description in options.h.
#pragma once

#include <string>

#include "cli/options.h"

namespace carrel::cli {

[[nodiscard]] std::string overview_help();
[[nodiscard]] std::string subcommand_help(const Subcommand& subcommand);

// "carrel run [OPTIONS] [--] COMMAND [ARGS...]"
[[nodiscard]] std::string usage_line(const Subcommand& subcommand);

}  // namespace carrel::cli
