// Shared by the files of the seccomp filters; not for others.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "plan/filters.h"
#include "policy/policy.h"

namespace carrel::plan::internal {

inline constexpr std::string_view kSocketFamilies = "socket-families";
inline constexpr std::string_view kSystemCalls = "system-calls";

// A call of the kernel on this architecture; number -1 if it has none.
struct CallName {
  std::string_view name;
  int number = -1;
};

// Adds a rule, unless the call does not exist on this architecture: a rule
// would be for nothing, and the number could never be compared.
void refuse(std::vector<Rule>& rules, CallName call, std::string_view when,
            std::vector<Condition> conditions, Refusal refusal, std::string_view reason);

// argument `index` is `value`, or has all bits of `bits`.
[[nodiscard]] Condition is(std::uint32_t index, std::uint32_t value);
[[nodiscard]] Condition has(std::uint32_t index, std::uint32_t bits);

// The rules of each filter that do not depend on `extra_denied`.
[[nodiscard]] std::vector<Rule> system_call_rules();
[[nodiscard]] std::vector<Rule> socket_family_rules(policy::UnixSockets unix_sockets);

}  // namespace carrel::plan::internal
