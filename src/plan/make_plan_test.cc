#include <gtest/gtest.h>

#include "plan/test_policy.h"

namespace carrel::plan {
namespace {

using policy::Policy;
using sys::names;

Machine machine(std::uint32_t uid = 1000) {
  Machine machine;
  machine.uid = uid;
  machine.gid = uid;
  machine.working_dir = "/";
  machine.environment = {{"PATH", "/one:/two"}, {"SECRET", "s"}};
  machine.memory_bytes = 4096;
  machine.may_drop_groups = uid == 0;
  return machine;
}

Request request(std::vector<std::string> arguments) {
  Request request;
  request.arguments = std::move(arguments);
  return request;
}

Plan plan(const Policy& policy, const Request& asked, const Machine& on = machine()) {
  Result<Plan> made = make_plan(policy, asked, on);
  EXPECT_TRUE(made.ok()) << made.error().message;
  return made.ok() ? std::move(made).value() : Plan();
}

std::vector<std::string> candidates(const std::string& command, std::optional<std::string> path) {
  Policy policy;
  policy.environment.pass = {"PATH"};
  Machine on = machine();
  on.environment.erase("PATH");
  if (path.has_value()) on.environment["PATH"] = *path;
  return plan(policy, request({command}), on).command.candidates;
}

using Paths = std::vector<std::string>;

TEST(MakePlan, LooksForACommandAsAShellDoes) {
  EXPECT_EQ(candidates("true", "/one:/two"), Paths({"/one/true", "/two/true"}));
  EXPECT_EQ(candidates("true", "/one::/two"), Paths({"/one/true", "./true", "/two/true"}));
  EXPECT_EQ(candidates("true", ":/one:"), Paths({"./true", "/one/true", "./true"}));
  EXPECT_EQ(candidates("true", ""), Paths({"./true"}));
  EXPECT_EQ(candidates("bin/true", "/one"), Paths({"bin/true"}));
  EXPECT_EQ(candidates("/bin/true", "/one"), Paths({"/bin/true"}));
  EXPECT_EQ(candidates("true", std::nullopt),
            Paths({"/usr/local/bin/true", "/usr/bin/true", "/bin/true"}));
}

// "/one/" would be a folder, which "cannot be executed" (126), not "not found" (127).
TEST(MakePlan, FindsNoCommandWithoutAName) { EXPECT_EQ(candidates("", "/one"), Paths({""})); }

TEST(MakePlan, SearchesThePathThatTheCommandWillHave) {
  Policy policy;
  policy.environment.set = {{"PATH", "/set"}};
  EXPECT_EQ(plan(policy, request({"x"})).command.candidates, Paths({"/set/x"}));
  EXPECT_EQ(plan(Policy(), request({"x"})).command.candidates.front(), "/usr/local/bin/x");
}

TEST(MakePlan, PassesArgumentsByteForByte) {
  const std::vector<std::string> arguments = {"x", "", " ", "a b", "\n\x1b\xff", "--", "$(x)"};
  EXPECT_EQ(plan(Policy(), request(arguments)).command.arguments, arguments);
}

TEST(MakePlan, StartsWhereTheCallerIsUnlessItIsTold) {
  EXPECT_EQ(plan(Policy(), request({"x"})).command.working_dir, "/");
  Request elsewhere = request({"x"});
  elsewhere.working_dir = "/usr";
  EXPECT_EQ(plan(Policy(), elsewhere).command.working_dir, "/usr");
}

TEST(MakePlan, IdentityOfRootAndOfAnOrdinaryUser) {
  const Identity root = plan(Policy(), request({"x"}), machine(0)).identity;
  EXPECT_TRUE(root.map_all);
  EXPECT_TRUE(root.drop_groups);
  const Identity user = plan(Policy(), request({"x"}), machine(1000)).identity;
  EXPECT_EQ(user.uid, 1000u);
  EXPECT_EQ(user.gid, 1000u);
  EXPECT_FALSE(user.map_all);
  EXPECT_FALSE(user.drop_groups);
}

TEST(MakePlan, KeepsEachDescriptorOnceInOrder) {
  Request asked = request({"x"});
  asked.kept_fds = {9, 3, 9, 5, 3};
  EXPECT_EQ(plan(Policy(), asked).kept_fds, std::vector<int>({3, 5, 9}));
  asked.kept_fds.clear();
  for (int fd = 3; fd <= 3 + static_cast<int>(wire::kMaxKeptFds); ++fd)
    asked.kept_fds.push_back(fd);
  const Result<Plan> refused = make_plan(Policy(), asked, machine());
  ASSERT_FALSE(refused.ok());
  EXPECT_TRUE(names(refused.error().message, "descriptors"));
}

TEST(MakePlan, SharesMemoryWithPrivateFoldersUnlessThePolicySaysHowMuch) {
  EXPECT_EQ(plan(Policy(), request({"x"})).mounts.private_bytes, 1024u);
  Policy policy;
  policy.limits.scratch = 65536;
  EXPECT_EQ(plan(policy, request({"x"})).mounts.private_bytes, 65536u);
}

TEST(MakePlan, ListensOnlyIfListenersAreHandedOut) {
  const Plan without = plan(Policy(), request({"x"}));
  EXPECT_TRUE(without.listeners.empty());
  EXPECT_TRUE(without.environment.empty());
  Request asked = request({"x"});
  asked.hand_out_listeners = true;
  const Plan with = plan(Policy(), asked);
  EXPECT_EQ(with.listeners.size(), 2u);
  EXPECT_FALSE(with.environment.empty());
}

TEST(MakePlan, PutsTheSystemsMountsAfterThoseOfTheRules) {
  const sys::TestFolder folder;
  Policy policy;
  policy.files.write = {folder.dir("w")};
  const Plan made = plan(policy, request({"x"}));
  EXPECT_EQ(made.mounts.steps.front().target, folder.path("w"));
  EXPECT_EQ(made.mounts.steps.back().target, "/dev");
  EXPECT_EQ(made.policy, policy);
  EXPECT_EQ(made.filters.size(), 2u);
  EXPECT_EQ(made.hostname, policy.hostname);
}

TEST(MakePlan, ChangesNothing) {
  const sys::TestFolder folder;
  make_tree(folder, {"w/.git/hooks/h", "w/h/r/"});
  Policy policy;
  policy.files = files_below(
      folder.path(),
      {.write = {"w"}, .read = {"w/h/r"}, .hide = {"w/h"}, .protect_names = {".git/hooks"}});
  const std::string list = "find '" + folder.path() + "' -printf '%p %m %u %i %T@ %C@\\n' | sort";
  const auto listing = [&] {
    std::string text;
    FILE* const pipe = ::popen(list.c_str(), "r");
    for (int c = ::fgetc(pipe); c != EOF; c = ::fgetc(pipe)) text += static_cast<char>(c);
    ::pclose(pipe);
    return text;
  };
  const std::string before = listing();
  (void)plan(policy, request({"x"}));
  EXPECT_EQ(listing(), before);
}

TEST(MakePlan, RefusesAPolicyThatContradictsItself) {
  Policy policy;
  policy.files.write = {"/x"};
  policy.files.hide = {policy::Glob::of_literal("/x")};
  const Result<Plan> made = make_plan(policy, request({"x"}), machine());
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().code, Errc::kInvalid);
  EXPECT_TRUE(names(made.error().message, "contradict"));
}

TEST(MakePlan, RefusesToRunNothing) {
  const Result<Plan> made = make_plan(Policy(), request({}), machine());
  ASSERT_FALSE(made.ok());
  EXPECT_TRUE(names(made.error().message, "no command"));
}

}  // namespace
}  // namespace carrel::plan
