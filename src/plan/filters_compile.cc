#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "plan/filters_internal.h"
#include "sys/error.h"

namespace carrel::plan {
namespace {

struct Release {
  void operator()(void* context) const { seccomp_release(context); }
};
using Context = std::unique_ptr<void, Release>;

// libseccomp answers with a negated errno.
Error seccomp_failed(std::string_view call, std::string_view subject, int answer) {
  return Error{Errc::kSystem,
               std::string(call) + "(" + std::string(subject) + "): " + sys::errno_text(-answer),
               -answer};
}

Status set(const Context& context, scmp_filter_attr attribute, std::uint32_t value,
           std::string_view name) {
  const int answer = seccomp_attr_set(context.get(), attribute, value);
  if (answer != 0) return seccomp_failed("seccomp_attr_set", name, answer);
  return Unit{};
}

Result<Context> new_filter() {
  // The newest interface, whatever this kernel has: a filter may be compiled
  // where it cannot be loaded. Saves libseccomp's probing, too.
  constexpr unsigned int kApiOfKillProcess = 3;
  if (const int answer = seccomp_api_set(kApiOfKillProcess); answer != 0) {
    return seccomp_failed("seccomp_api_set", "3", answer);
  }
  Context context(seccomp_init(SCMP_ACT_ALLOW));
  if (context == nullptr) return Error{Errc::kSystem, "seccomp_init: out of memory"};
  // x32 counts as a foreign architecture here.
  CARREL_CHECK(set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS, "ACT_BADARCH"));
  constexpr std::uint32_t kBinaryTree = 2;
  CARREL_CHECK(set(context, SCMP_FLTATR_CTL_OPTIMIZE, kBinaryTree, "CTL_OPTIMIZE"));
  return context;
}

scmp_arg_cmp comparison(const Condition& condition) {
  switch (condition.test) {
    case Condition::Test::kMaskedEqual:
      break;
    case Condition::Test::kNotEqual:
      return {condition.index, SCMP_CMP_NE, condition.value, 0};
    case Condition::Test::kGreater:
      return {condition.index, SCMP_CMP_GT, condition.value, 0};
  }
  return {condition.index, SCMP_CMP_MASKED_EQ, condition.mask, condition.value};
}

Status add(const Context& context, const Rule& rule) {
  std::vector<scmp_arg_cmp> comparisons;
  for (const Condition& condition : rule.conditions) {
    if ((condition.value & ~condition.mask) != 0) {
      return Error{Errc::kInvalid, "rule '" + rule.name() + "' compares bits that it masks out"};
    }
    comparisons.push_back(comparison(condition));
  }
  const auto refusal = SCMP_ACT_ERRNO(static_cast<std::uint32_t>(refusal_errno(rule.refusal)));
  const auto size = static_cast<unsigned int>(comparisons.size());
  for (int number = rule.number; number < rule.number + rule.count; ++number) {
    const int answer =
        seccomp_rule_add_array(context.get(), refusal, number, size, comparisons.data());
    if (answer != 0) return seccomp_failed("seccomp_rule_add", rule.name(), answer);
  }
  return Unit{};
}

// libseccomp 2.5 writes a program to a descriptor only.
Result<std::vector<sock_filter>> program_of(const Context& context) {
  const UniqueFd file(::memfd_create("filter", MFD_CLOEXEC));
  if (!file.valid()) return sys::failed("memfd_create", "filter");
  if (const int answer = seccomp_export_bpf(context.get(), file.get()); answer != 0) {
    return seccomp_failed("seccomp_export_bpf", "filter", answer);
  }
  const off_t size = ::lseek(file.get(), 0, SEEK_END);
  if (size < 0) return sys::failed("lseek", "filter");
  std::vector<sock_filter> program(static_cast<std::size_t>(size) / sizeof(sock_filter));
  const ssize_t got = ::pread(file.get(), program.data(), static_cast<std::size_t>(size), 0);
  if (got < 0) return sys::failed("pread", "filter");
  if (got != size || program.empty()) return Error{Errc::kSystem, "a compiled filter was cut off"};
  return program;
}

}  // namespace

Result<std::vector<sock_filter>> compile(const std::vector<Rule>& rules) {
  CARREL_TRY(const Context context, new_filter());
  for (const Rule& rule : rules) CARREL_CHECK(add(context, rule));
  return program_of(context);
}

std::uint32_t native_arch() { return seccomp_arch_native(); }

}  // namespace carrel::plan
