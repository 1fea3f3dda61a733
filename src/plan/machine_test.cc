#include "plan/machine.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <set>

#include "sys/test_folder.h"

namespace carrel::plan {
namespace {

Machine read() {
  Result<Machine> machine = this_machine();
  EXPECT_TRUE(machine.ok()) << machine.error().message;
  return std::move(machine).value();
}

// Sets a variable, and puts back what was there.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    const char* const old = ::getenv(name);
    if (old != nullptr) old_ = old;
    ::setenv(name, value.c_str(), 1);
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() {
    if (old_.has_value()) {
      ::setenv(name_, old_->c_str(), 1);
    } else {
      ::unsetenv(name_);
    }
  }

 private:
  const char* name_;
  std::optional<std::string> old_;
};

TEST(ThisMachine, KnowsWhoAsks) {
  const Machine machine = read();
  EXPECT_EQ(machine.uid, ::geteuid());
  EXPECT_EQ(machine.gid, ::getegid());
  EXPECT_GT(machine.memory_bytes, 16u << 20);
  if (machine.uid != 0) EXPECT_FALSE(machine.may_drop_groups);
}

TEST(ThisMachine, KnowsTheHardLimitOfEachResourceThatPlansUse) {
  const Machine machine = read();
  for (const auto resource :
       {RLIMIT_NOFILE, RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_NPROC, RLIMIT_CORE}) {
    rlimit limit{};
    ASSERT_EQ(::getrlimit(resource, &limit), 0);
    EXPECT_EQ(machine.hard_rlimits.at(static_cast<std::uint32_t>(resource)), limit.rlim_max);
  }
}

TEST(ThisMachine, WorkingDirectoryIsRealWhateverPwdSays) {
  const sys::TestFolder folder;
  folder.dir("real");
  folder.link("link", folder.path("real"));
  const std::string before = std::filesystem::current_path();
  ASSERT_EQ(::chdir(folder.path("link").c_str()), 0);
  const Variable pwd("PWD", folder.path("link"));
  const std::string found = read().working_dir;
  ASSERT_EQ(::chdir(before.c_str()), 0);
  EXPECT_EQ(found, folder.path("real"));
}

TEST(ThisMachine, HomeIsAbsoluteAndTidyOrUnknown) {
  {
    const Variable home("HOME", "/home//user/./x/../");
    EXPECT_EQ(read().home, "/home/user");
  }
  for (const char* bad : {"", "relative/home", "~"}) {
    const Variable home("HOME", bad);
    EXPECT_EQ(read().home, "") << bad;
  }
}

TEST(ThisMachine, EnvironmentKeepsValuesAsTheyAre) {
  const Variable variable("CARREL_TEST", "a=b=\xff\n");
  EXPECT_EQ(read().environment.at("CARREL_TEST"), "a=b=\xff\n");
  const Variable empty("CARREL_TEST_EMPTY", "");
  EXPECT_EQ(read().environment.at("CARREL_TEST_EMPTY"), "");
}

TEST(UsableCgroups, AreThoseThatThisUserMayUse) {
  std::set<std::string> controllers;
  for (const CgroupParent& cgroup : usable_cgroups()) {
    EXPECT_TRUE(controllers.insert(cgroup.controller).second) << cgroup.controller << " twice";
    EXPECT_EQ(::access(cgroup.folder.c_str(), W_OK), 0) << cgroup.folder;
    EXPECT_TRUE(std::filesystem::exists(cgroup.folder + "/cgroup.procs")) << cgroup.folder;
    EXPECT_TRUE(cgroup.controller == "memory" || cgroup.controller == "pids" ||
                cgroup.controller == "cpu")
        << cgroup.controller;
  }
}

}  // namespace
}  // namespace carrel::plan
