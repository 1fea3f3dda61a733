#include "jail/launcher/plan_view.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>

#include "plan/encode.h"

namespace carrel::launcher {
namespace {

using plan::Plan;
using plan::RunHandles;

// A block in memory of exactly its size, aligned as mmap(2) gives it: a read
// beyond its end is seen by AddressSanitizer.
class Block {
 public:
  explicit Block(std::string_view bytes)
      : size_(bytes.size()), bytes_(new(std::align_val_t{64}) char[bytes.size()]) {
    std::memcpy(bytes_.get(), bytes.data(), size_);
  }
  [[nodiscard]] PlanView view() const { return {bytes_.get(), size_}; }

 private:
  struct Delete {
    void operator()(char* bytes) const { ::operator delete[](bytes, std::align_val_t{64}); }
  };
  std::size_t size_;
  std::unique_ptr<char[], Delete> bytes_;
};

Plan rich_plan() {
  Plan plan;
  plan.identity = {1000, 100, true, true};
  plan.hostname = "room";
  plan.mounts.sources = {{"/work", 3, true, false}, {"/dev/null", 0, false, true}};
  for (std::uint32_t op = 0; op <= static_cast<std::uint32_t>(wire::MountOp::kDevpts); ++op) {
    plan::MountStep step;
    step.op = static_cast<wire::MountOp>(op);
    step.target = "/target/" + std::to_string(op);
    step.link = std::string(op, 'l');
    step.contents = std::string(op, '\0');
    step.attributes = std::uint64_t{op} << 40;
    step.mode = 0700 + op;
    step.optional = op % 2 == 0;
    step.trusted = op % 3 == 0;
    if (step.op == wire::MountOp::kPlace) step.source = 1;
    plan.mounts.steps.push_back(step);
  }
  plan.mounts.private_bytes = 1ull << 40;
  plan.filters.resize(2);
  plan.filters[0].program = {{1, 2, 3, 4}, {5, 6, 7, 8}, {9, 10, 11, 0xffffffff}};
  plan.environment = {{"A", "1"}, {"B", ""}, {"C", "a=b\n\xff"}};
  plan.limits.rlimits = {{7, 64}, {1, ~0ull}};
  plan.listeners = {3128, 1080, 65535};
  plan.kept_fds = {3, 9, 1000};
  plan.command.arguments = {"x", "", std::string(300, 'a'), "\x1b\n"};
  plan.command.candidates = {"/bin/x", "./x"};
  plan.command.working_dir = "/work/here";
  plan.wall_time = std::chrono::milliseconds(1500);
  return plan;
}

RunHandles rich_handles() {
  RunHandles handles;
  handles.carrel_fd = 10;
  handles.room_pid = 12;
  handles.room_fd = 13;
  handles.control_fd = 14;
  handles.proxy_pid = 15;
  handles.proxy_fd = 16;
  handles.cgroup_folders = {"/sys/fs/cgroup/a", "/sys/fs/cgroup/b"};
  handles.always_finish = true;
  handles.record_denials = true;
  handles.context = std::string("--record\0file", 13);
  handles.started_at = 123456789;
  handles.planned_at = 987654321;
  return handles;
}

std::string rich_block() { return plan::encode(rich_plan(), rich_handles()).value(); }

std::string text(const PlanView& view, const wire::Text& at) { return {view.text(at), at.size}; }

std::vector<std::string> texts(const PlanView& view, const wire::Table<wire::Text>& table) {
  std::vector<std::string> out;
  for (const wire::Text& at : view.table(table)) {
    out.push_back(text(view, at));
    EXPECT_EQ(view.text(at)[at.size], '\0');
  }
  return out;
}

class RoundTrip : public testing::Test {
 protected:
  const Block block_{rich_block()};
  const PlanView view_ = block_.view();
  const Plan plan_ = rich_plan();
  const RunHandles handles_ = rich_handles();
};

TEST_F(RoundTrip, OfIdentityAndHandles) {
  ASSERT_TRUE(view_.valid());
  const wire::Header& header = view_.header();
  EXPECT_EQ(header.uid, 1000u);
  EXPECT_EQ(header.gid, 100u);
  EXPECT_EQ(header.map_all, 1u);
  EXPECT_EQ(header.drop_groups, 1u);
  EXPECT_EQ(header.carrel_fd, 10);
  EXPECT_EQ(header.room_pid, 12);
  EXPECT_EQ(header.room_fd, 13);
  EXPECT_EQ(header.control_fd, 14);
  EXPECT_EQ(header.proxy_pid, 15);
  EXPECT_EQ(header.proxy_fd, 16);
  EXPECT_EQ(texts(view_, header.cgroup_folders), handles_.cgroup_folders);
  EXPECT_EQ(text(view_, header.context), handles_.context);
  EXPECT_EQ(header.always_finish, 1u);
  EXPECT_EQ(header.record_denials, 1u);
  EXPECT_EQ(header.started_at, handles_.started_at);
  EXPECT_EQ(header.planned_at, handles_.planned_at);
}

TEST_F(RoundTrip, OfMounts) {
  ASSERT_TRUE(view_.valid());
  const auto sources = view_.table(view_.header().sources);
  ASSERT_EQ(sources.count, plan_.mounts.sources.size());
  for (std::uint32_t i = 0; i < sources.count; ++i) {
    const plan::MountSource& source = plan_.mounts.sources[i];
    EXPECT_EQ(text(view_, sources[i].path), source.path);
    EXPECT_EQ(sources[i].attributes, source.attributes);
    EXPECT_EQ(sources[i].recursive != 0, source.recursive);
    EXPECT_EQ(sources[i].trusted != 0, source.trusted);
  }
  const auto steps = view_.table(view_.header().mounts);
  ASSERT_EQ(steps.count, plan_.mounts.steps.size());
  for (std::uint32_t i = 0; i < steps.count; ++i) {
    const plan::MountStep& step = plan_.mounts.steps[i];
    EXPECT_EQ(steps[i].op, step.op);
    EXPECT_EQ(text(view_, steps[i].target), step.target);
    EXPECT_EQ(text(view_, steps[i].link), step.link);
    EXPECT_EQ(std::string(view_.text(steps[i].contents), steps[i].contents.size), step.contents);
    EXPECT_EQ(steps[i].attributes, step.attributes);
    EXPECT_EQ(steps[i].mode, step.mode);
    EXPECT_EQ(steps[i].optional != 0, step.optional);
    EXPECT_EQ(steps[i].trusted != 0, step.trusted);
    EXPECT_EQ(steps[i].source, step.source.value_or(0));
  }
  EXPECT_EQ(view_.header().private_bytes, plan_.mounts.private_bytes);
}

TEST_F(RoundTrip, OfTheCommand) {
  ASSERT_TRUE(view_.valid());
  const wire::Header& header = view_.header();
  EXPECT_EQ(text(view_, header.hostname), plan_.hostname);
  EXPECT_EQ(text(view_, header.working_dir), plan_.command.working_dir);
  EXPECT_EQ(texts(view_, header.arguments), plan_.command.arguments);
  EXPECT_EQ(texts(view_, header.candidates), plan_.command.candidates);
  EXPECT_EQ(texts(view_, header.environment),
            std::vector<std::string>({"A=1", "B=", "C=a=b\n\xff"}));
  EXPECT_EQ(header.wall_time_ms, 1500u);
}

TEST_F(RoundTrip, OfLimitsListenersDescriptorsAndFilters) {
  ASSERT_TRUE(view_.valid());
  const wire::Header& header = view_.header();
  std::vector<std::pair<std::uint32_t, std::uint64_t>> limits;
  for (const wire::Limit& limit : view_.table(header.limits)) {
    limits.emplace_back(limit.resource, limit.value);
  }
  EXPECT_EQ(limits, plan_.limits.rlimits);
  const auto ports = view_.table(header.listeners);
  EXPECT_EQ(std::vector<std::uint16_t>(ports.begin(), ports.end()), plan_.listeners);
  const auto fds = view_.table(header.kept_fds);
  EXPECT_EQ(std::vector<int>(fds.begin(), fds.end()), plan_.kept_fds);
  const auto filters = view_.table(header.filters);
  ASSERT_EQ(filters.count, 2u);
  const auto* const bytes = reinterpret_cast<const char*>(&header);
  EXPECT_EQ(filters[0].count, 3u);
  EXPECT_EQ(filters[0].offset % 8, 0u);
  EXPECT_EQ(std::memcmp(bytes + filters[0].offset, plan_.filters[0].program.data(),
                        3 * sizeof(sock_filter)),
            0);
  EXPECT_EQ(filters[1].count, 0u);
}

// Reads every byte that a valid view gives access to.
std::uint64_t read_everything(const PlanView& view) {
  const wire::Header& header = view.header();
  const auto* const bytes = reinterpret_cast<const unsigned char*>(&header);
  std::uint64_t sum = 0;
  const auto add = [&](const void* at, std::size_t size) {
    const auto* const from = static_cast<const unsigned char*>(at);
    for (std::size_t i = 0; i < size; ++i) sum += from[i];
  };
  const auto add_text = [&](const wire::Text& at) {
    add(view.text(at), at.size + std::size_t{1});
    sum += std::strlen(view.text(at));
  };
  const auto add_table = [&](const auto& table) {
    const auto slice = view.table(table);
    for (const auto& element : slice) add(&element, sizeof element);
  };
  add(&header, sizeof header);
  add_table(header.listeners);
  add_table(header.limits);
  add_table(header.kept_fds);
  for (const auto* table :
       {&header.cgroup_folders, &header.candidates, &header.arguments, &header.environment}) {
    for (const wire::Text& at : view.table(*table)) add_text(at);
  }
  for (const wire::Text* at : {&header.hostname, &header.working_dir, &header.context}) {
    add_text(*at);
  }
  for (const wire::Source& source : view.table(header.sources)) add_text(source.path);
  for (const wire::MountStep& step : view.table(header.mounts)) {
    add_text(step.target);
    add_text(step.link);
    add_text(step.contents);
    if (step.op == wire::MountOp::kPlace) sum += view.table(header.sources)[step.source].trusted;
  }
  for (const wire::Filter& filter : view.table(header.filters)) {
    add(bytes + filter.offset, filter.count * sizeof(sock_filter));
  }
  return sum;
}

// The launcher has arrays of these sizes.
void expect_within_its_arrays(const wire::Header& header) {
  EXPECT_LE(header.sources.count, wire::kMaxSources);
  EXPECT_LE(header.listeners.count, wire::kMaxListeners);
  EXPECT_LE(header.filters.count, wire::kMaxFilters);
  EXPECT_LE(header.kept_fds.count, wire::kMaxKeptFds);
  EXPECT_GT(header.arguments.count, 0u);
  EXPECT_GT(header.candidates.count, 0u);
}

TEST(PlanView, RefusesEveryTruncation) {
  const std::string whole = rich_block();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(Block(std::string_view(whole).substr(0, size)).view().valid()) << size;
    // Also if the size that is written in it agrees.
    if (size < sizeof(wire::Header)) continue;
    std::string cut = whole.substr(0, size);
    const auto written = static_cast<std::uint32_t>(size);
    std::memcpy(cut.data() + offsetof(wire::Header, total_size), &written, sizeof written);
    const Block block(cut);
    if (block.view().valid()) (void)read_everything(block.view());
  }
  EXPECT_FALSE(Block(whole + '\0').view().valid());
  EXPECT_FALSE(PlanView().valid());
  EXPECT_FALSE(PlanView(nullptr, 0).valid());
}

TEST(PlanView, RefusesOrSurvivesEveryChangedByte) {
  const std::string whole = rich_block();
  int accepted = 0;
  int refused = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    const bool argument = at > sizeof(wire::Header) && whole[at] == 'a' && whole[at - 1] == 'a';
    if (argument) continue;  // 300 alike
    for (const int value : {0, 1, 7, 0x7f, 0x80, 0xff, ~whole[at] & 0xff}) {
      std::string changed = whole;
      changed[at] = static_cast<char>(value);
      const Block block(changed);
      const PlanView view = block.view();
      if (!view.valid()) {
        ++refused;
        continue;
      }
      ++accepted;
      expect_within_its_arrays(view.header());
      (void)read_everything(view);
    }
  }
  EXPECT_GT(accepted, 100);
  EXPECT_GT(refused, 100);
}

