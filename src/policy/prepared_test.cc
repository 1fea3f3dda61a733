#include "policy/prepared.h"

#include <gtest/gtest.h>

#include "policy/builtin.h"

namespace carrel::policy {
namespace {

TEST(Prepared, IsWhatTheTextMeansForUsersOfEveryKind) {
  ASSERT_EQ(prepared_policies().size(), builtin_profiles().size());
  for (const PathContext& context :
       {PathContext{"/home/ann", "/home/ann/work"}, PathContext{"", "/work"},
        PathContext{"/", "/work"}, PathContext{"/root", "/root"},
        PathContext{"/home/[x]*?\\", "/home/[x]*?\\/a b"}}) {
    for (std::size_t i = 0; i < builtin_profiles().size(); ++i) {
      const PreparedPolicy& prepared = prepared_policies()[i];
      ASSERT_EQ(prepared.name, builtin_profiles()[i].name);
      const Result<Policy> from_text = from_builtin(builtin_profiles()[i], context);
      const Result<Policy> from_value = expand(prepared, context);
      // A working directory that contradicts a profile is for check() to refuse.
      if (!from_text.ok()) continue;
      ASSERT_TRUE(from_value.ok()) << from_value.error().message;
      EXPECT_EQ(from_text.value(), from_value.value()) << prepared.name << " " << context.home;
    }
  }
}

}  // namespace
}  // namespace carrel::policy
