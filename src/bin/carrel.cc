// carrel: one program that is executed twice in a run. First as itself, to plan
// and to hand over to the launcher; then, if the end of the run needs words, by
// the launcher under another name.
#include <cstddef>
#include <exception>
#include <span>
#include <string_view>

#include "cli/clock.h"
#include "cli/commands.h"
#include "cli/main.h"
#include "cli/text.h"
#include "jail/launch.h"

namespace {

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

int carrel_main(std::span<char* const> words) {
  // The clock first: a record tells what a whole start costs.
  const std::uint64_t started_at = carrel::cli::monotonic_ns();

  // Back from the launcher: the command has ended.
  const std::string_view called_as = words.empty() ? "" : words[0];
  if (base_name(called_as) == carrel::jail::kFinishName) return carrel::cli::finish(words);

  // Else a person or a program asks for something.
  return carrel::cli::run_main(words, started_at);
}

}  // namespace

// Failures are values everywhere; what is thrown is a lack of memory or a mistake of ours.
int main(int argc, char** argv) try {
  return carrel_main({argv, static_cast<std::size_t>(argc)});
} catch (const std::exception& thrown) {
  carrel::cli::complain(thrown.what());
  return carrel::cli::kOwnFailure;
} catch (...) {
  return carrel::cli::kOwnFailure;
}
