#include <gtest/gtest.h>
#include <linux/seccomp.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <string>
#include <vector>

#include "plan/filters.h"
#include "plan/filters_expected.h"
#include "plan/filters_numbers.h"

namespace carrel::plan {
namespace {

using expected::Refused;
using expected::Where;
using policy::UnixSockets;

constexpr std::uint64_t kGarbage = 0xdeadbeef00000000;

FilterSpec spec_of(UnixSockets unix_sockets) {
  FilterSpec spec;
  spec.unix_sockets = unix_sockets;
  return spec;
}

std::vector<Rule> rules_of(Where where, UnixSockets unix_sockets) {
  Result<std::vector<Filter>> all = filter_rules(spec_of(unix_sockets));
  EXPECT_TRUE(all.ok()) << all.error().message;
  const char* const name = where == Where::kSystemCalls ? "system-calls" : "socket-families";
  for (Filter& filter : std::move(all).value()) {
    if (filter.name == name) return std::move(filter.rules);
  }
  ADD_FAILURE() << "there is no filter " << name;
  return {};
}

std::vector<sock_filter> compiled(const std::vector<Rule>& rules) {
  Result<std::vector<sock_filter>> program = compile(rules);
  EXPECT_TRUE(program.ok()) << program.error().message;
  return std::move(program).value();
}

std::uint32_t answer(const std::vector<sock_filter>& program, const Call& call) {
  const Result<std::uint32_t> said = evaluate(program, call);
  EXPECT_TRUE(said.ok()) << said.error().message;
  return said.ok() ? said.value() : 0;
}

Call call_of(const Refused& row, std::uint64_t upper_half) {
  Call call{native_arch(), row.number, {}};
  for (std::size_t i = 0; i < row.arguments.size(); ++i) {
    call.arguments[i] = (row.arguments[i] & 0xffffffff) | upper_half;
  }
  return call;
}

std::vector<UnixSockets> specs_of(const Refused& row) {
  if (row.where == Where::kSockets) return {UnixSockets::kNone, UnixSockets::kAll};
  return {UnixSockets::kNone};
}

class EveryRule : public testing::TestWithParam<Refused> {};

TEST_P(EveryRule, RefusesACallThatNoOtherRuleRefuses) {
  const Refused& row = GetParam();
  const std::uint32_t refusal = SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(row.error);
  for (const UnixSockets unix_sockets : specs_of(row)) {
    std::vector<Rule> rules = rules_of(row.where, unix_sockets);
    const std::vector<sock_filter> program = compiled(rules);
    EXPECT_EQ(answer(program, call_of(row, 0)), refusal);
    // The kernel takes these arguments for ints, whatever their upper halves hold. Any
    // refusal will do: a protocol with such a half is one that is not let through either.
    EXPECT_EQ(answer(program, call_of(row, kGarbage)) & SECCOMP_RET_ACTION_FULL, SECCOMP_RET_ERRNO);

    const auto removed =
        std::erase_if(rules, [&](const Rule& rule) { return rule.name() == row.rule; });
    EXPECT_EQ(removed, 1u) << "the rule is missing";
    EXPECT_EQ(answer(compiled(rules), call_of(row, 0)), SECCOMP_RET_ALLOW)
        << "another rule refuses this call as well: it shows nothing";
  }
}

INSTANTIATE_TEST_SUITE_P(, EveryRule, testing::ValuesIn(expected::refused()), [](const auto& row) {
  std::string name;
  for (const char c : std::string(row.param.rule)) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_') {
      name += c;
    } else if (!name.ends_with('_')) {
      name += '_';
    }
  }
  return name;
});

TEST(FilterRules, AreExactlyThoseExpected) {
  std::set<std::string> there;
  for (const Where where : {Where::kSystemCalls, Where::kSockets}) {
    for (const Rule& rule : rules_of(where, UnixSockets::kNone)) {
      EXPECT_TRUE(there.insert(rule.name()).second) << rule.name() << " is there twice";
    }
  }
  std::set<std::string> wanted;
  for (const Refused& row : expected::refused()) wanted.insert(row.rule);
  EXPECT_EQ(there, wanted);
}

TEST(FilterRules, LetUnixSocketsThroughWhereThePolicySaysSo) {
  std::set<std::string> more;
  for (const Rule& rule : rules_of(Where::kSockets, UnixSockets::kNone)) more.insert(rule.name());
  for (const Rule& rule : rules_of(Where::kSockets, UnixSockets::kAll)) more.erase(rule.name());
  EXPECT_EQ(more, (std::set<std::string>{"socket: AF_UNIX", "socketpair: SOCK_DGRAM",
                                         "socketpair: SOCK_RAW"}));
}

TEST(FilterRules, GiveAReasonInOneLine) {
  for (const Where where : {Where::kSystemCalls, Where::kSockets}) {
    for (const Rule& rule : rules_of(where, UnixSockets::kNone)) {
      EXPECT_FALSE(rule.reason.empty()) << rule.name();
      EXPECT_EQ(rule.reason.find('\n'), std::string_view::npos) << rule.name();
      EXPECT_EQ(rule.conditions.empty(), rule.when.empty() || rule.count > 1) << rule.name();
    }
  }
}

