// What the filters are expected to refuse, written down a second time and
// independently of the rules: numbers as in the kernel's ABI, not as in the
// rules. For tests.
#pragma once

#include <array>
#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

namespace carrel::plan::expected {

enum class Where : std::uint8_t { kSystemCalls, kSockets, kSocketsWithoutUnix };

struct Refused {
  Where where;
  const char* rule;  // Rule::name()
  int number;        // of the call; -1 where the architecture has none
  // A call that only this rule refuses, and that does no harm where nothing does.
  std::array<std::uint64_t, 4> arguments;
  int error;
};

inline void PrintTo(const Refused& row, std::ostream* out) { *out << row.rule; }

// Rows of calls that this architecture has.
[[nodiscard]] std::vector<Refused> refused();

}  // namespace carrel::plan::expected
