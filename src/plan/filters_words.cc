#include <seccomp.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "plan/filters.h"

namespace carrel::plan {

CallWords call_words(int number) {
  const Result<std::vector<Filter>> filters = filter_rules({});
  if (filters.ok()) {
    for (const Filter& filter : filters.value()) {
      const auto rule = std::find_if(filter.rules.begin(), filter.rules.end(),
                                     [&](const Rule& r) { return r.is_about(number); });
      if (rule == filter.rules.end()) continue;
      std::string name = rule->count > 1 ? "call " + std::to_string(number) : rule->call;
      return {std::move(name), std::string(rule->reason)};
    }
  }
  const std::unique_ptr<char, decltype(&std::free)> name(
      seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number), &std::free);
  if (name != nullptr) return {name.get(), "the policy denies it"};
  return {"call " + std::to_string(number), "the policy denies it"};
}

}  // namespace carrel::plan
