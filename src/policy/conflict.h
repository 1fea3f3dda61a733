// What no policy may mean, as a value: from_toml points at it in the file,
// check() puts it into words.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "policy/policy.h"

namespace carrel::policy {

// One entry: the list it stands in ("files.write") and its canonical text.
struct EntryName {
  std::string list;
  std::string text;
  auto operator<=>(const EntryName&) const = default;
};

struct Conflict {
  std::vector<EntryName> entries;  // one, or two that contradict each other
  std::string problem;             // "what; fix", names the entries
};

// Which conflict is found first depends on what the policy is, not on how it was written.
[[nodiscard]] std::optional<Conflict> find_conflict(const Policy& policy);

}  // namespace carrel::policy
