#include "plan/filters.h"

#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/seccomp.h>

#include <algorithm>
#include <cerrno>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "plan/filters_expected.h"
#include "plan/filters_numbers.h"

namespace carrel::plan {
namespace {

using policy::UnixSockets;

std::vector<Filter> filters_for(UnixSockets unix_sockets) {
  FilterSpec spec;
  spec.unix_sockets = unix_sockets;
  Result<std::vector<Filter>> all = filters(spec);
  EXPECT_TRUE(all.ok()) << all.error().message;
  return std::move(all).value();
}

std::uint32_t action(std::uint32_t answer) { return answer & SECCOMP_RET_ACTION_FULL; }

// As the kernel does: all filters run, and the strictest answer counts.
std::uint32_t answer(const std::vector<Filter>& all, const Call& call) {
  std::uint32_t strictest = SECCOMP_RET_ALLOW;
  for (const Filter& filter : all) {
    const Result<std::uint32_t> said = evaluate(filter.program, call);
    EXPECT_TRUE(said.ok()) << said.error().message;
    if (!said.ok()) return SECCOMP_RET_KILL_PROCESS;
    const auto strictness = [](std::uint32_t value) {
      return static_cast<std::int32_t>(action(value));
    };
    if (strictness(said.value()) < strictness(strictest)) strictest = said.value();
  }
  return strictest;
}

// What ordinary programs do

struct Ordinary {
  const char* name;
  int number;
  std::uint64_t arguments[4];
};

void PrintTo(const Ordinary& row, std::ostream* out) { *out << row.name; }

const Ordinary kOrdinary[] = {
    {"Fork", SYS_clone, {0x01200011}},              // CHILD_SETTID, CHILD_CLEARTID, SIGCHLD
    {"PosixSpawn", SYS_clone, {0x00004111}},        // VM, VFORK, SIGCHLD
    {"Thread", SYS_clone, {0x003d0f00}},            // as pthread_create
    {"ForkWithSharedIo", SYS_clone, {0x80000011}},  // CLONE_IO
    {"UnshareFiles", SYS_unshare, {0x00000600}},    // FS, FILES
    {"OpenToRead", SYS_openat, {~0ULL, 0, 0}},
    {"OpenToReadWithAnyMode", SYS_openat, {~0ULL, 0, 0, ~0ULL}},
    {"OpenToCreate", SYS_openat, {~0ULL, 0, 01101, 0666}},
    {"OpenToCreateSticky", SYS_openat, {~0ULL, 0, 01101, 01777}},
    {"OpenUnnamed", SYS_openat, {~0ULL, 0, 020200002, 0600}},
    {"Chmod", SYS_fchmodat, {~0ULL, 0, 01777}},
    {"MakeSharedFolder", SYS_mkdirat, {~0ULL, 0, 02775}},
    {"MakePipe", SYS_mknodat, {~0ULL, 0, 0010600}},
    {"MakeFile", SYS_mknodat, {~0ULL, 0, 0100600}},
    {"MakeSocketFile", SYS_mknodat, {~0ULL, 0, 0140600}},
    {"TerminalSettings", SYS_ioctl, {0, 0x5401}},
    {"WindowSize", SYS_ioctl, {0, 0x5413}},
    {"CloneFile", SYS_ioctl, {3, 0x40049409}},
    {"TcpOverIpv4", SYS_socket, {2, 02004001, 6}},  // STREAM, CLOEXEC, NONBLOCK
    {"UdpOverIpv6", SYS_socket, {10, 2, 17}},
    {"Ping", SYS_socket, {2, 2, 1}},
    {"PingOverIpv6", SYS_socket, {10, 2, 58}},
    {"ListInterfaces", SYS_socket, {16, 02000003, 0}},
    {"StreamPair", SYS_socketpair, {1, 02000001}},
    {"SequencedPair", SYS_socketpair, {1, 5}},
    {"Landlock", 444, {}},
    {"NestedFilter", SYS_seccomp, {1, 0}},
    {"NestedListener", SYS_seccomp, {1, 8}},
    {"Debugger", SYS_ptrace, {16, 1}},
    {"ReadOtherMemory", SYS_process_vm_readv, {1}},
    {"NoRandomAddresses", SYS_personality, {0x0040000}},
    {"ReadClockAdjustment", SYS_adjtimex, {0}},
    {"PidfdOpen", 434, {1}},
    {"PidfdGetfd", 438, {1}},
    {"MemfdCreate", SYS_memfd_create, {0, 1}},
    {"MemfdSecret", 447, {}},
    {"InotifyInit", SYS_inotify_init1, {}},
    {"NameToHandle", SYS_name_to_handle_at, {~0ULL}},
    {"FileAttributes", 468, {~0ULL}},
};

class OrdinaryCall : public testing::TestWithParam<Ordinary> {};

TEST_P(OrdinaryCall, IsAllowed) {
  const Ordinary& row = GetParam();
  Call call{native_arch(), row.number, {}};
  std::copy(std::begin(row.arguments), std::end(row.arguments), std::begin(call.arguments));
  for (const UnixSockets unix_sockets : {UnixSockets::kNone, UnixSockets::kAll}) {
    EXPECT_EQ(answer(filters_for(unix_sockets), call), SECCOMP_RET_ALLOW);
  }
}

INSTANTIATE_TEST_SUITE_P(, OrdinaryCall, testing::ValuesIn(kOrdinary),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(Filters, LetUnixSocketsThroughWhereThePolicySaysSo) {
  const Call stream{native_arch(), SYS_socket, {1, 1, 0}};
  const Call datagram{native_arch(), SYS_socketpair, {1, 2, 0}};
  for (const Call& call : {stream, datagram}) {
    EXPECT_EQ(answer(filters_for(UnixSockets::kNone), call), SECCOMP_RET_ERRNO | EACCES);
    EXPECT_EQ(answer(filters_for(UnixSockets::kAll), call), SECCOMP_RET_ALLOW);
  }
}

TEST(Filters, AreTwoWithNames) {
  const std::vector<Filter> all = filters_for(UnixSockets::kNone);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].name, "socket-families");
  EXPECT_EQ(all[1].name, "system-calls");
}

// No family is let through by being unknown: the list is of what may pass.
TEST(Filters, RefuseEverySocketFamilyButFour) {
  const std::vector<Filter> none = filters_for(UnixSockets::kNone);
  const std::vector<Filter> all = filters_for(UnixSockets::kAll);
  for (std::uint64_t family = 0; family < 300; ++family) {
    const bool internet = family == 2 || family == 10 || family == 16;
    const Call call{native_arch(), SYS_socket, {family, 1, 0}};
    EXPECT_EQ(answer(none, call) == SECCOMP_RET_ALLOW, internet) << family;
    EXPECT_EQ(answer(all, call) == SECCOMP_RET_ALLOW, internet || family == 1) << family;
  }
  for (const std::uint64_t family : {0x80000000ULL, 0xffffffffULL, ~0ULL, 1ULL << 32}) {
    EXPECT_NE(answer(all, {native_arch(), SYS_socket, {family, 1, 0}}), SECCOMP_RET_ALLOW);
  }
}

TEST(Filters, KillForeignArchitectures) {
  constexpr std::uint32_t kArchitectures[] = {AUDIT_ARCH_I386,    AUDIT_ARCH_X86_64,
                                              AUDIT_ARCH_ARM,     AUDIT_ARCH_AARCH64,
                                              AUDIT_ARCH_RISCV64, 0};
  for (const Filter& filter : filters_for(UnixSockets::kNone)) {
    for (const std::uint32_t arch : kArchitectures) {
      if (arch == native_arch()) continue;
      EXPECT_EQ(answer({filter}, {arch, SYS_getpid, {}}), SECCOMP_RET_KILL_PROCESS)
          << filter.name << " " << arch;
    }
  }
}

#ifdef __x86_64__
TEST(Filters, KillX32) {
  constexpr int kX32 = 0x40000000;
  for (const Filter& filter : filters_for(UnixSockets::kNone)) {
    for (const int number : {0, SYS_getpid, SYS_socket, 545, 0x3ffffff}) {
      EXPECT_EQ(answer({filter}, {native_arch(), kX32 | number, {}}), SECCOMP_RET_KILL_PROCESS)
          << filter.name << " " << number;
    }
  }
}
#endif

TEST(Filters, AreTheSameWhetherCompiledWithCarrelOrOnTheSpot) {
  for (const UnixSockets unix_sockets : {UnixSockets::kNone, UnixSockets::kAll}) {
    for (const Filter& filter : filters_for(unix_sockets)) {
      const Result<std::vector<sock_filter>> again = compile(filter.rules);
      ASSERT_TRUE(again.ok()) << again.error().message;
      const bool same =
          std::equal(again.value().begin(), again.value().end(), filter.program.begin(),
                     filter.program.end(), [](const sock_filter& a, const sock_filter& b) {
                       return a.code == b.code && a.jt == b.jt && a.jf == b.jf && a.k == b.k;
                     });
      EXPECT_TRUE(same) << filter.name << ": filters_gen was built from other rules";
    }
  }
}

// The kernel takes a quarter of a microsecond for each instruction at every start.
TEST(Filters, AreShort) {
  const std::vector<Filter> all = filters_for(UnixSockets::kNone);
  EXPECT_LE(all[0].program.size(), 100u);
  EXPECT_LE(all[1].program.size(), 290u);
}

// Compiled programs against the rules themselves

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

bool matches(const Rule& rule, const Call& call) {
  return rule.is_about(call.number) &&
         std::all_of(rule.conditions.begin(), rule.conditions.end(),
                     [&](const Condition& c) { return holds(c, call.arguments[c.index]); });
}

class CallMaker {
 public:
  explicit CallMaker(const std::vector<Rule>& rules) : rules_(rules) {}

