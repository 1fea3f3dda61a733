#include "plan/encode.h"

#include <gtest/gtest.h>

#include <cstring>
#include <type_traits>

#include "sys/test_folder.h"

namespace carrel::plan {
namespace {

using sys::names;

Plan least() {
  Plan plan;
  plan.command.arguments = {"x"};
  plan.command.candidates = {"/bin/x"};
  return plan;
}

wire::Header header_of(const std::string& block) {
  wire::Header header{};
  std::memcpy(&header, block.data(), sizeof header);
  return header;
}

TEST(Encode, BeginsWithItsMagicNumberAndItsSize) {
  const std::string block = encode(least(), {}).value();
  const wire::Header header = header_of(block);
  EXPECT_EQ(header.magic, wire::kMagic);
  EXPECT_EQ(header.total_size, block.size());
}

TEST(Encode, IsTheSameForTheSamePlan) {
  EXPECT_EQ(encode(least(), {}).value(), encode(least(), {}).value());
}

// Such bytes would come from the stack: whatever carrel had there.
TEST(Encode, WritesNoPaddingThatNobodySet) {
  EXPECT_TRUE(std::has_unique_object_representations_v<wire::Header>);
  EXPECT_TRUE(std::has_unique_object_representations_v<wire::Source>);
  EXPECT_TRUE(std::has_unique_object_representations_v<wire::MountStep>);
  EXPECT_TRUE(std::has_unique_object_representations_v<wire::Limit>);
  EXPECT_TRUE(std::has_unique_object_representations_v<wire::Filter>);
  EXPECT_TRUE(std::has_unique_object_representations_v<wire::Outcome>);
}

TEST(Encode, MarksDescriptorsThatAreNotThere) {
  const wire::Header header = header_of(encode(least(), {}).value());
  EXPECT_EQ(header.carrel_fd, -1);
  EXPECT_EQ(header.room_fd, -1);
  EXPECT_EQ(header.control_fd, -1);
  EXPECT_EQ(header.wall_time_ms, 0u);
  EXPECT_EQ(header.always_finish, 0u);
  EXPECT_EQ(header.record_denials, 0u);
}

TEST(Encode, ReservesNothingThatIsNotZero) {
  Plan plan = least();
  plan.mounts.steps.push_back({});
  plan.limits.rlimits.emplace_back(1, 2);
  const std::string block = encode(plan, {}).value();
  const wire::Header header = header_of(block);
  wire::MountStep step{};
  std::memcpy(&step, block.data() + header.mounts.offset, sizeof step);
  EXPECT_EQ(step.reserved, 0u);
  wire::Limit limit{};
  std::memcpy(&limit, block.data() + header.limits.offset, sizeof limit);
  EXPECT_EQ(limit.reserved, 0u);
}

// What a table of the launcher does not hold is refused here, where there are words for it.
class EncodeRefuses : public testing::Test {
 protected:
  static void expect_refused(const Plan& plan, const RunHandles& handles) {
    const Result<std::string> block = encode(plan, handles);
    ASSERT_FALSE(block.ok());
    EXPECT_EQ(block.error().code, Errc::kInvalid);
    EXPECT_TRUE(names(block.error().message, "than fit"));
  }
};

TEST_F(EncodeRefuses, TooManyFilters) {
  Plan plan = least();
  plan.filters.resize(wire::kMaxFilters);
  EXPECT_TRUE(encode(plan, {}).ok());
  plan.filters.emplace_back();
  expect_refused(plan, {});
}

TEST_F(EncodeRefuses, TooManyListeners) {
  Plan plan = least();
  plan.listeners.resize(wire::kMaxListeners);
  EXPECT_TRUE(encode(plan, {}).ok());
  plan.listeners.push_back(1);
  expect_refused(plan, {});
}

TEST_F(EncodeRefuses, TooLargeAFile) {
  Plan plan = least();
  plan.mounts.steps.resize(1);
  plan.mounts.steps[0].contents.resize(wire::kMaxFileBytes);
  EXPECT_TRUE(encode(plan, {}).ok());
  plan.mounts.steps[0].contents += 'x';
  expect_refused(plan, {});
}

TEST_F(EncodeRefuses, TooManySources) {
  Plan plan = least();
  plan.mounts.sources.resize(wire::kMaxSources);
  EXPECT_TRUE(encode(plan, {}).ok());
  plan.mounts.sources.emplace_back();
  expect_refused(plan, {});
}

TEST_F(EncodeRefuses, TooManyKeptDescriptors) {
  Plan plan = least();
  plan.kept_fds.resize(wire::kMaxKeptFds);
  EXPECT_TRUE(encode(plan, {}).ok());
  plan.kept_fds.push_back(3);
  expect_refused(plan, {});
}

}  // namespace
}  // namespace carrel::plan
