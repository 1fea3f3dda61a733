#pragma once

#include <cstdint>
#include <ctime>

namespace carrel::cli {

// CLOCK_MONOTONIC in nanoseconds, the time base of a run's phases.
[[nodiscard]] inline std::uint64_t monotonic_ns() {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * kSecond + static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace carrel::cli