// Every 32-bit word that could be an offset or a count, at the values where sums wrap around.
TEST(PlanView, RefusesOrSurvivesEveryChangedWord) {
  const std::string whole = rich_block();
  const auto size = static_cast<std::uint32_t>(whole.size());
  for (std::size_t at = 0; at + 4 <= whole.size(); at += 4) {
    if (at > sizeof(wire::Header) && whole.compare(at, 4, "aaaa") == 0) continue;
    for (const std::uint32_t value :
         {0u, 1u, size - 1, size, size + 1, size - 8, 0x7fffffffu, 0x80000000u, 0xfffffff8u,
          0xffffffffu, 0x0aaaaaabu, 0x20000000u, 0x10000000u}) {
      std::string changed = whole;
      std::memcpy(changed.data() + at, &value, sizeof value);
      const Block block(changed);
      if (!block.view().valid()) continue;
      expect_within_its_arrays(block.view().header());
      (void)read_everything(block.view());
    }
  }
}

TEST(PlanView, RefusesAPlanWithoutACommand) {
  Plan plan = rich_plan();
  plan.command.arguments.clear();
  EXPECT_FALSE(Block(plan::encode(plan, {}).value()).view().valid());
  plan = rich_plan();
  plan.command.candidates.clear();
  EXPECT_FALSE(Block(plan::encode(plan, {}).value()).view().valid());
}

TEST(PlanView, RefusesToPlaceASourceThatIsNotThere) {
  Plan plan = rich_plan();
  plan.mounts.sources.pop_back();
  EXPECT_FALSE(Block(plan::encode(plan, {}).value()).view().valid());
}

TEST(PlanView, RefusesAFilterThatNoKernelLoads) {
  Plan plan = rich_plan();
  plan.filters[1].program.resize(4096);
  EXPECT_TRUE(Block(plan::encode(plan, {}).value()).view().valid());
  plan.filters[1].program.resize(4097);
  EXPECT_FALSE(Block(plan::encode(plan, {}).value()).view().valid());
}

}  // namespace
}  // namespace carrel::launcher
