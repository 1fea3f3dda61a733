#include <charconv>
#include <string_view>
#include <variant>

#include "cli/clock.h"
#include "cli/commands.h"
#include "cli/record.h"
#include "cli/text.h"
#include "jail/outcome.h"

namespace carrel::cli {
namespace {

int to_number(std::string_view text) {
  int number = -1;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// Carrel's own failures, and a command that could not be executed, are never
// kept from the user; how the command itself ended is what --quiet is about.
bool is_failure(const jail::Outcome& outcome) {
  return std::holds_alternative<jail::SetupFailed>(outcome) ||
         std::holds_alternative<jail::NotExecuted>(outcome);
}

int fail(const Error& error) {
  complain(error.message);
  return kOwnFailure;
}

}  // namespace

int finish(std::span<char* const> argv) {
  constexpr std::size_t kWords = 3;
  if (argv.size() != kWords) {
    return fail({Errc::kInvalid, "carrel-finish: the launcher starts this; use `carrel run`"});
  }
  const Result<jail::Finished> collected = jail::collect(to_number(argv[1]), to_number(argv[2]));
  if (!collected.ok()) return fail(collected.error());
  const jail::Finished& finished = collected.value();
  const Result<FinishContext> parsed = parse_finish_context(finished.context);
  if (!parsed.ok()) return fail(parsed.error());
  const FinishContext& context = parsed.value();

  const std::string words = jail::describe(finished.outcome);
  if (!words.empty() && (context.words == Words::kAll || is_failure(finished.outcome))) {
    complain(words);
  }
  if (context.record_fd >= 0) {
    // The command's own exit status stands: it did run.
    const Status written =
        write_record(context.record_fd, record_text(context.record_head, finished, monotonic_ns()));
    if (!written.ok()) complain(written.error().message);
  }
  return jail::exit_status(finished.outcome);
}

}  // namespace carrel::cli
