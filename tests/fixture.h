// The base of every whole-program test: a world of its own, run as root and as an
// ordinary user, and nothing alive when it ends.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "process.h"
#include "world.h"

namespace carrel::tests {

inline void PrintTo(Who who, std::ostream* out) { *out << (who == Who::kRoot ? "root" : "user"); }

class Sandboxed : public testing::TestWithParam<Who> {
 protected:
  void SetUp() override {
    if (GetParam() == Who::kRoot && ::geteuid() != 0) {
      GTEST_SKIP() << "this case runs carrel as root; run the tests as root to have it";
    }
    adopt_orphans();
    world_ = std::make_unique<World>(GetParam());
  }

  void TearDown() override {
    EXPECT_EQ(survivors(std::chrono::milliseconds(0)), std::vector<std::string>{})
        << "left alive by a run that was over";
  }

  World& world() { return *world_; }
  [[nodiscard]] bool is_root() const { return GetParam() == Who::kRoot; }

  // carrel ARGUMENTS...
  [[nodiscard]] Ended carrel(std::vector<std::string> arguments) {
    return run(world().carrel(std::move(arguments)));
  }

  // carrel run OPTIONS... -- COMMAND...
  [[nodiscard]] Ended sealed(std::vector<std::string> command,
                             std::vector<std::string> options = {}) {
    return run(sealed_invocation(std::move(command), std::move(options)));
  }
  [[nodiscard]] Invocation sealed_invocation(std::vector<std::string> command,
                                             std::vector<std::string> options = {}) {
    std::vector<std::string> arguments{"run"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    arguments.emplace_back("--");
    arguments.insert(arguments.end(), command.begin(), command.end());
    return world().carrel(std::move(arguments));
  }

  // The same for a script of bash, and for one outside of any sandbox.
  [[nodiscard]] Ended sealed_script(const std::string& script,
                                    std::vector<std::string> options = {}) {
    return sealed({"/bin/bash", "-c", script}, std::move(options));
  }
  [[nodiscard]] Ended plain_script(const std::string& script) {
    return run(world().plain({"/bin/bash", "-c", script}));
  }

 private:
  std::unique_ptr<World> world_;
};

[[nodiscard]] inline bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// An assertion that shows the whole run when it fails.
[[nodiscard]] inline testing::AssertionResult exited(const Ended& ended, int status) {
  if (!ended.timed_out && !ended.held_open && ended.status == status) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << "wanted status " << status << ", got " << describe(ended);
}

// Carrel refused before the command ran: 125 and one line that holds `part`.
[[nodiscard]] inline testing::AssertionResult refused(const Ended& ended, std::string_view part) {
  if (const auto result = exited(ended, 125); !result) return result;
  if (!contains(ended.err, part)) {
    return testing::AssertionFailure()
           << "the message does not name '" << part << "': " << describe(ended);
  }
  return testing::AssertionSuccess();
}

#define CARREL_AS_ROOT_AND_USER(suite)                                                      \
  INSTANTIATE_TEST_SUITE_P(                                                                 \
      As, suite, testing::Values(::carrel::tests::Who::kRoot, ::carrel::tests::Who::kUser), \
      [](const auto& who) { return who.param == ::carrel::tests::Who::kRoot ? "Root" : "User"; })

}  // namespace carrel::tests
