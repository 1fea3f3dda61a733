#include <seccomp.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/path.h"
#include "plan/filters_internal.h"
#include "plan/filters_numbers.h"

namespace carrel::plan {
namespace {

using internal::CallName;

// Newer than the libseccomp of Debian 12.
constexpr CallName kNewCalls[] = {
    {"cachestat", 451},         {"fchmodat2", 452},        {"map_shadow_stack", 453},
    {"futex_wake", 454},        {"futex_wait", 455},       {"futex_requeue", 456},
    {"statmount", 457},         {"listmount", 458},        {"lsm_get_self_attr", 459},
    {"lsm_set_self_attr", 460}, {"lsm_list_modules", 461}, {"mseal", 462},
    {"setxattrat", 463},        {"getxattrat", 464},       {"listxattrat", 465},
    {"removexattrat", 466},     {"open_tree_attr", 467},   {"file_getattr", 468},
    {"file_setattr", 469},
};

// Without an answer to these no program starts, or ends.
constexpr std::string_view kNeededByPrograms[] = {
    "arch_prctl", "brk",      "close",      "execve", "exit", "exit_group",   "fstat",
    "mmap",       "mprotect", "newfstatat", "openat", "read", "rt_sigreturn", "write",
};

// PID 1 lives under the filters too, and starts the command under them.
constexpr std::string_view kNeededByLauncher[] = {
    "clock_gettime", "clone",   "close_range",    "getpid",  "ioctl",   "kill",      "ppoll",
    "prlimit64",     "recvmsg", "rt_sigprocmask", "sendmsg", "setpgid", "signalfd4", "wait4",
};

bool contains(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// The number on this architecture, or -1 if only others have the call.
Result<int> call_number(const std::string& name) {
  const auto* known = std::find_if(std::begin(kNewCalls), std::end(kNewCalls),
                                   [&](const CallName& call) { return call.name == name; });
  if (known != std::end(kNewCalls)) return known->number;
  const int number = seccomp_syscall_resolve_name(name.c_str());
  if (number == __NR_SCMP_ERROR || name.find('\0') != std::string::npos) {
    return Error{Errc::kInvalid, "there is no system call '" + printable(name) +
                                     "'; `man 2 syscalls` lists their names"};
  }
  return std::max(number, -1);
}

Status deny(std::vector<Rule>& rules, const std::string& name) {
  CARREL_TRY(const int number, call_number(name));
  if (contains(kNeededByPrograms, name)) {
    return Error{Errc::kInvalid,
                 "no program can run without '" + name + "'; remove it from the denied calls"};
  }
  if (contains(kNeededByLauncher, name)) {
    return Error{Errc::kInvalid, "no sandbox can be started without '" + name +
                                     "'; remove it from the denied calls"};
  }
  const auto is_same = [&](const Rule& rule) { return rule.number == number; };
  const auto same = std::find_if(rules.begin(), rules.end(), is_same);
  if (same != rules.end() && same->conditions.empty()) return Unit{};  // refused already
  std::erase_if(rules, is_same);  // part of what is refused now
  internal::refuse(rules, {name, number}, "", {}, Refusal::kNotPermitted, "the policy denies it");
  return Unit{};
}

}  // namespace

namespace internal {

void refuse(std::vector<Rule>& rules, CallName call, std::string_view when,
            std::vector<Condition> conditions, Refusal refusal, std::string_view reason) {
  if (call.number < 0) return;
  rules.push_back({.call = std::string(call.name),
                   .when = when,
                   .number = call.number,
                   .conditions = std::move(conditions),
                   .refusal = refusal,
                   .reason = reason});
}

Condition is(std::uint32_t index, std::uint32_t value) { return {.index = index, .value = value}; }

Condition has(std::uint32_t index, std::uint32_t bits) {
  return {.index = index, .mask = bits, .value = bits};
}

}  // namespace internal

int refusal_errno(Refusal refusal) {
  switch (refusal) {
    case Refusal::kNotPermitted:
      return EPERM;
    case Refusal::kNoSuchCall:
      return ENOSYS;
    case Refusal::kNoSuchFamily:
      return EAFNOSUPPORT;
    case Refusal::kAccess:
      return EACCES;
    case Refusal::kNoSuchProtocol:
      return EPROTONOSUPPORT;
  }
  return EPERM;
}

std::string_view refusal_name(Refusal refusal) {
  switch (refusal) {
    case Refusal::kNotPermitted:
      return "EPERM";
    case Refusal::kNoSuchCall:
      return "ENOSYS";
    case Refusal::kNoSuchFamily:
      return "EAFNOSUPPORT";
    case Refusal::kAccess:
      return "EACCES";
    case Refusal::kNoSuchProtocol:
      return "EPROTONOSUPPORT";
  }
  return "EPERM";
}

std::string Rule::name() const {
  if (when.empty()) return call;
  return call + ": " + std::string(when);
}

Result<std::vector<Filter>> filter_rules(const FilterSpec& spec) {
  std::vector<Rule> system_calls = internal::system_call_rules();
  for (const std::string& name : spec.extra_denied) CARREL_CHECK(deny(system_calls, name));

  std::vector<Filter> filters(2);
  filters[0].name = internal::kSocketFamilies;
  filters[0].rules = internal::socket_family_rules(spec.unix_sockets);
  filters[1].name = internal::kSystemCalls;
  filters[1].rules = std::move(system_calls);
  return filters;
}

}  // namespace carrel::plan
