// doctor, profile, schema, completion, man: they answer, and change nothing.
#include "fixture.h"
#include "json.h"

namespace carrel::tests {
namespace {

class OtherCommands : public Sandboxed {};
CARREL_AS_ROOT_AND_USER(OtherCommands);

TEST_P(OtherCommands, DoctorTriesEverythingAndLeavesNothing) {
  const std::string before = world().listing();
  const Ended ended = carrel({"doctor"});
  EXPECT_TRUE(exited(ended, 0));  // these tests could not run otherwise
  for (const char* part :
       {"user namespaces", "seccomp", "cgroup", "Landlock", "overlayfs", "/dev/kvm", "nftables"}) {
    EXPECT_TRUE(contains(ended.out, part)) << part << ended.out;
  }
  EXPECT_EQ(world().listing(), before);
}

TEST_P(OtherCommands, DoctorSaysTheSameAsJson) {
  const Ended ended = carrel({"doctor", "--json"});
  EXPECT_TRUE(exited(ended, 0));
  const boost::json::value report = parse_json(ended.out);
  EXPECT_TRUE(at(report, "works").is_bool()) << ended.out;
  EXPECT_NE(text_at(report, "checks.0.name"), "");
}

TEST_P(OtherCommands, ProfilesAreListedAndPrinted) {
  const Ended list = carrel({"profile"});
  EXPECT_TRUE(exited(list, 0));
  for (const char* name : {"default", "strict", "cowork"})
    EXPECT_TRUE(contains(list.out, name)) << list.out;
  EXPECT_TRUE(contains(carrel({"profile", "default"}).out, "protect_names"));
  EXPECT_TRUE(refused(carrel({"profile", "no-such"}), "no-such"));
}

TEST_P(OtherCommands, SchemaIsJson) {
  const Ended ended = carrel({"schema"});
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_TRUE(at(parse_json(ended.out), "properties.files").is_object()) << ended.out;
}

TEST_P(OtherCommands, CompletionOfBashIsAScriptThatCompletes) {
  const Ended ended = plain_script(
      "eval \"$('" + world().carrel() +
      "' completion bash)\" || exit 1; complete -p carrel >/dev/null || exit 2; "
      "spec=$(complete -p carrel); f=${spec#*-F }; f=${f%% *}; COMP_WORDS=(carrel run --wri); "
      "COMP_CWORD=2; COMP_LINE='carrel run --wri'; "
      "COMP_POINT=${#COMP_LINE}; COMPREPLY=(); $f carrel --wri run; echo \"${COMPREPLY[@]}\"; "
      "wait");
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_TRUE(contains(ended.out, "--write")) << describe(ended);
}

TEST_P(OtherCommands, CompletionOfEveryShellAndTheManualPageArePrinted) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const Ended ended = carrel({"completion", shell});
    EXPECT_TRUE(exited(ended, 0));
    EXPECT_TRUE(contains(ended.out, "write")) << shell;
  }
  const Ended page = carrel({"man"});
  EXPECT_TRUE(exited(page, 0));
  EXPECT_TRUE(contains(page.out, ".TH ")) << page.out.substr(0, 200);
  EXPECT_TRUE(contains(carrel({"man", "run"}).out, "keep"));
}

TEST_P(OtherCommands, HelpToAPipeThatCloses) {
  EXPECT_FALSE(
      plain_script("'" + world().carrel() + "' run --help | head -n 1 >/dev/null").timed_out);
  EXPECT_TRUE(exited(plain_script("'" + world().carrel() + "' run --help > /dev/full"), 125));
}

}  // namespace
}  // namespace carrel::tests
