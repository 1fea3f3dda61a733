// The command line as a whole.
#pragma once

#include <cstdint>
#include <span>

namespace carrel::cli {

// Carries out what was typed and answers with the exit status. `words` is
// argv, `started_at` CLOCK_MONOTONIC in nanoseconds.
[[nodiscard]] int run_main(std::span<char* const> words, std::uint64_t started_at);

}  // namespace carrel::cli