TEST(FilterRules, SpeakOfEveryCallThatIsNewerThanTheKernelTheyWereWrittenFor) {
  const std::vector<sock_filter> program =
      compiled(rules_of(Where::kSystemCalls, UnixSockets::kNone));
  for (int number = 470; number <= 511; ++number) {
    EXPECT_EQ(answer(program, {native_arch(), number, {}}), SECCOMP_RET_ERRNO | 38u /* ENOSYS */);
  }
  EXPECT_EQ(answer(program, {native_arch(), 469, {}}), SECCOMP_RET_ALLOW);
}

// Denied by the policy

Result<std::vector<Filter>> denying(std::set<std::string> names) {
  FilterSpec spec;
  spec.extra_denied = std::move(names);
  return filters(spec);
}

std::string complaint(std::set<std::string> names) {
  const Result<std::vector<Filter>> all = denying(std::move(names));
  if (all.ok()) return "";
  EXPECT_EQ(all.error().code, Errc::kInvalid);
  return all.error().message;
}

TEST(DeniedCalls, AreRefusedOnTopOfTheRest) {
  const Result<std::vector<Filter>> all = denying({"ptrace", "cachestat"});
  ASSERT_TRUE(all.ok()) << all.error().message;
  const std::vector<sock_filter>& program = all.value().back().program;
  EXPECT_EQ(answer(program, {native_arch(), SYS_ptrace, {}}), SECCOMP_RET_ERRNO | 1u);
  EXPECT_EQ(answer(program, {native_arch(), 451, {}}), SECCOMP_RET_ERRNO | 1u);
  EXPECT_EQ(answer(program, {native_arch(), SYS_mount, {}}), SECCOMP_RET_ERRNO | 1u);
  EXPECT_EQ(answer(program, {native_arch(), SYS_read, {}}), SECCOMP_RET_ALLOW);
}

TEST(DeniedCalls, ReplaceTheRulesThatRefusePartOfThem) {
  const Result<std::vector<Filter>> all = denying({"unshare"});
  ASSERT_TRUE(all.ok()) << all.error().message;
  const Filter& filter = all.value().back();
  EXPECT_EQ(std::count_if(filter.rules.begin(), filter.rules.end(),
                          [](const Rule& rule) { return rule.call == "unshare"; }),
            1);
  EXPECT_EQ(answer(filter.program, {native_arch(), SYS_unshare, {}}), SECCOMP_RET_ERRNO | 1u);
}

TEST(DeniedCalls, StayAsTheyAreWhereTheyWereRefusedAnyway) {
  const Result<std::vector<Filter>> more = denying({"clone3", "mount"});
  const Result<std::vector<Filter>> plain = denying({});
  ASSERT_TRUE(more.ok() && plain.ok());
  EXPECT_EQ(more.value().back().rules.size(), plain.value().back().rules.size());
  EXPECT_EQ(answer(more.value().back().program, {native_arch(), 435, {}}),
            SECCOMP_RET_ERRNO | 38u /* ENOSYS */);
}

TEST(DeniedCalls, CannotKeepTheOtherFilterFromBeingInstalled) {
  const Result<std::vector<Filter>> all = denying({"seccomp"});
  ASSERT_TRUE(all.ok()) << all.error().message;
  for (const Filter& filter : all.value()) {
    const bool last = &filter == &all.value().back();
    EXPECT_EQ(answer(filter.program, {native_arch(), SYS_seccomp, {}}) != SECCOMP_RET_ALLOW, last);
  }
}

TEST(DeniedCalls, OfOtherArchitecturesAddNothing) {
  const Result<std::vector<Filter>> all = denying({"socketcall", "vm86"});
  ASSERT_TRUE(all.ok()) << all.error().message;
  EXPECT_EQ(all.value().back().rules.size(), denying({}).value().back().rules.size());
}

TEST(DeniedCalls, MustExist) {
  EXPECT_EQ(complaint({"mountt"}),
            "there is no system call 'mountt'; `man 2 syscalls` lists their names");
  EXPECT_NE(complaint({""}), "");
  EXPECT_NE(complaint({"\x1b[31m"}).find("'\\x1b[31m'"), std::string::npos)
      << complaint({"\x1b[31m"});
  EXPECT_NE(complaint({std::string("ptrace\0x", 8)}), "");
}

TEST(DeniedCalls, MustLeaveProgramsTheirLives) {
  EXPECT_EQ(complaint({"execve"}),
            "no program can run without 'execve'; remove it from the denied calls");
  EXPECT_NE(complaint({"exit_group"}), "");
  EXPECT_EQ(complaint({"kill"}),
            "no sandbox can be started without 'kill'; remove it from the denied calls");
}

}  // namespace
}  // namespace carrel::plan