  // A call near what some rule is about.
  Call next() {
    const Rule& rule = rules_[below(rules_.size())];
    Call call{native_arch(), rule.number, {}};
    if (below(8) == 0) call.number = static_cast<int>(below(520));
    for (std::uint64_t& argument : call.arguments) argument = value();
    for (const Condition& condition : rule.conditions) {
      if (below(4) == 0) continue;
      std::uint64_t& argument = call.arguments[condition.index];
      argument = condition.value + below(3) - 1;
      if (below(2) == 0) argument |= ~std::uint64_t{condition.mask} & random_();
    }
    return call;
  }

 private:
  std::size_t below(std::size_t limit) { return random_() % limit; }

  std::uint64_t value() {
    const std::uint64_t lower = below(2) == 0 ? below(20) : random_() & 0xffffffff;
    switch (below(3)) {
      case 0:
        return lower | (random_() << 32);
      case 1:
        return lower & (1ULL << below(32));
      default:
        return lower;
    }
  }

  const std::vector<Rule>& rules_;
  std::mt19937_64 random_{20240229};
};

TEST(Filters, SayWhatTheirRulesSay) {
  for (const UnixSockets unix_sockets : {UnixSockets::kNone, UnixSockets::kAll}) {
    for (const Filter& filter : filters_for(unix_sockets)) {
      CallMaker calls(filter.rules);
      for (int i = 0; i < 20000; ++i) {
        const Call call = calls.next();
        std::vector<std::uint32_t> right;
        for (const Rule& rule : filter.rules) {
          if (!matches(rule, call)) continue;
          right.push_back(SECCOMP_RET_ERRNO |
                          static_cast<std::uint32_t>(refusal_errno(rule.refusal)));
        }
        if (right.empty()) right.push_back(SECCOMP_RET_ALLOW);
        const std::uint32_t said = answer({filter}, call);
        ASSERT_NE(std::find(right.begin(), right.end(), said), right.end())
            << filter.name << ": call " << call.number << std::hex << "(" << call.arguments[0]
            << ", " << call.arguments[1] << ", " << call.arguments[2] << ", " << call.arguments[3]
            << ") is answered " << said << ", not " << right.front();
      }
    }
  }
}

TEST(CallWords, NameARefusedCallAndTheReason) {
  EXPECT_EQ(call_words(SYS_mount).name, "mount");
  EXPECT_NE(call_words(SYS_mount).reason, "the policy denies it");
  EXPECT_EQ(call_words(SYS_ptrace).name, "ptrace");
  EXPECT_EQ(call_words(SYS_ptrace).reason, "the policy denies it");
  EXPECT_EQ(call_words(475).name, "call 475");
  EXPECT_NE(call_words(475).reason, "the policy denies it");
  EXPECT_EQ(call_words(100000).name, "call 100000");
}

TEST(Compile, RefusesARuleThatCanNeverHold) {
  Rule rule;
  rule.call = "getpid";
  rule.when = "never";
  rule.number = SYS_getpid;
  rule.conditions = {{.index = 0, .mask = 0xf0, .value = 0x1f}};
  const Result<std::vector<sock_filter>> program = compile({rule});
  ASSERT_FALSE(program.ok());
  EXPECT_EQ(program.error().code, Errc::kInvalid);
  EXPECT_EQ(program.error().message, "rule 'getpid: never' compares bits that it masks out");
}

TEST(Compile, ReportsWhatLibseccompRefuses) {
  Rule rule;
  rule.call = "getpid";
  rule.number = SYS_getpid;
  rule.conditions = {{.index = 6, .value = 1}};
  const Result<std::vector<sock_filter>> program = compile({rule});
  ASSERT_FALSE(program.ok());
  EXPECT_EQ(program.error().code, Errc::kSystem);
  EXPECT_EQ(program.error().message, "seccomp_rule_add(getpid): Invalid argument");
}

}  // namespace
}  // namespace carrel::plan
