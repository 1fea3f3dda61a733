#include "plan/steps.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>

#include "sys/test_folder.h"

namespace carrel::plan {
namespace {

using sys::names;
using wire::Step;

constexpr auto kLast = static_cast<std::uint32_t>(Step::kLost);

TEST(StepWords, EveryStepHasItsOwn) {
  std::set<std::string> words;
  for (std::uint32_t i = 0; i <= kLast; ++i) {
    const std::string text = describe(static_cast<Step>(i));
    EXPECT_FALSE(text.empty()) << i;
    EXPECT_TRUE(words.insert(text).second) << text << " stands for two steps";
  }
  // One that is not known, from another build's memfd, has words too.
  EXPECT_FALSE(words.contains(describe(static_cast<Step>(kLast + 1))));
  EXPECT_FALSE(describe(static_cast<Step>(~0u)).empty());
}

TEST(StepAdvice, PointsToTheDoctorWhereAMachineForbids) {
  for (const int code : {EPERM, EACCES, ENOSYS, EINVAL}) {
    EXPECT_TRUE(names(advice(Step::kNamespaces, code), "carrel doctor")) << code;
  }
  EXPECT_TRUE(names(advice(Step::kNamespaces, ENOSPC), "max_user_namespaces"));
  for (const Step step : {Step::kMapIds, Step::kLoopback, Step::kSealRoot, Step::kMount}) {
    EXPECT_TRUE(names(advice(step, EPERM), "carrel doctor")) << describe(step);
  }
}

TEST(StepAdvice, TellsOfNamesThatWereSwapped) {
  for (const Step step : {Step::kVerifyMount, Step::kTakeSource}) {
    EXPECT_TRUE(names(advice(step, ELOOP), "symbolic link")) << describe(step);
    EXPECT_TRUE(names(advice(step, ESTALE), "changed while")) << describe(step);
    EXPECT_TRUE(names(advice(step, ENOENT), "changed while")) << describe(step);
  }
}

TEST(StepAdvice, NamesTheOptionThatMendsIt) {
  EXPECT_TRUE(names(advice(Step::kWorkingDir, ENOENT), "--cwd"));
  EXPECT_TRUE(names(advice(Step::kWorkingDir, EACCES), "--cwd"));
  EXPECT_TRUE(names(advice(Step::kDescriptors, EBADF), "--keep-fd"));
}

TEST(StepAdvice, HasNoControlCharacters) {
  for (std::uint32_t i = 0; i <= kLast; ++i) {
    for (int code = 0; code < 200; ++code) {
      EXPECT_FALSE(sys::has_control_characters(advice(static_cast<Step>(i), code)));
    }
  }
}

}  // namespace
}  // namespace carrel::plan
