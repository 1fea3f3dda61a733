// Thousands of starts, one after the other and eight at a time, without a failure.
#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "fixture.h"

namespace carrel::tests {
namespace {

using Clock = std::chrono::steady_clock;

class Starts : public Sandboxed {
 protected:
  // A shell outside starts them, so that the test's own cost does not count.
  void start(int total, int parallel) {
    const std::string each = std::to_string(total / parallel);
    const auto started = Clock::now();
    const Ended ended = run(world().plain(
        {"/bin/bash", "-c",
         "one() { local failed=0; for ((i = 0; i < " + each + "; i++)); do '" + world().carrel() +
             "' run -- /bin/true || ((++failed)); done; echo \"failed=$failed\"; }; "
             "for ((j = 0; j < " +
             std::to_string(parallel) + "; j++)); do one & done; wait"}));
    const std::chrono::duration<double> took = Clock::now() - started;
    EXPECT_TRUE(exited(ended, 0));
    std::string wanted;
    for (int i = 0; i < parallel; ++i) wanted += "failed=0\n";
    EXPECT_EQ(ended.out, wanted) << describe(ended);
    EXPECT_EQ(ended.err, "");
    std::printf("%d starts, %d at a time: %.0f a second, %.2f ms each\n", total, parallel,
                total / took.count(), 1000 * took.count() / total * parallel);
  }
};
CARREL_AS_ROOT_AND_USER(Starts);

long pss_kib(const std::string& pid) {
  const std::string text = read_file("/proc/" + pid + "/smaps_rollup");
  const std::size_t at = text.find("Pss:");
  return at == std::string::npos ? -1 : std::atol(text.c_str() + at + 4);
}

TEST_P(Starts, IdleSandboxKeepsLessThanHalfAMebibyte) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root may measure PID 1, which is not dumpable";
  Invocation invocation = sealed_invocation({"/bin/bash", "-c", "echo up; read line"});
  invocation.input = "";
  Process process(invocation);
  ASSERT_TRUE(process.wait_for_output("up"));
  const std::string pid = std::to_string(process.pid());
  const std::string init = std::to_string(process.first_child());
  const long outside = pss_kib(pid);
  const long inside = pss_kib(init);
  std::printf("idle: %ld KiB outside, %ld KiB PID 1\n", outside, inside);
  EXPECT_GT(outside, 0);
  EXPECT_GT(inside, 0);
  EXPECT_LT(outside + inside, 512);
  EXPECT_TRUE(exited(process.wait(), 1));
}

TEST_P(Starts, AThousandOneAfterTheOther) { start(1000, 1); }
TEST_P(Starts, AThousandEightAtATime) { start(1000, 8); }

}  // namespace
}  // namespace carrel::tests
