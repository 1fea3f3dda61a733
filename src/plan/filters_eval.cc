// Classic BPF as the kernel runs it for seccomp: the checks of
// bpf_check_classic() and seccomp_check_filter() first, then an interpreter
// that can trust the program.
#include <linux/seccomp.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "plan/filters.h"

namespace carrel::plan {
namespace {

static_assert(std::endian::native == std::endian::little, "argument halves are in this order");

using Program = std::vector<sock_filter>;

constexpr std::uint32_t kDataSize = sizeof(seccomp_data);
constexpr std::uint16_t kOperation = 0xf0;  // of ALU and JMP

bool is_alu_operation(int operation) {
  switch (operation) {
    case BPF_ADD:
    case BPF_SUB:
    case BPF_MUL:
    case BPF_DIV:
    case BPF_AND:
    case BPF_OR:
    case BPF_XOR:
    case BPF_LSH:
    case BPF_RSH:
      return true;
    default:
      return false;
  }
}

bool is_condition(int operation) {
  return operation == BPF_JEQ || operation == BPF_JGE || operation == BPF_JGT ||
         operation == BPF_JSET;
}

bool is_conditional_jump(const sock_filter& op) {
  return (op.code & ~(kOperation | BPF_X)) == BPF_JMP && is_condition(op.code & kOperation);
}

bool is_known(const sock_filter& op) {
  switch (op.code) {
    case BPF_LD | BPF_W | BPF_ABS:
    case BPF_LD | BPF_W | BPF_LEN:
    case BPF_LDX | BPF_W | BPF_LEN:
    case BPF_LD | BPF_IMM:
    case BPF_LDX | BPF_IMM:
    case BPF_LD | BPF_MEM:
    case BPF_LDX | BPF_MEM:
    case BPF_ST:
    case BPF_STX:
    case BPF_MISC | BPF_TAX:
    case BPF_MISC | BPF_TXA:
    case BPF_RET | BPF_K:
    case BPF_RET | BPF_A:
    case BPF_ALU | BPF_NEG:
    case BPF_JMP | BPF_JA:
      return true;
    default:
      break;
  }
  if ((op.code & ~(kOperation | BPF_X)) == BPF_ALU) return is_alu_operation(op.code & kOperation);
  return is_conditional_jump(op);
}

// What is wrong with an instruction that `left` others follow, or "".
std::string_view fault(const sock_filter& op, std::size_t left) {
  if (!is_known(op)) return "not one that seccomp takes";
  switch (op.code) {
    case BPF_LD | BPF_W | BPF_ABS:
      return op.k >= kDataSize || op.k % 4 != 0 ? "reads beside the data" : "";
    case BPF_LD | BPF_MEM:
    case BPF_LDX | BPF_MEM:
    case BPF_ST:
    case BPF_STX:
      return op.k >= BPF_MEMWORDS ? "no such memory word" : "";
    case BPF_ALU | BPF_DIV | BPF_K:
      return op.k == 0 ? "divides by zero" : "";
    case BPF_ALU | BPF_LSH | BPF_K:
    case BPF_ALU | BPF_RSH | BPF_K:
      return op.k >= 32 ? "shifts by more than 31" : "";
    case BPF_JMP | BPF_JA:
      return op.k >= left ? "jumps past the end" : "";
    default:
      break;
  }
  if (is_conditional_jump(op) && (op.jt >= left || op.jf >= left)) return "jumps past the end";
  return "";
}

// Where a memory word is read that is not written on every way there: the
// index of the instruction, or the size of the program. All jumps are forward.
std::size_t first_unwritten_read(const Program& program) {
  std::vector<std::uint16_t> written(program.size(), 0xffff);
  std::uint16_t now = 0;
  for (std::size_t at = 0; at < program.size(); ++at) {
    const sock_filter& op = program[at];
    now &= written[at];
    const auto word = static_cast<std::uint16_t>(1U << (op.k % BPF_MEMWORDS));
    switch (op.code) {
      case BPF_ST:
      case BPF_STX:
        now |= word;
        break;
      case BPF_LD | BPF_MEM:
      case BPF_LDX | BPF_MEM:
        if ((now & word) == 0) return at;
        break;
      case BPF_JMP | BPF_JA:
        written[at + 1 + op.k] &= now;
        now = 0xffff;
        break;
      default:
        if (!is_conditional_jump(op)) break;
        written[at + 1 + op.jt] &= now;
        written[at + 1 + op.jf] &= now;
        now = 0xffff;
    }
  }
  return program.size();
}

Status check(const Program& program) {
  const auto malformed = [](std::size_t at, std::string_view what) {
    return Error{Errc::kInvalid,
                 "instruction " + std::to_string(at) + " of the filter: " + std::string(what)};
  };
  if (program.empty()) return Error{Errc::kInvalid, "the filter is empty"};
  if (program.size() > BPF_MAXINSNS) return malformed(BPF_MAXINSNS, "more than the kernel takes");
  for (std::size_t at = 0; at < program.size(); ++at) {
    const std::string_view what = fault(program[at], program.size() - at - 1);
    if (!what.empty()) return malformed(at, what);
  }
  const std::uint16_t last = program.back().code;
  if (last != (BPF_RET | BPF_K) && last != (BPF_RET | BPF_A)) {
    return malformed(program.size() - 1, "the last one does not return");
  }
  if (const std::size_t at = first_unwritten_read(program); at < program.size()) {
    return malformed(at, "reads memory that was not written");
  }
  return Unit{};
}

struct Machine {
  std::uint32_t a = 0;
  std::uint32_t x = 0;
  std::array<std::uint32_t, BPF_MEMWORDS> memory{};
};

// Precondition: no division by zero.
std::uint32_t calculate(int operation, std::uint32_t a, std::uint32_t operand) {
  switch (operation) {
    case BPF_ADD:
      return a + operand;
    case BPF_SUB:
      return a - operand;
    case BPF_MUL:
      return a * operand;
    case BPF_DIV:
      return a / operand;
    case BPF_AND:
      return a & operand;
    case BPF_OR:
      return a | operand;
    case BPF_XOR:
      return a ^ operand;
    case BPF_LSH:
      return a << (operand & 31);
    case BPF_RSH:
      return a >> (operand & 31);
    default:
      return 0U - a;  // BPF_NEG
  }
}

bool holds(int operation, std::uint32_t a, std::uint32_t operand) {
  switch (operation) {
    case BPF_JEQ:
      return a == operand;
    case BPF_JGT:
      return a > operand;
    case BPF_JGE:
      return a >= operand;
    default:
      return (a & operand) != 0;  // BPF_JSET
  }
}

std::uint32_t word_at(const seccomp_data& data, std::uint32_t offset) {
  std::uint32_t word = 0;
  std::memcpy(&word, reinterpret_cast<const char*>(&data) + offset, sizeof word);
  return word;
}

// Loads, stores and moves between registers.
void transfer(const sock_filter& op, const seccomp_data& data, Machine& m) {
  switch (op.code) {
    case BPF_LD | BPF_W | BPF_ABS:
      m.a = word_at(data, op.k);
      break;
    case BPF_LD | BPF_W | BPF_LEN:
      m.a = kDataSize;
      break;
    case BPF_LDX | BPF_W | BPF_LEN:
      m.x = kDataSize;
      break;
    case BPF_LD | BPF_IMM:
      m.a = op.k;
      break;
    case BPF_LDX | BPF_IMM:
      m.x = op.k;
      break;
    case BPF_LD | BPF_MEM:
      m.a = m.memory[op.k];
      break;
    case BPF_LDX | BPF_MEM:
      m.x = m.memory[op.k];
      break;
    case BPF_ST:
      m.memory[op.k] = m.a;
      break;
    case BPF_STX:
      m.memory[op.k] = m.x;
      break;
    case BPF_MISC | BPF_TAX:
      m.x = m.a;
      break;
    default:
      m.a = m.x;  // BPF_MISC | BPF_TXA
  }
}

// Precondition: check(program) said yes, so that every way ends at a return.
std::uint32_t run(const Program& program, const seccomp_data& data) {
  Machine m;
  for (std::size_t at = 0;; ++at) {
    const sock_filter& op = program[at];
    const int operation = op.code & kOperation;
    const std::uint32_t operand = (op.code & BPF_X) != 0 ? m.x : op.k;
    switch (BPF_CLASS(op.code)) {
      case BPF_RET:
        return op.code == (BPF_RET | BPF_A) ? m.a : op.k;
      case BPF_ALU:
        if (operation == BPF_DIV && operand == 0) return SECCOMP_RET_KILL_THREAD;
        m.a = calculate(operation, m.a, operand);
        break;
      case BPF_JMP:
        if (operation == BPF_JA) {
          at += op.k;
        } else {
          at += holds(operation, m.a, operand) ? op.jt : op.jf;
        }
        break;
      default:
        transfer(op, data, m);
    }
  }
}

}  // namespace

Result<std::uint32_t> evaluate(const Program& program, const Call& call) {
  CARREL_CHECK(check(program));
  seccomp_data data{};
  data.nr = call.number;
  data.arch = call.arch;
  for (std::size_t i = 0; i < std::size(call.arguments); ++i) data.args[i] = call.arguments[i];
  return run(program, data);
}

}  // namespace carrel::plan
