// What each subcommand does. Each is given what was typed, and answers with
// what to print, or with the reason why not.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/arguments.h"

namespace carrel::cli {

inline constexpr int kOwnFailure = 125;  // exit status of every failure of Carrel's own

// Replaces this process; returns only if that failed. `started_at` is
// CLOCK_MONOTONIC in nanoseconds.
[[nodiscard]] Error run(const Arguments& arguments, std::uint64_t started_at);

[[nodiscard]] Result<std::string> explain(const Arguments& arguments);

struct Diagnosis {
  std::string text;
  int exit_status = 0;  // 1 where `carrel run` does not work, or a host cannot be reached
};
[[nodiscard]] Result<Diagnosis> doctor(const Arguments& arguments);

// Which rule decides about a host.
[[nodiscard]] Result<Diagnosis> why(const Arguments& arguments);

// Prints a log of the proxy, or verifies it.
[[nodiscard]] Status log(const Arguments& arguments);

// Serves the proxy alone, until a signal ends it.
[[nodiscard]] Status proxy(const Arguments& arguments);

// `operands`: a host and a port. Joins standard input and output to them, by way
// of the proxy inside a sandbox, until the other side has ended.
[[nodiscard]] Status connect(const std::vector<std::string>& operands);

// carrel as the launcher executes it when a run is over (jail/launch.h).
// Answers with the exit status.
[[nodiscard]] int finish(std::span<char* const> argv);

}  // namespace carrel::cli
