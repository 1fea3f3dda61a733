#include <gtest/gtest.h>
#include <linux/seccomp.h>

#include <ostream>
#include <string>
#include <vector>

#include "plan/filters.h"

namespace carrel::plan {
namespace {

using Program = std::vector<sock_filter>;

sock_filter op(int code, std::uint32_t k = 0) { return BPF_STMT(code, k); }

sock_filter jump(int code, std::uint32_t k, std::uint8_t when_true, std::uint8_t when_false) {
  return BPF_JUMP(code, k, when_true, when_false);
}

std::uint32_t run(const Program& program, const Call& call = {}) {
  const Result<std::uint32_t> said = evaluate(program, call);
  EXPECT_TRUE(said.ok()) << said.error().message;
  return said.ok() ? said.value() : 0;
}

std::string fault(const Program& program) {
  const Result<std::uint32_t> said = evaluate(program, {});
  if (said.ok()) return "";
  EXPECT_EQ(said.error().code, Errc::kInvalid);
  return said.error().message;
}

// The value of `a` after `steps`.
std::uint32_t result_of(Program steps) {
  steps.push_back(op(BPF_RET | BPF_A));
  return run(steps);
}

TEST(Evaluate, ReadsEveryWordOfTheCall) {
  const Call call{0xc000003e, 42, {0x1111111122222222, 2, 3, 4, 5, 0x6666666677777777}};
  const auto word = [&](std::uint32_t offset) {
    return run({op(BPF_LD | BPF_W | BPF_ABS, offset), op(BPF_RET | BPF_A)}, call);
  };
  EXPECT_EQ(word(0), 42u);
  EXPECT_EQ(word(4), 0xc000003e);
  EXPECT_EQ(word(8), 0u);  // the instruction pointer is not known
  EXPECT_EQ(word(16), 0x22222222u);
  EXPECT_EQ(word(20), 0x11111111u);
  EXPECT_EQ(word(56), 0x77777777u);
  EXPECT_EQ(word(60), 0x66666666u);
}

TEST(Evaluate, TakesNegativeNumbersAsTheKernelDoes) {
  EXPECT_EQ(run({op(BPF_LD | BPF_W | BPF_ABS, 0), op(BPF_RET | BPF_A)}, {0, -1, {}}), 0xffffffffu);
}

TEST(Evaluate, StartsWithEmptyRegisters) {
  EXPECT_EQ(result_of({}), 0u);
  EXPECT_EQ(result_of({op(BPF_MISC | BPF_TXA)}), 0u);
}

TEST(Evaluate, Calculates) {
  const auto with_constant = [](int operation, std::uint32_t a, std::uint32_t k) {
    return result_of({op(BPF_LD | BPF_IMM, a), op(BPF_ALU | operation | BPF_K, k)});
  };
  const auto with_register = [](int operation, std::uint32_t a, std::uint32_t x) {
    return result_of({op(BPF_LDX | BPF_IMM, x), op(BPF_LD | BPF_IMM, a),
                      op(BPF_ALU | operation | BPF_X, 12345)});
  };
  EXPECT_EQ(with_constant(BPF_ADD, 0xffffffff, 2), 1u);
  EXPECT_EQ(with_constant(BPF_SUB, 1, 2), 0xffffffffu);
  EXPECT_EQ(with_constant(BPF_MUL, 0x10001, 0x10001), 0x20001u);
  EXPECT_EQ(with_constant(BPF_DIV, 7, 2), 3u);
  EXPECT_EQ(with_constant(BPF_AND, 0xc, 0xa), 0x8u);
  EXPECT_EQ(with_constant(BPF_OR, 0xc, 0xa), 0xeu);
  EXPECT_EQ(with_constant(BPF_XOR, 0xc, 0xa), 0x6u);
  EXPECT_EQ(with_constant(BPF_LSH, 3, 31), 0x80000000u);
  EXPECT_EQ(with_constant(BPF_RSH, 0x80000000, 31), 1u);
  EXPECT_EQ(with_register(BPF_ADD, 40, 2), 42u);
  EXPECT_EQ(with_register(BPF_DIV, 42, 2), 21u);
  EXPECT_EQ(with_register(BPF_LSH, 1, 33), 2u);  // by the lowest five bits, as processors do
  EXPECT_EQ(result_of({op(BPF_LD | BPF_IMM, 1), op(BPF_ALU | BPF_NEG)}), 0xffffffffu);
}

TEST(Evaluate, KillsWhenTheProgramDividesByAnEmptyRegister) {
  EXPECT_EQ(run({op(BPF_ALU | BPF_DIV | BPF_X), op(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)}),
            SECCOMP_RET_KILL_THREAD);
}

TEST(Evaluate, MovesBetweenRegistersAndMemory) {
  EXPECT_EQ(result_of({op(BPF_LD | BPF_IMM, 7), op(BPF_ST, 15), op(BPF_LD | BPF_IMM, 0),
                       op(BPF_LDX | BPF_MEM, 15), op(BPF_STX, 0), op(BPF_LD | BPF_MEM, 0)}),
            7u);
  EXPECT_EQ(result_of({op(BPF_LD | BPF_IMM, 7), op(BPF_MISC | BPF_TAX), op(BPF_LD | BPF_IMM, 0),
                       op(BPF_MISC | BPF_TXA)}),
            7u);
  EXPECT_EQ(result_of({op(BPF_LD | BPF_W | BPF_LEN)}), 64u);
  EXPECT_EQ(result_of({op(BPF_LDX | BPF_W | BPF_LEN), op(BPF_MISC | BPF_TXA)}), 64u);
}

TEST(Evaluate, Jumps) {
  const auto taken = [](int code, std::uint32_t a, std::uint32_t k, std::uint32_t x) {
    return run({op(BPF_LDX | BPF_IMM, x), op(BPF_LD | BPF_IMM, a), jump(code, k, 1, 0),
                op(BPF_RET | BPF_K, 0), op(BPF_RET | BPF_K, 1)}) == 1;
  };
  EXPECT_TRUE(taken(BPF_JMP | BPF_JEQ | BPF_K, 5, 5, 0));
  EXPECT_FALSE(taken(BPF_JMP | BPF_JEQ | BPF_K, 5, 6, 5));
  EXPECT_TRUE(taken(BPF_JMP | BPF_JEQ | BPF_X, 5, 6, 5));
  EXPECT_TRUE(taken(BPF_JMP | BPF_JGT | BPF_K, 0xffffffff, 1, 0));  // unsigned
  EXPECT_FALSE(taken(BPF_JMP | BPF_JGT | BPF_K, 5, 5, 0));
  EXPECT_TRUE(taken(BPF_JMP | BPF_JGE | BPF_K, 5, 5, 0));
  EXPECT_FALSE(taken(BPF_JMP | BPF_JGE | BPF_X, 4, 0, 5));
  EXPECT_TRUE(taken(BPF_JMP | BPF_JSET | BPF_K, 6, 2, 0));
  EXPECT_FALSE(taken(BPF_JMP | BPF_JSET | BPF_K, 6, 1, 0));
  EXPECT_EQ(run({op(BPF_JMP | BPF_JA, 1), op(BPF_RET | BPF_K, 0), op(BPF_RET | BPF_K, 1)}), 1u);
}

TEST(Evaluate, TakesTheLongestProgramThatTheKernelTakes) {
  Program program(BPF_MAXINSNS, op(BPF_RET | BPF_K, 9));
  EXPECT_EQ(run(program), 9u);
  program.push_back(op(BPF_RET | BPF_K, 9));
  EXPECT_NE(fault(program), "");
}

// What the kernel would not load

struct Fault {
  const char* name;
  Program program;
  const char* message;
};

void PrintTo(const Fault& row, std::ostream* out) { *out << row.name; }

class EvaluateRefuses : public testing::TestWithParam<Fault> {};

TEST_P(EvaluateRefuses, AndSaysWhere) { EXPECT_EQ(fault(GetParam().program), GetParam().message); }

const sock_filter kReturn = BPF_STMT(BPF_RET | BPF_K, 0);

const Fault kFaults[] = {
    {"Nothing", {}, "the filter is empty"},
    {"NoReturn",
     {op(BPF_LD | BPF_IMM)},
     "instruction 0 of the filter: the last one does not return"},
    {"UnalignedRead",
     {op(BPF_LD | BPF_W | BPF_ABS, 2), kReturn},
     "instruction 0 of the filter: reads beside the data"},
    {"ReadPastTheData",
     {op(BPF_LD | BPF_W | BPF_ABS, 64), kReturn},
     "instruction 0 of the filter: reads beside the data"},
    {"NegativeRead",  // the extensions of socket filters
     {op(BPF_LD | BPF_W | BPF_ABS, 0xfffff000), kReturn},
     "instruction 0 of the filter: reads beside the data"},
    {"ByteRead",
     {op(BPF_LD | BPF_B | BPF_ABS, 0), kReturn},
     "instruction 0 of the filter: not one that seccomp takes"},
    {"IndirectRead",
     {op(BPF_LD | BPF_W | BPF_IND, 0), kReturn},
     "instruction 0 of the filter: not one that seccomp takes"},
    {"Modulo",
     {op(BPF_ALU | BPF_MOD | BPF_K, 2), kReturn},
     "instruction 0 of the filter: not one that seccomp takes"},
    {"NegationOfARegister",
     {op(BPF_ALU | BPF_NEG | BPF_X), kReturn},
     "instruction 0 of the filter: not one that seccomp takes"},
    {"UnknownCode",
     {op(0xffff), kReturn},
     "instruction 0 of the filter: not one that seccomp takes"},
    {"HighBitsInTheCode",
     {op(0x100 | BPF_ALU), kReturn},
     "instruction 0 of the filter: not one that seccomp takes"},
    {"ReturnOfX",
     {kReturn, op(BPF_RET | BPF_X)},
     "instruction 1 of the filter: not one that seccomp takes"},
    {"NoSuchMemory", {op(BPF_ST, 16), kReturn}, "instruction 0 of the filter: no such memory word"},
    {"UnwrittenMemory",
     {op(BPF_LD | BPF_MEM, 3), kReturn},
     "instruction 0 of the filter: reads memory that was not written"},
    {"MemoryWrittenOnOneWayOnly",
     {jump(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), op(BPF_ST, 3), op(BPF_LD | BPF_MEM, 3), kReturn},
     "instruction 2 of the filter: reads memory that was not written"},
    {"DivisionByZero",
     {op(BPF_ALU | BPF_DIV | BPF_K, 0), kReturn},
     "instruction 0 of the filter: divides by zero"},
    {"LongShift",
     {op(BPF_ALU | BPF_LSH | BPF_K, 32), kReturn},
     "instruction 0 of the filter: shifts by more than 31"},
    {"JumpPastTheEnd",
     {op(BPF_JMP | BPF_JA, 1), kReturn},
     "instruction 0 of the filter: jumps past the end"},
    {"JumpFarPastTheEnd",
     {op(BPF_JMP | BPF_JA, 0xffffffff), kReturn},
     "instruction 0 of the filter: jumps past the end"},
    {"BranchPastTheEnd",
     {jump(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), kReturn},
     "instruction 0 of the filter: jumps past the end"},
    {"JumpAtTheEnd", {op(BPF_JMP | BPF_JA, 0)}, "instruction 0 of the filter: jumps past the end"},
};

INSTANTIATE_TEST_SUITE_P(, EvaluateRefuses, testing::ValuesIn(kFaults),
                         [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace carrel::plan
