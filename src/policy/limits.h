// The limits' names, units and least values.
#pragma once

#include <array>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "policy/policy.h"

namespace carrel::policy {

inline constexpr std::array<std::string_view, 7> kLimitNames = {
    "memory", "cpus", "processes", "open_files", "file_size", "scratch", "wall_time"};

// The names of the limits that are set.
[[nodiscard]] std::set<std::string, std::less<>> names_of_set(const LimitsPolicy& limits);

struct LowLimit {
  std::string name;
  std::string message;  // "what; fix"
};

// The first limit that is set below what a program can start with.
[[nodiscard]] std::optional<LowLimit> find_low_limit(const LimitsPolicy& limits);

}  // namespace carrel::policy
