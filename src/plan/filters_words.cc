#include <seccomp.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "plan/filters.h"

namespace carrel::plan {

namespace {

bool holds(const Condition& condition, std::uint64_t argument) {
  switch (condition.test) {
    case Condition::Test::kMaskedEqual:
      return (argument & condition.mask) == condition.value;
    case Condition::Test::kNotEqual:
      return argument != condition.value;
    case Condition::Test::kGreater:
      return argument > condition.value;
  }
  return false;
}

CallWords words_of(const Rule& rule, int number) {
  std::string name = rule.count > 1 ? "call " + std::to_string(number) : rule.call;
  return {std::move(name), std::string(rule.reason)};
}

std::vector<Rule> rules_about(int number) {
  std::vector<Rule> rules;
  const Result<std::vector<Filter>> filters = filter_rules({});
  if (!filters.ok()) return rules;
  for (const Filter& filter : filters.value()) {
    std::copy_if(filter.rules.begin(), filter.rules.end(), std::back_inserter(rules),
                 [&](const Rule& rule) { return rule.is_about(number); });
  }
  return rules;
}

}  // namespace

CallWords call_words(int number, std::span<const std::uint64_t, 6> arguments) {
  for (const Rule& rule : rules_about(number)) {
    const bool refuses = std::all_of(
        rule.conditions.begin(), rule.conditions.end(),
        [&](const Condition& condition) { return holds(condition, arguments[condition.index]); });
    if (refuses) return words_of(rule, number);
  }
  return call_words(number);
}

CallWords call_words(int number) {
  const std::vector<Rule> rules = rules_about(number);
  if (!rules.empty()) return words_of(rules.front(), number);
  const std::unique_ptr<char, decltype(&std::free)> name(
      seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number), &std::free);
  if (name != nullptr) return {name.get(), "the policy denies it"};
  return {"call " + std::to_string(number), "the policy denies it"};
}

}  // namespace carrel::plan
