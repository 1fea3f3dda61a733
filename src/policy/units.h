// Sizes, durations and counts as people write them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace carrel::policy {

// "512MiB", "1.5 GiB", "64k" (1024), "1GB" (10^9), "4096" (bytes). No sign, no
// other unit; overflow is kInvalid.
[[nodiscard]] Result<std::uint64_t> parse_size(std::string_view text);
// "30s", "1.5h", "250ms", "90" (seconds), "1h30m". More than zero.
[[nodiscard]] Result<std::chrono::milliseconds> parse_duration(std::string_view text);
// "2", "0.5", "150%": CPUs as percent of one.
[[nodiscard]] Result<std::uint32_t> parse_cpus(std::string_view text);
// Decimal digits only.
[[nodiscard]] Result<std::uint32_t> parse_count(std::string_view text);

[[nodiscard]] std::string print_size(std::uint64_t bytes);                 // "512 MiB", "1000 B"
[[nodiscard]] std::string print_duration(std::chrono::milliseconds time);  // "1h 30m", "250 ms"

}  // namespace carrel::policy
