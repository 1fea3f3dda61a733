// The seccomp filters. Each rule carries its reason; `carrel explain` prints
// them, filters_test evaluates the compiled programs without a kernel, and a
// rule that is removed fails a test by name.
// Sources: seccomp(2), seccomp_rule_add(3), Documentation/userspace-api/seccomp_filter.rst.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "policy/policy.h"

namespace carrel::plan {

// What a refused call sees.
enum class Refusal : std::uint8_t {
  kNotPermitted,    // EPERM
  kNoSuchCall,      // ENOSYS: programs fall back to an older call that can be judged
  kNoSuchFamily,    // EAFNOSUPPORT
  kAccess,          // EACCES
  kNoSuchProtocol,  // EPROTONOSUPPORT
};

[[nodiscard]] int refusal_errno(Refusal refusal);
[[nodiscard]] std::string_view refusal_name(Refusal refusal);  // "EPERM"

// A test of one argument; all of a rule's conditions must hold, and no two of
// them may look at the same argument.
//
// Every argument tested is an int to the kernel, which drops the upper half of
// the register: whatever a caller leaves there must not get past a rule. So
// kMaskedEqual looks at the lower half only, and an upper half that is not zero
// counts as unequal and as greater, which refuses.
struct Condition {
  enum class Test : std::uint8_t { kMaskedEqual, kNotEqual, kGreater };
  std::uint32_t index = 0;
  Test test = Test::kMaskedEqual;
  std::uint32_t mask = 0xffffffff;  // of kMaskedEqual: (argument & mask) == value
  std::uint32_t value = 0;          // within `mask`

  bool operator==(const Condition&) const = default;
};

// Texts other than `call` live as long as the program.
struct Rule {
  std::string call;       // name as in the man pages
  std::string_view when;  // what the conditions say, e.g. "CLONE_NEWUSER"; "" without any
  int number = -1;        // on this architecture
  int count = 1;          // how many calls from `number` on
  std::vector<Condition> conditions;
  Refusal refusal = Refusal::kNotPermitted;
  std::string_view reason;  // one line

  // Unique within a filter: "mount", "clone: CLONE_NEWUSER".
  [[nodiscard]] std::string name() const;
  [[nodiscard]] bool is_about(int call_number) const {
    return call_number >= number && call_number < number + count;
  }
};

struct Filter {
  std::string name;  // "socket-families", "system-calls"
  std::vector<Rule> rules;
  std::vector<sock_filter> program;  // compiled
};

// What the filters depend on. Few values, so the common ones are compiled when
// Carrel is built (filters_compiled.h); any other is compiled on the spot.
struct FilterSpec {
  policy::UnixSockets unix_sockets = policy::UnixSockets::kNone;
  std::set<std::string> extra_denied;

  bool operator==(const FilterSpec&) const = default;
};

// The rules of each filter, in the order in which they are installed: the one
// that `extra_denied` adds to comes last, so that it cannot keep the others out.
// kInvalid if `extra_denied` names a call that does not exist, or one that no
// program can start without (execve, exit_group, ...). A call that only other
// architectures have adds no rule: those are killed anyway.
[[nodiscard]] Result<std::vector<Filter>> filter_rules(const FilterSpec& spec);

// Compiles the rules with libseccomp: tree-ordered, foreign architectures and
// x32 killed. kInvalid for a condition that can never hold.
[[nodiscard]] Result<std::vector<sock_filter>> compile(const std::vector<Rule>& rules);

// Rules and programs for `spec`, from the table compiled at build time if it is there.
[[nodiscard]] Result<std::vector<Filter>> filters(const FilterSpec& spec);

// Words for a system call of this architecture that was refused: its name in
// the man pages ("call 1234" if unknown), and the reason of the first rule for it.
struct CallWords {
  std::string name;
  std::string reason;
};
[[nodiscard]] CallWords call_words(int number, std::span<const std::uint64_t, 6> arguments);
[[nodiscard]] CallWords call_words(int number);  // whatever its arguments

// A BPF evaluator for seccomp programs (tests, and `carrel explain --check`):
// what the kernel would answer (SECCOMP_RET_*) to this call. kInvalid for a
// program that the kernel would not load.
struct Call {
  std::uint32_t arch = 0;  // AUDIT_ARCH_*
  int number = 0;
  std::uint64_t arguments[6] = {};
};
[[nodiscard]] Result<std::uint32_t> evaluate(const std::vector<sock_filter>& program,
                                             const Call& call);

// AUDIT_ARCH_* of the machine that this was compiled for.
[[nodiscard]] std::uint32_t native_arch();

}  // namespace carrel::plan
