// The JSON record of a run (docs/record.md), and what `run` hands through the
// launcher to `finish` so that it can be written.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/prepare.h"
#include "jail/outcome.h"

namespace carrel::cli {

enum class Words : std::uint8_t { kAll, kFailuresOnly };  // --quiet: the latter

struct FinishContext {
  Words words = Words::kAll;
  int record_fd = -1;       // an inherited descriptor
  std::string record_head;  // JSON, what is known before the run
};

// "" for the defaults, so that an ordinary start does not pay for JSON.
[[nodiscard]] std::string to_text(const FinishContext& context);
[[nodiscard]] Result<FinishContext> parse_finish_context(const std::string& text);

// Of now, in UTC: "2026-03-01T12:00:00.123Z" (RFC 3339).
[[nodiscard]] std::string timestamp();

[[nodiscard]] std::string record_head(const Prepared& prepared, std::string_view started_at);

// The whole record. `ended_at` is CLOCK_MONOTONIC in nanoseconds.
[[nodiscard]] std::string record_text(const std::string& head, const jail::Finished& finished,
                                      std::uint64_t ended_at);
// Of a run that Carrel refused or could not start.
[[nodiscard]] std::string refused_record_text(const std::vector<std::string>& command,
                                              std::string_view started_at,
                                              std::string_view message);

// Replaces what the file holds.
[[nodiscard]] Status write_record(int fd, std::string_view text);

}  // namespace carrel::cli
