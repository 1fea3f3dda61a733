// A policy that cannot be read as it was meant is refused with its place, and the
// command is not run.
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"

namespace carrel::tests {
namespace {

class PolicyFile : public Sandboxed {
 protected:
  // Runs a command that leaves a trace under a policy of this text.
  Ended run_under(const std::string& text) {
    const std::string file = world().make_file("outside/policy.toml", text);
    return sealed({"/usr/bin/touch", "ran"}, {"--policy", file});
  }
  bool command_ran() { return ::access((world().work() + "/ran").c_str(), F_OK) == 0; }
};
CARREL_AS_ROOT_AND_USER(PolicyFile);

TEST_P(PolicyFile, OneThatSaysLittleAddsToTheDefaultProfile) {
  EXPECT_TRUE(exited(run_under("hostname = \"room\"\n"), 0));
  EXPECT_TRUE(command_ran());
}

TEST_P(PolicyFile, GrantsWhatItNames) {
  const std::string file = world().make_file("outside/policy.toml",
                                             "[files]\nwrite = [\"" + world().outside() + "\"]\n");
  const std::string planted = world().outside() + "/made";
  EXPECT_TRUE(exited(sealed({"/usr/bin/touch", planted}, {"--policy", file}), 0));
  EXPECT_EQ(::access(planted.c_str(), F_OK), 0);
}

TEST_P(PolicyFile, MeansTheCallersFoldersByDotAndTilde) {
  const std::string file =
      world().make_file("outside/policy.toml", "[files]\nwrite = [\".\", \"~/project\"]\n");
  world().make_dir("home/project");
  EXPECT_TRUE(
      exited(sealed_script("echo a > here; echo b > ~/project/there", {"--policy", file}), 0));
  EXPECT_EQ(read_file(world().work() + "/here"), "a\n");
  EXPECT_EQ(read_file(world().home() + "/project/there"), "b\n");
}

TEST_P(PolicyFile, ThatIsMissingIsRefusedByName) {
  EXPECT_TRUE(refused(sealed({"/usr/bin/touch", "ran"}, {"--policy", "/no/such/policy.toml"}),
                      "/no/such/policy.toml"));
  EXPECT_FALSE(command_ran());
}

TEST_P(PolicyFile, ThatIsAFolderIsRefused) {
  EXPECT_TRUE(refused(sealed({"/usr/bin/touch", "ran"}, {"--policy", world().outside()}),
                      world().outside()));
  EXPECT_FALSE(command_ran());
}

TEST_P(PolicyFile, ThatIsEmptyIsRefused) {
  EXPECT_TRUE(refused(run_under(""), "policy.toml"));
  EXPECT_FALSE(command_ran());
}

TEST_P(PolicyFile, WithBadSyntaxIsRefusedWithLineAndColumn) {
  EXPECT_TRUE(refused(run_under("hostname = \"room\"\n\n[files\n"), "policy.toml:3:"));
  EXPECT_FALSE(command_ran());
}

TEST_P(PolicyFile, WithAnUnknownKeyIsRefusedWithLineAndColumn) {
  EXPECT_TRUE(
      refused(run_under("[files]\nwrite = [\".\"]\n  wriet = [\"/\"]\n"), "policy.toml:3:3"));
  EXPECT_FALSE(command_ran());
  EXPECT_TRUE(refused(run_under("[network]\n\n[filez]\n"), "policy.toml:3:"));
  EXPECT_TRUE(contains(run_under("[filez]\n").err, "filez"));
}

TEST_P(PolicyFile, WithAWrongTypeOrValueIsRefusedWithLineAndColumn) {
  EXPECT_TRUE(refused(run_under("hostname = 7\n"), "policy.toml:1:"));
  EXPECT_TRUE(refused(run_under("[files]\nwrite = \"/tmp\"\n"), "policy.toml:2:"));
  EXPECT_TRUE(refused(run_under("[limits]\n\nmemory = \"12 parsecs\"\n"), "policy.toml:3:"));
  EXPECT_TRUE(refused(run_under("[network]\nallow = [\"*.com\"]\n"), "policy.toml:2:"));
  EXPECT_TRUE(refused(run_under("[network]\nallow = [\"a.org\",\n \"https://x.org/y\"]\n"),
                      "policy.toml:3:"));
  EXPECT_FALSE(command_ran());
}

TEST_P(PolicyFile, ThatContradictsItselfIsRefused) {
  const std::string path = world().outside();
  EXPECT_TRUE(refused(
      run_under("[files]\nwrite = [\"" + path + "\"]\nprotect = [\"" + path + "\"]\n"), path));
  EXPECT_TRUE(refused(run_under("[files]\nwrite = [\"/\"]\n"), "policy.toml:2:"));
  EXPECT_FALSE(command_ran());
}

TEST_P(PolicyFile, InsideAWritableFolderCannotBeChangedByTheCommandForTheNextRun) {
  const std::string file = world().make_file("work/policy.toml", "hostname = \"room\"\n");
  const Ended ended = sealed_script(
      "echo '[files]' >> policy.toml; mv policy.toml p2; echo > policy.toml", {"--policy", file});
  EXPECT_FALSE(exited(ended, 0));
  EXPECT_EQ(read_file(file), "hostname = \"room\"\n");
}

TEST_P(PolicyFile, SettingsWithAnUnknownKeyAreRefusedWithTheirPlace) {
  const std::string file =
      world().make_file("outside/settings.json", "{\n  \"filesystem\": {},\n  \"colour\": 1\n}\n");
  const Ended ended = sealed({"/usr/bin/touch", "ran"}, {"--settings", file});
  EXPECT_TRUE(refused(ended, "settings.json:3:"));
  EXPECT_TRUE(contains(ended.err, "colour")) << describe(ended);
  EXPECT_FALSE(command_ran());
}

TEST_P(PolicyFile, SettingsThatAreMissingEmptyOrBrokenAreRefused) {
  EXPECT_TRUE(
      refused(sealed({"/usr/bin/touch", "ran"}, {"--settings", "/no/such.json"}), "/no/such.json"));
  for (const char* text : {"", "{", "[]", "{\"filesystem\": {\"allowWrite\": \".\"}}"}) {
    const std::string file = world().make_file("outside/settings.json", text);
    EXPECT_TRUE(refused(sealed({"/usr/bin/touch", "ran"}, {"--settings", file}), "settings.json"))
        << text;
  }
  EXPECT_FALSE(command_ran());
}

TEST_P(PolicyFile, SettingsOfSandboxRuntimeAreTakenAsTheyAre) {
  world().make_file("work/locked/file", "original\n");
  world().make_file("outside/private/key", kSecret);
  const std::string file = world().make_file("outside/settings.json", R"({
    "network": {"allowedDomains": [], "deniedDomains": []},
    "filesystem": {"denyRead": [")" + world().outside() + R"(/private"],
                   "allowWrite": ["."],
                   "denyWrite": ["locked"]}
  })");
  const Ended ended = sealed_script(
      "echo x > new || exit 1; (echo x > locked/file) 2>/dev/null && exit 2; "
      "cat " +
          world().outside() + "/private/key 2>/dev/null && exit 3; exit 0",
      {"--settings", file});
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_EQ(read_file(world().work() + "/new"), "x\n");
  EXPECT_EQ(read_file(world().work() + "/locked/file"), "original\n");
}

}  // namespace
}  // namespace carrel::tests
