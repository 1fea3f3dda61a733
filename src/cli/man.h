// The manual pages, made from the description in options.h, in the language of
// man(7).
#pragma once

#include <string>

#include "cli/options.h"

namespace carrel::cli {

[[nodiscard]] std::string man_page();                              // carrel(1)
[[nodiscard]] std::string man_page(const Subcommand& subcommand);  // carrel-run(1)

}  // namespace carrel::cli
