#include "base/closest.h"

#include <gtest/gtest.h>

#include <string>

namespace carrel {
namespace {

TEST(Closest, IsTheNearestWordOrNone) {
  const std::string_view known[] = {"--write", "--hide", "--env"};
  EXPECT_EQ(closest("--wirte", known), "--write");
  EXPECT_EQ(closest("--evn", known), "--env");
  EXPECT_EQ(closest("--en", known), "--env");
  EXPECT_EQ(closest("--something", known), "");
  EXPECT_EQ(closest("", known), "");
  EXPECT_EQ(closest("--env", {}), "");
  EXPECT_EQ(closest(std::string(10'000, 'x'), known), "");
}

}  // namespace
}  // namespace carrel
